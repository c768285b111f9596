"""Cases: what the Advice page asks, as text, and the address that asks it again. It knows no widget.

Every answer is the text of one field of `UseCase`; the library reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from planner.advising import UseCase
from planner.advising.deciding import DEFAULT_CLUSTER
from planner.advising.usecase import CHOICES, NUMBERS, SWITCHES
from planner.errors import InputError
from planner.units import show

VERSION = "1"
PREFIX = "case_"
"""Before the name of each answer in an address, because other pages have names of their own there."""
LONGEST = 80
FIRST = date(2021, 7, 1)
"""From here on there were open models to compare with."""


@dataclass(frozen=True, slots=True)
class Question:
    """How one field is asked for: in a few words, and explained in plain ones."""

    label: str
    help: str


MAIN: dict[str, Question] = {
    "task": Question("What should it do?", "The main thing you need a language model for."),
    "knowledge": Question("Which facts must it know?", "Facts that a general model lacks, and whether they change."),
    "budget_usd": Question("Money to build it (US dollars)", "Once: machines, labels and services, such as $50K."),
    "unlabeled_tokens": Question(
        "Raw text of your field (tokens)",
        "Text of your own without labels. A token is a piece of a word; a page has 500.",
    ),
}
"""The questions that decide most, always in sight."""

MORE: dict[str, Question] = {
    "wish": Question("What would you like to hear?", "It changes no advice, but the answer speaks to it."),
    "corpus_tokens": Question("Documents it draws on (tokens)", "All texts that answers must be looked up in."),
    "update_hours": Question("Hours between changes of the facts", "24 means every day. It counts where facts change."),
    "behaviour": Question(
        "Could you write the manner down?", "Whether the wanted style fits on a page of instructions."
    ),
    "domain_gap": Question("What is your text like?", "How far it is from ordinary text."),
    "fertility": Question(
        "Tokens per word", "With the best open tokenizer. English has about 1.3, other languages more."
    ),
    "n_labeled": Question("Examples with the right output", "Pairs of an input and the output that you want."),
    "modality": Question("What kind of data?", "What the model reads."),
    "prompt_tried": Question("Did you try prompting?", "What came of asking an existing model well."),
    "queries_month": Question("Requests a month", "How often it is asked."),
    "tok_in": Question("Tokens in each request", "Counted as for English."),
    "tok_out": Question("Tokens in each answer", "Counted as for English."),
    "latency_ms": Question("Longest wait (milliseconds)", "Until an answer begins."),
    "deploy": Question("Where may it run?", "What your rules and your devices allow."),
    "provenance": Question("What may a base have been trained on?", "Whether models of others may be used at all."),
    "goal": Question("What is it for?", "An application, a contribution, or a model to sell."),
    "monthly_usd": Question("Money to run it (US dollars a month)", "Each month, such as $5K."),
    "weeks": Question("Weeks until it must work", "From today until people use it."),
    "team": Question("Most skilled people at hand", "Who would build it."),
    "n_serve_max": Question(
        "Largest model to serve (parameters)", "Parameters are the numbers a model learns: its size."
    ),
    "horizon_months": Question("Months that the answer should hold", "Costs are added up over them."),
    "citations": Question("Answers must name their sources", "Every answer says where it comes from."),
    "access_control": Question("Who may see what differs", "What a user may see depends on the user."),
    "mandate_from_scratch": Question("A rule demands a model of your own", "Trained from scratch, whatever it costs."),
    "teacher_allowed": Question(
        "May learn from a larger model", "A small model may be trained on a large one's outputs."
    ),
    "cluster": Question("Cluster for training", "The accelerators whose prices turn compute into dollars."),
}
"""The questions behind the expander."""

WORDS: dict[str, dict[str, str]] = {
    "task": {
        "general": "Many things: a general model", "chat": "Chat", "qa": "Answer questions", "summarize": "Summarise",
        "extraction": "Pull facts out of texts", "classification": "Sort texts into classes",
        "style": "Write in a certain style", "translate": "Translate", "code": "Write programs",
        "agent": "Act with tools", "forecast": "Forecast numbers", "sequence": "Read sequences such as DNA",
    },
    "knowledge": {
        "none": "None beyond general knowledge", "public": "Public facts", "private_static": "Our own, they stay",
        "private_changing": "Our own, they change", "live": "Live data",
    },
    "behaviour": {"none": "No special manner", "promptable": "Yes, on a page", "hard": "No, only by examples"},
    "domain_gap": {
        "general": "Ordinary text", "terms": "Ordinary with terms of the field",
        "nonstandard": "Odd: logs, codes, notation", "language": "Another large language",
        "lowres_language": "A language with little text", "modality": "No text",
    },
    "team": {
        "none": "Nobody technical", "app": "Application engineers", "ml": "Machine-learning engineers",
        "infra": "Engineers of large training runs",
    },
    "deploy": {
        "api": "Any hosted service", "vpc": "Our own cloud", "on_prem": "Our own machines",
        "air_gapped": "Machines without network", "on_device": "Phones or laptops",
    },
    "provenance": {"any": "Anything", "open_data": "Documented open data only", "own_data": "Our own data only"},
    "goal": {
        "application": "An application", "public_good": "A contribution to the public",
        "sell_model": "A model to sell",
    },
    "modality": {
        "text": "Text", "code": "Programs", "dna": "DNA", "protein": "Proteins", "timeseries": "Series of numbers",
        "tabular": "Tables", "logs": "Logs",
    },
    "prompt_tried": {
        "unknown": "Not yet", "works": "It works", "fails_knowledge": "It lacks facts",
        "fails_behaviour": "It does not behave as wanted",
    },
    "wish": {
        "": "Nothing in particular", "pretrain": "Train from scratch", "finetune": "Fine-tune", "rag": "Retrieval",
    },
}  # fmt: skip
"""What people read for each answer of the questions with fixed answers."""


def defaults() -> dict[str, str]:
    """The answers that stand where nobody said anything, as text; the date is today."""
    return texts_of(UseCase(), DEFAULT_CLUSTER)


def texts_of(case: UseCase, cluster: str) -> dict[str, str]:
    """The answers that make `case`, as text, and its cluster."""
    return {name: _text(getattr(case, name), name) for name in fields()} | {"cluster": cluster}


def fields() -> tuple[str, ...]:
    """The fields of a case that are asked for."""
    return (*(name for name in (*MAIN, *MORE) if name != "cluster"), "as_of")


def _text(value: Any, name: str) -> str:
    if name in SWITCHES:
        return "yes" if value else "no"
    if name in NUMBERS:
        unit = NUMBERS[name][0]
        return show(value, "count" if unit in ("tokens", "params") else unit).removesuffix(".00")
    return value.isoformat() if isinstance(value, date) else str(value)


EXAMPLES: dict[str, dict[str, str]] = {
    "BloombergGPT, June 2022": {
        "task": "general", "domain_gap": "terms", "unlabeled_tokens": "363B", "budget_usd": "$3.3M",
        "monthly_usd": "$50K", "weeks": "52", "team": "infra", "n_serve_max": "51B", "wish": "pretrain",
        "as_of": "2022-06-01",
    },
    "Questions about our manuals": {
        "task": "qa", "knowledge": "private_changing", "corpus_tokens": "20M", "update_hours": "24",
        "citations": "yes",
    },
    "Sort support mail": {"task": "classification", "n_labeled": "2000", "team": "app", "queries_month": "500K"},
    "A model for a national language": {
        "task": "general", "domain_gap": "lowres_language", "fertility": "2.8", "unlabeled_tokens": "20B",
        "budget_usd": "$5M", "weeks": "52", "team": "infra", "goal": "public_good", "wish": "pretrain",
    },
}  # fmt: skip
"""Cases to start from; what they leave out is the default. BloombergGPT: arXiv 2303.17564."""


def case_of(texts: Mapping[str, str]) -> UseCase:
    """The case that the answers make.

    Raises:
        PlannerError: an answer is not understood.
    """
    said: dict[str, Any] = {name: texts[name] for name in fields()}
    return UseCase.from_dict(said | {name: _switch(texts[name], name) for name in SWITCHES})


def _switch(text: str, name: str) -> bool:
    if text not in ("yes", "no"):
        raise InputError(f"{name} is {text[:LONGEST]!r}.", mend="Say yes or no.")
    return text == "yes"


def address_of(texts: Mapping[str, str], law: str) -> dict[str, str]:
    """The address that asks all of this again, also what stands at its default."""
    return {"v": VERSION, "law": law, **{f"{PREFIX}{name}": text for name, text in texts.items()}}


def speaks(address: Mapping[str, str]) -> bool:
    """Whether an address carries answers of this page."""
    return any(name.startswith(PREFIX) for name in address)


def opened(address: Mapping[str, str]) -> dict[str, str]:
    """The answers that an address carries; what it leaves out is the default.

    Raises:
        InputError: another version wrote it, or it holds an answer too long to be meant or a name nobody asks.
    """
    if address.get("v", VERSION) != VERSION:
        raise InputError(
            f"This link was made by another version of this page: {address['v'][:LONGEST]!r}, not {VERSION!r}.",
            mend="Answer the questions again and share the new address.",
        )
    said = {name.removeprefix(PREFIX): text for name, text in address.items() if name.startswith(PREFIX)}
    known = defaults()
    for name, text in said.items():
        if name not in known:
            raise InputError(
                f"The link answers {name[:LONGEST]!r}, which is not asked.", mend="Answer the questions here."
            )
        if len(text) > LONGEST:
            raise InputError(f"{name!r} in the link is longer than {LONGEST} characters.", mend="Answer it again.")
        if name in CHOICES and text not in CHOICES[name]:
            raise InputError(f"The link answers {name} by {text!r}.", mend=f"Known: {', '.join(CHOICES[name])}.")
    return known | said


def months(today: date, *also: str) -> list[str]:
    """The dates that the slider offers as ISO text: the first of every quarter since `FIRST`, today, and `also`."""
    found = {date(year, month, 1).isoformat() for year in range(FIRST.year, today.year + 1) for month in (1, 4, 7, 10)}
    inside = {text for text in found if FIRST.isoformat() <= text <= today.isoformat()}
    return sorted(inside | {today.isoformat(), *also})


_LABELS = {name: ask.label for name, ask in {**MAIN, **MORE}.items() if name in NUMBERS}
_KEYWORD = re.compile(rf"(?:^|(?<=\bGive ))({'|'.join(_LABELS)})(?=:| is | must | in )")


def worded(text: str) -> str:
    """`text` of the library with the questions of the page in place of its keywords."""
    return _KEYWORD.sub(lambda found: _LABELS[found[1]], text)
