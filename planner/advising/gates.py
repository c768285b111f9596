"""Gates: what keeps an option from being done in a case, each a small function that gives a sentence, or ''.

Rules, people, weeks, text, dollars and examples are gates; whether an option is wanted, they do not ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from planner.advising.assuming import Reason
from planner.advising.usecase import TEAMS
from planner.advising.views import View, have, options
from planner.units import show

EXAMPLES = {"classifier": "classifier_labels", "ft": "tune_examples"}
"""The assumption that says how many labelled examples an option needs."""

_MODALITY_TEAM = "ml"


def obstacles(view: View, option: str) -> Iterator[Reason]:
    """All that keeps `option` from being done here, each with the evidence behind its gate."""
    for gate, source in GATES:
        if text := gate(view, option):
            yield Reason(text, _PUBLISHED.get((gate, option), source))


def obstacle(view: View, option: str) -> Reason | None:
    """The first of them; None where nothing keeps it."""
    return next(obstacles(view, option), None)


def all_obstacles(view: View, option: str) -> str:
    """All of them in words, or ''."""
    return " ".join(reason.text for reason in obstacles(view, option))


def blocked(view: View, option: str) -> str:
    """Why `option` cannot be done here, in a sentence, or ''."""
    found = obstacle(view, option)
    return "" if found is None else found.text


def against_pretraining(view: View) -> str:
    """Why not to pretrain, quality for the money first; for cases without a hard reason."""
    found = why_not_pretrain(view)
    return "" if found is None else found.text


def why_not_pretrain(view: View) -> Reason | None:
    """The same with its evidence; None where nothing speaks against it."""
    wished_for_quality = view.is_language and view.has_base and not view.hard_reason
    if wished_for_quality and view.run_flops < view.break_even_flops:
        return Reason("A free model of the same size, adapted, is predicted to be better for this money.", "law")
    found = obstacle(view, "pretrain")
    if found is None and wished_for_quality and not view.from_scratch_wins:
        return Reason("You have too little text of your own to make a model that differs from the free ones.", "law")
    simpler = _simpler_way(view)
    if simpler:
        return Reason(f"{simpler} {found.text if found else ''}".strip(), "practice")
    return found


def _simpler_way(view: View) -> str:
    """What to try before pretraining on data other than language."""
    if view.case.modality == "tabular":
        return "Tables need no such model: simpler methods are at least as good."
    if not view.is_language and view.has_specialist and not view.hard_reason:
        return "An open model has learned from this kind of data already: try it first."
    return ""


def forbidden(view: View, option: str) -> str:
    """Rules on whose model may be used, and on learning from a larger model."""
    if option == "distill" and not view.case.teacher_allowed:
        return "The larger model's licence forbids learning from its outputs."
    if view.bound_to_own_model and option not in {"pretrain", "classical"}:
        return f"It builds on a model of others, and {view.hard_reason}."
    if option in {"ft", "cpt", "distill"} and not view.has_base:
        return "No open model fits the size, date and training-data rules."
    if option == "specialist" and not view.has_specialist and not view.is_language:
        return "No open model for this kind of data exists at this date."
    return ""


def lacks_people(view: View, option: str) -> str:
    """The least skilled team that can do it."""
    needed = options()[option]["team"]
    if option == "pretrain" and not view.is_language:
        needed = _MODALITY_TEAM
    if TEAMS.index(view.case.team) >= TEAMS.index(needed):
        return ""
    return f"It needs {_PEOPLE[needed]}."


_PEOPLE = {
    "app": "application engineers",
    "ml": "machine-learning engineers",
    "infra": "engineers who have trained on large clusters",
}


def lacks_time(view: View, option: str) -> str:
    """The fewest weeks that it takes."""
    weeks = float(options()[option]["weeks"])
    factor = view.guess["effort"] if weeks > 1 else 1.0
    if view.case.weeks >= weeks * factor:
        return ""
    return f"It takes {show(weeks, 'count')} weeks or more; {have(view.case, 'weeks')}."


def lacks_money(view: View, option: str) -> str:
    """The fewest dollars that it takes; for pretraining, the programme of the smallest useful model."""
    if option == "pretrain":
        least = view.least_programme_usd
        if view.case.budget_usd >= least:
            return ""
    else:
        least = float(options()[option]["usd"])
        if view.case.budget_usd >= least * view.guess["effort"]:
            return ""
    return f"It takes about {show(least, 'usd')} or more; {have(view.case, 'budget_usd')}."


def lacks_examples(view: View, option: str) -> str:
    """Labelled examples that training to a task needs."""
    needed = EXAMPLES.get(option)
    if needed is None or view.case.n_labeled >= view.guess[needed]:
        return ""
    return f"It needs about {show(view.guess[needed], 'count')} examples; {have(view.case, 'n_labeled')}."


def lacks_text(view: View, option: str) -> str:
    """Raw text that continued pretraining and pretraining need; general open text counts where it is allowed."""
    given = have(view.case, "unlabeled_tokens")
    if option == "cpt" and view.own_text < view.guess["continue_tokens"]:
        kind = "text" if view.is_language else "data"
        least = view.guess["continue_tokens"] * max(view.case.stretch, 1.0)
        return f"It needs about {show(least, 'tokens')} of your own {kind}; {given}."
    own_only = view.case.provenance == "own_data" or not view.is_language
    if option == "pretrain" and own_only and view.lacks_own_text:
        return f"It needs about {show(view.least_own_tokens, 'tokens')} of your own data; {given}."
    return ""


def serves_no_purpose(view: View, option: str) -> str:
    """Options that do no harm but no good in this case."""
    if option == "classifier" and not view.judges:
        return "The answers are no fixed set of labels."
    if option == "cpt" and not view.is_language:
        if view.has_specialist:
            return "Test the existing model for this kind of data first, as it is."
        return "No open model has learned from this kind of data."
    if option == "specialist" and view.is_language:
        return "General models read this kind of data."
    if option == "specialist" and view.case.modality == "timeseries" and view.judges:
        return "The open models of time series forecast; they do not sort into classes."
    if option == "cpt" and view.gain < view.guess["useful_gain"]:
        return f"It would gain about {show(view.gain, 'nats/token')} over a small tune: too little to matter."
    return ""


Gate: TypeAlias = Callable[[View, str], str]

GATES: tuple[tuple[Gate, str], ...] = (
    (forbidden, "case"),
    (lacks_people, "effort"),
    (lacks_time, "effort"),
    (lacks_text, "effort"),
    (lacks_money, "effort"),
    (lacks_examples, "effort"),
    (serves_no_purpose, "case"),
)
"""Every gate, and the id of the evidence that it rests on."""

_PUBLISHED: dict[tuple[Gate, str], str] = {
    (lacks_examples, "classifier"): "bucher-2024",
    (serves_no_purpose, "cpt"): "law",
}
"""Gates that rest on something better for one option."""
