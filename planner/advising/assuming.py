"""What the advice assumes and what it cites: the tables of assumptions and of evidence, read and perturbed.

It knows no rule: a number here means what its label says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.catalog import Record, record, records
from planner.estimate import Estimate

Draws: TypeAlias = NDArray[np.float64]
"""One number per perturbation; the first is the central one."""

Guess = TypeVar("Guess", float, Draws)
"""An assumption: its central value alone, or one number per perturbation."""

_FARTHEST = 2.5
"""Standard deviations at most between a perturbed assumption and its central value."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that nobody measured for this case, with the range in which we believe it."""

    name: str
    label: str
    value: Estimate
    unit: str
    confidence: str
    source: str
    as_of: str

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        texts = {"label": self.label, "unit": self.unit, "confidence": self.confidence, "source": self.source}
        return {"name": self.name, **self.value.to_dict(), **texts, "as_of": self.as_of}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the advice is what it is, and the id of the evidence that says so."""

    text: str
    source: str

    @property
    def citation(self) -> str:
        """The evidence in words."""
        return record("evidence", "id", self.source, kind="evidence")["citation"]

    def to_dict(self) -> dict[str, str]:
        """Ready for JSON."""
        return {"text": self.text, "source": self.source, "citation": self.citation}

    def __str__(self) -> str:
        return f"{self.text} [{self.citation}]"


@cache
def assumptions() -> tuple[Assumption, ...]:
    """Every row of advice_assumptions.csv."""
    return tuple(_assumption(row) for row in records("advice_assumptions"))


def _assumption(row: Record) -> Assumption:
    value = Estimate(float(row["value"]), float(row["low"]), float(row["high"]))
    return Assumption(row["name"], row["label"], value, row["unit"], row["confidence"], row["source"], row["as_of"])


@cache
def central() -> dict[str, float]:
    """The central value of every assumption under its name."""
    return {assumption.name: float(assumption.value) for assumption in assumptions()}


@cache
def perturbed(count: int, seed: int) -> dict[str, Draws]:
    """`count` joint perturbations of all assumptions, independent of each other, after the central one."""
    random = np.random.default_rng(seed)
    return {entry.name: around(entry.value, random.standard_normal(count)) for entry in assumptions()}


def around(value: Estimate, deviations: Draws) -> Draws:
    """The central value, then one draw per standard normal deviation; none lies far outside the range of `value`."""
    if value.is_exact:
        return np.full(deviations.size + 1, float(value))
    return np.concatenate([[float(value)], value.draws(np.clip(deviations, -_FARTHEST, _FARTHEST))])


def estimated(draws: Draws) -> Estimate:
    """The central number and the range of the perturbations after it; exact where there are none."""
    return Estimate.of_draws(draws[0], draws[1:]) if draws.size > 1 else Estimate.exact(draws[0])


def plain(estimate: Estimate | None) -> dict[str, float | None] | None:
    """The estimate ready for JSON; a bound that nothing reaches is None."""
    if estimate is None:
        return None
    return {name: value if np.isfinite(value) else None for name, value in estimate.to_dict().items()}
