"""flips(assessment) -> the nearest single changes of the case that change the advice, under the central assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from planner.advising.assessing import Assessment
from planner.advising.usecase import NUMBERS, UseCase
from planner.advising.views import count
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
        change = f"{_words(self, self.now)} -> {_words(self, self.at)}"
        return f"{self.field.replace('_', ' ')}: {change} gives {self.becomes.replace('_', ' ')}"


def flips(assessment: Assessment) -> tuple[Flip, ...]:
    """At most `MOST_FLIPS`, in the order of `_changes`."""
    found: list[Flip] = []
    for name, value in _changes(assessment.case):
        changed = _headline(assessment, name, value)
        if changed == assessment.choice.headline or any(flip.field == name for flip in found):
            continue
        found.append(_nearest(assessment, name, value) if name in NUMBERS else _flip(assessment, name, value))
        if len(found) == MOST_FLIPS:
            break
    return tuple(found)


def _changes(case: UseCase) -> list[tuple[str, Any]]:
    """Single changes that are worth a look, likely ones first."""
    wanted: list[tuple[str, Any]] = [
        ("n_labeled", max(2000.0, 10 * case.n_labeled)),
        ("n_labeled", 0.0),
        ("behaviour", "promptable" if case.behaviour == "hard" else "hard"),
        ("knowledge", "private_static" if case.knowledge in {"none", "public"} else "none"),
        ("unlabeled_tokens", max(1e10, 30 * case.unlabeled_tokens)),
        ("budget_usd", max(1e5, 30 * case.budget_usd)),
        ("budget_usd", case.budget_usd / 30),
        ("weeks", 52.0),
        ("team", "infra"),
        ("citations", not case.citations),
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
        return count(value) if unit == "count" else show(value, unit)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(_plain(value)).replace("_", " ")
