"""flips(assessment) -> the nearest single changes of the case that change the advice.

All assumptions are central. Near means little to change: powers of ten of a number, years of a date, and for answers in
words our guess of how easily they are mistaken or changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

import numpy as np

from planner.advising.assessing import LANDSCAPE_FIELDS, Assessment
from planner.advising.bases import catalogue
from planner.advising.rules import Choice
from planner.advising.usecase import NUMBERS, TEAMS
from planner.advising.views import options
from planner.units import show

LEAST_FLIPS, MOST_FLIPS = 3, 5
_Told: TypeAlias = Callable[[Choice], object]
_STEPS, _FEW_STEPS = 10, 6
_CLOSE_ENOUGH = 1.03
_YEAR = timedelta(days=365)

_SCALES = {
    "update_hours": 0.1, "n_labeled": 100.0, "unlabeled_tokens": 1e8, "corpus_tokens": 1e4, "budget_usd": 100.0,
    "monthly_usd": 10.0, "weeks": 0.5, "queries_month": 1000.0, "latency_ms": 10.0,
}  # fmt: skip
"""The numbers that are changed, and below what amount a difference no longer counts."""

_DISTANCES = {
    "behaviour": 0.5, "domain_gap": 0.5, "knowledge": 0.8, "citations": 0.8, "access_control": 1.0, "team": 0.8,
    "provenance": 1.5, "mandate_from_scratch": 1.5,
}  # fmt: skip
"""How far a changed answer in words is, in powers of ten of a number: our assumption."""


@dataclass(frozen=True, slots=True)
class Flip:
    """One input of the case, the value at which the advice changes, what then leads and comes with it, and how far."""

    field: str
    now: Any
    at: Any
    becomes: str
    components: tuple[str, ...]
    distance: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        changed = {"field": self.field, "now": _plain(self.now), "at": _plain(self.at)}
        return {**changed, "becomes": self.becomes, "components": list(self.components), "distance": self.distance}

    def __str__(self) -> str:
        now = f" (now {_words(self, self.now)})" if self.field in NUMBERS or self.field == "as_of" else ""
        parts = self.components[:1] if self.becomes == "infeasible" else self.components
        return f"If {self._condition}{now}: {' plus '.join(map(_phrase, parts))}."

    @property
    def _condition(self) -> str:
        if self.field in CONDITIONS:
            return CONDITIONS[self.field].format(_words(self, self.at))
        return CONDITIONS[f"{self.field}={_plain(self.at)}"]


def _phrase(option: str) -> str:
    return _PHRASES.get(option) or options()[option]["phrase"]


_PHRASES = {"infeasible": "it cannot be done as asked", "long_context": "the documents pasted into the prompt"}

CONDITIONS = {
    "n_labeled": "you had {} labelled examples",
    "unlabeled_tokens": "you had {} of your own text",
    "corpus_tokens": "the documents were {}",
    "budget_usd": "the budget were {}",
    "monthly_usd": "the monthly budget were {}",
    "weeks": "you had {} weeks",
    "queries_month": "there were {} requests a month",
    "latency_ms": "answers had to begin within {}",
    "update_hours": "the facts changed every {}",
    "as_of": "it were {}, with the models of that day",
    "behaviour=hard": "the wanted manner cannot be written down",
    "behaviour=promptable": "the wanted manner can be written down as instructions",
    "knowledge=private_static": "it must know private documents",
    "knowledge=none": "it needs no facts from outside",
    "team=app": "you had application engineers",
    "team=ml": "you had machine-learning engineers",
    "team=infra": "you had engineers who have trained on large clusters",
    "access_control=False": "every user may see everything",
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
    """At most `MOST_FLIPS`, the nearest first, one for each input.

    Where fewer than `LEAST_FLIPS` inputs change what leads, those follow that change what comes with it.
    """
    found = _flips(assessment, _headline)
    if len(found) < LEAST_FLIPS:
        known = {flip.field for flip in found}
        found += [flip for flip in _flips(assessment, _components) if flip.field not in known]
    return tuple(found[:MOST_FLIPS])


def _flips(assessment: Assessment, told: _Told) -> list[Flip]:
    """The nearest change of each input that changes what is `told` of the choice."""
    found: dict[str, Flip] = {}
    for name, value in changes(assessment):
        if told(assessment.changed(**{name: value}).choice) == told(assessment.choice):
            continue
        flip = _nearest(assessment, name, value, told)
        if name not in found or flip.distance < found[name].distance:
            found[name] = flip
    return sorted(found.values(), key=lambda flip: flip.distance)


def _headline(choice: Choice) -> object:
    return choice.headline


def _components(choice: Choice) -> object:
    return frozenset(choice.components)


def changes(assessment: Assessment) -> list[tuple[str, Any]]:
    """Single changes that are worth a look: numbers both ways, answers to what they could as well be."""
    case = assessment.case
    wanted = [*_numbers(assessment), *_words_changed(assessment)]
    return [(name, value) for name, value in wanted if value != getattr(case, name)]


def _numbers(assessment: Assessment) -> list[tuple[str, Any]]:
    case = assessment.case
    enough_text = 1.1 * assessment.view.least_own_tokens
    earliest, latest = catalogue()[0].release, max(case.as_of, catalogue()[-1].release)
    return [
        ("n_labeled", max(2000.0, 10 * case.n_labeled)),
        ("n_labeled", 0.0),
        ("unlabeled_tokens", max(1e10, 30 * case.unlabeled_tokens)),
        ("unlabeled_tokens", max(1e10, 30 * case.unlabeled_tokens, enough_text)),
        ("unlabeled_tokens", case.unlabeled_tokens / 100),
        ("budget_usd", max(1e5, 30 * case.budget_usd)),
        ("budget_usd", case.budget_usd / 30),
        ("weeks", 52.0),
        ("weeks", case.weeks / 20),
        ("queries_month", 100 * max(case.queries_month, 100.0)),
        ("queries_month", case.queries_month / 100),
        ("monthly_usd", 30 * case.monthly_usd),
        ("monthly_usd", case.monthly_usd / 30),
        ("corpus_tokens", max(1000 * case.corpus_tokens, 5e4)),
        ("corpus_tokens", case.corpus_tokens / 1000),
        ("latency_ms", 50.0),
        ("latency_ms", 3000.0),
        *([("update_hours", 0.1)] if case.knowledge == "private_changing" else []),
        ("as_of", max(case.as_of - 3 * _YEAR, earliest)),
        ("as_of", min(case.as_of + 3 * _YEAR, latest)),
    ]


def _words_changed(assessment: Assessment) -> list[tuple[str, Any]]:
    case = assessment.case
    sourced = case.citations or case.task in _SOURCED_TASKS
    return [
        ("behaviour", "promptable" if case.behaviour == "hard" else "hard"),
        ("knowledge", "private_static" if case.knowledge in {"none", "public"} else "none"),
        *(("team", team) for team in TEAMS[TEAMS.index(case.team) + 1 :]),
        *([("citations", not case.citations)] if sourced else []),
        ("access_control", False),
        *([] if assessment.pilots else [("domain_gap", _other_gap(case.domain_gap))]),
        ("provenance", "any"),
        ("mandate_from_scratch", False),
    ]


def _other_gap(gap: str) -> str:
    return "nonstandard" if gap in {"general", "terms"} else "general"


def _nearest(assessment: Assessment, name: str, value: Any, told: _Told) -> Flip:
    """The change towards `value` halved until the advice just still changes; answers in words cannot be halved."""
    now, at = getattr(assessment.case, name), value
    if name in NUMBERS:
        at = _nearest_number(assessment, name, float(value), told)
        distance = abs(float(np.log10((at + _SCALES[name]) / (now + _SCALES[name]))))
    elif name == "as_of":
        at = _nearest_day(assessment, value, told)
        distance = abs((at - now) / _YEAR)
    else:
        distance = _DISTANCES[name]
    becomes = assessment.changed(**{name: at}).choice
    return Flip(name, now, at, becomes.headline, becomes.components, distance)


def _nearest_number(assessment: Assessment, name: str, far: float, told: _Told) -> float:
    scale, same = _SCALES[name], float(getattr(assessment.case, name))
    if name == "corpus_tokens" and not same:
        # Documents of unknown length: no threshold lies between nothing said and something said.
        return far
    for _ in range(_FEW_STEPS if name in LANDSCAPE_FIELDS else _STEPS):
        if max(far + scale, same + scale) < _CLOSE_ENOUGH * min(far + scale, same + scale):
            break
        middle = float(f"{((same + scale) * (far + scale)) ** 0.5 - scale:.2g}")
        if middle in (same, far):
            break
        if told(assessment.changed(**{name: middle}).choice) == told(assessment.choice):
            same = middle
        else:
            far = middle
    return far


def _nearest_day(assessment: Assessment, far: date, told: _Told) -> date:
    same = assessment.case.as_of
    for _ in range(_FEW_STEPS):
        middle = same + (far - same) / 2
        if told(assessment.changed(as_of=middle).choice) == told(assessment.choice):
            same = middle
        else:
            far = middle
    return far


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _words(flip: Flip, value: Any) -> str:
    if flip.field in NUMBERS:
        unit = NUMBERS[flip.field][0]
        if flip.field == "update_hours":
            return show(value / 24, "days")
        if flip.field == "latency_ms":
            return show(value / 1000, "seconds")
        return show(value, unit)
    return str(_plain(value))
