"""flips(assessment) -> the nearest single changes of the case that change the advice, under the central assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from planner.advising.assessing import Assessment
from planner.advising.usecase import NUMBERS
from planner.advising.views import TEAMS, count, options
from planner.units import show

MOST_FLIPS = 5
_STEPS = 5
_LEAST = 0.01
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Flip:
    """One input of the case, the value at which the advice changes, and the headline that it becomes."""

    field: str
    now: Any
    at: Any
    becomes: str

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"field": self.field, "now": _plain(self.now), "at": _plain(self.at), "becomes": self.becomes}

    def __str__(self) -> str:
        now = f" (now {_words(self, self.now)})" if self.field in NUMBERS or self.field == "as_of" else ""
        return f"If {self._condition}{now}: {_PHRASES.get(self.becomes) or options()[self.becomes]['phrase']}."

    @property
    def _condition(self) -> str:
        if self.field in CONDITIONS:
            return CONDITIONS[self.field].format(_words(self, self.at))
        return CONDITIONS[f"{self.field}={_plain(self.at)}"]


_PHRASES = {"infeasible": "it cannot be done as asked", "long_context": "the documents pasted into the prompt"}

CONDITIONS = {
    "n_labeled": "you had {} labelled examples",
    "unlabeled_tokens": "you had {} of your own text",
    "budget_usd": "the budget were {}",
    "weeks": "you had {} weeks",
    "update_hours": "the facts changed every {}",
    "as_of": "it were {}, with the models of that day",
    "behaviour=hard": "the wanted manner cannot be written down",
    "behaviour=promptable": "the wanted manner can be written down as instructions",
    "knowledge=private_static": "it must know private documents",
    "knowledge=none": "it needs no facts from outside",
    "team=app": "you had application engineers",
    "team=ml": "you had machine-learning engineers",
    "team=infra": "you had engineers who have trained on large clusters",
    "citations=True": "answers must name their sources",
    "citations=False": "answers need not name their sources",
    "domain_gap=nonstandard": "your text is far from ordinary language",
    "domain_gap=general": "your text is ordinary language",
    "provenance=any": "any model may be the base, whatever it has read",
    "mandate_from_scratch=False": "no rule demanded a model trained from scratch",
}
"""Each change that is tried, in the user's words."""

_SOURCED_TASKS = {"qa", "summarize", "chat", "agent", "general"}
"""Tasks whose answers could name a source."""


def flips(assessment: Assessment) -> tuple[Flip, ...]:
    """At most `MOST_FLIPS`, in the order of `changes`."""
    found: list[Flip] = []
    for name, value in changes(assessment):
        changed = _headline(assessment, name, value)
        if changed == assessment.choice.headline or any(flip.field == name for flip in found):
            continue
        found.append(_nearest(assessment, name, value) if name in NUMBERS else _flip(assessment, name, value))
        if len(found) == MOST_FLIPS:
            break
    return tuple(found)


def changes(assessment: Assessment) -> list[tuple[str, Any]]:
    """Single changes that are worth a look, likely ones first."""
    case = assessment.case
    enough_text = 1.1 * assessment.view.least_own_tokens
    wanted: list[tuple[str, Any]] = [
        ("n_labeled", max(2000.0, 10 * case.n_labeled)),
        ("n_labeled", 0.0),
        ("behaviour", "promptable" if case.behaviour == "hard" else "hard"),
        ("knowledge", "private_static" if case.knowledge in {"none", "public"} else "none"),
        ("unlabeled_tokens", max(1e10, 30 * case.unlabeled_tokens)),
        ("unlabeled_tokens", max(1e10, 30 * case.unlabeled_tokens, enough_text)),
        ("budget_usd", max(1e5, 30 * case.budget_usd)),
        ("budget_usd", case.budget_usd / 30),
        ("weeks", 52.0),
        *(("team", team) for team in TEAMS[TEAMS.index(case.team) + 1 :]),
        *([("citations", not case.citations)] if case.citations or case.task in _SOURCED_TASKS else []),
        ("domain_gap", "nonstandard" if case.domain_gap in {"general", "terms"} else "general"),
        ("provenance", "any"),
        ("mandate_from_scratch", False),
        ("update_hours", 0.1),
        ("as_of", case.as_of - 3 * _YEAR if case.as_of.year >= 2025 else case.as_of + 3 * _YEAR),
    ]
    return [(name, value) for name, value in wanted if value != getattr(case, name)]


def _headline(assessment: Assessment, name: str, value: Any) -> str:
    return assessment.changed(**{name: value}).choice.headline


def _flip(assessment: Assessment, name: str, value: Any) -> Flip:
    return Flip(name, getattr(assessment.case, name), value, _headline(assessment, name, value))


def _nearest(assessment: Assessment, name: str, value: float) -> Flip:
    """The change of the number `name` halved, on a log scale, until the advice just still changes."""
    same, far = max(float(getattr(assessment.case, name)), _LEAST), max(value, _LEAST)
    for _ in range(_STEPS):
        middle = float(f"{(same * far) ** 0.5:.2g}")
        if _headline(assessment, name, middle) == assessment.choice.headline:
            same = middle
        else:
            far = middle
    return _flip(assessment, name, far)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _words(flip: Flip, value: Any) -> str:
    if flip.field in NUMBERS:
        unit = NUMBERS[flip.field][0]
        if flip.field == "update_hours":
            return show(value / 24, "days")
        return count(value) if unit == "count" else show(value, unit)
    return str(_plain(value))
