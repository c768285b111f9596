"""Asking: the questions behind a case, in plain words, each with a default. It prompts on stderr."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click

from planner.advising import UseCase
from planner.advising.usecase import CHOICES, NUMBERS, SWITCHES
from planner.errors import PlannerError
from planner.units import show

_YES = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class Question:
    """One field of a case, how it is asked, and when it matters."""

    field: str
    text: str
    matters: Callable[[UseCase], bool] = lambda case: True


def _uses_documents(case: UseCase) -> bool:
    return case.knowledge not in {"none", "public"} or case.citations


def _changes(case: UseCase) -> bool:
    return case.knowledge == "private_changing"


def _is_foreign(case: UseCase) -> bool:
    return case.domain_gap in {"language", "lowres_language"}


QUESTIONS = (
    Question("task", "What should it do?"),
    Question("knowledge", "Which facts must it know that a general model lacks?"),
    Question("corpus_tokens", "How many tokens are the documents it draws on (a page has about 500)?", _uses_documents),
    Question("update_hours", "Every how many hours do these facts change?", _changes),
    Question("citations", "Must answers name their sources?"),
    Question("access_control", "Does what a user may see depend on the user?", _uses_documents),
    Question("behaviour", "Could you write the wanted manner down on a page (promptable), or not (hard)?"),
    Question("modality", "What kind of data is it?"),
    Question("domain_gap", "How far is your text from ordinary text?", lambda case: case.is_language),
    Question("fertility", "Tokens per word in your language (`planner vocabulary` counts them)?", _is_foreign),
    Question("n_labeled", "How many examples of an input with its right output do you have?"),
    Question("unlabeled_tokens", "How much raw text of your field do you have, in tokens?"),
    Question("queries_month", "How many requests a month?"),
    Question("latency_ms", "How many milliseconds may pass until an answer begins?"),
    Question("deploy", "Where may it run?"),
    Question("provenance", "What may the base model have been trained on?"),
    Question("mandate_from_scratch", "Does a rule demand a model trained from scratch?"),
    Question("budget_usd", "How many dollars are there to build it?"),
    Question("monthly_usd", "How many dollars a month to run it?"),
    Question("weeks", "How many weeks until it must work?"),
    Question("team", "Who is the most skilled person at hand?"),
    Question("wish", "What would you like to hear, if anything?"),
)


def fields_help() -> str:
    """Every field of a case with the values that it takes, one to a line, for the help of a command."""
    words = [f"  {name}: {', '.join(word for word in known if word)}" for name, known in CHOICES.items()]
    numbers = [f"  {name}: {_KINDS[unit]}" for name, (unit, _) in NUMBERS.items()]
    switches = [f"  {name}: true or false" for name in SWITCHES]
    dates = ["  as_of: a date such as 2026-11-20"]
    return "\n".join(("\b", "Fields of a case:", *words, *numbers, *switches, *dates))


_KINDS = {
    "count": "a number such as 20k",
    "tokens": 'tokens such as 30B, or "1M words"',
    "usd": "US dollars such as 2M",
    "params": "parameters such as 8B",
}
"""What a number of each unit is written like."""


def ask_case(case: UseCase) -> UseCase:
    """The case after every question that matters; an empty answer keeps what `case` says."""
    click.echo("Press Enter to keep the answer in brackets.", err=True)
    for question in QUESTIONS:
        if question.matters(case):
            case = _ask(question, case)
    return case


def _ask(question: Question, case: UseCase) -> UseCase:
    """The case with one answer; an answer that is not understood is asked for again."""
    name, now = question.field, getattr(case, question.field)
    known = CHOICES.get(name, ())
    click.echo(f"\n{question.text}", err=True)
    if known:
        listed = [f"{number} {word or 'nothing'}" for number, word in enumerate(known, start=1)]
        click.echo(f"  {'  '.join(listed)}", err=True)
    while True:
        answer = click.prompt("", default=_shown(name, now), prompt_suffix="> ", err=True)
        try:
            return replace(case, **{name: _value(name, str(answer), now, known)})
        except PlannerError as error:
            click.echo(f"{error.problem} {error.mend}".strip(), err=True)


def _shown(name: str, now: Any) -> str:
    if name in SWITCHES:
        return "yes" if now else "no"
    if name in NUMBERS:
        return show(now, NUMBERS[name][0])
    return str(now) or "nothing"


def _value(name: str, answer: str, now: Any, known: tuple[str, ...]) -> Any:
    """What the words of an answer mean: a number of a list, yes or no, or what the case takes itself."""
    said = answer.strip()
    if said == _shown(name, now):
        return now
    if name in SWITCHES:
        return _YES.get(said.lower(), said)
    if known and said.isdigit() and 1 <= int(said) <= len(known):
        return known[int(said) - 1]
    return "" if known and said.lower() == "nothing" else said
