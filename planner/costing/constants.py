"""The constants of a bill around its final run, from costs.csv, each with its range and source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planner.catalog import record
from planner.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Constant:
    """A number of costs.csv and what people should know about it."""

    value: Estimate
    basis: str


@cache
def constant(key: str) -> Constant:
    row = record("costs", "key", key, kind="constant")
    return Constant(Estimate(float(row["value"]), float(row["low"]), float(row["high"])), row["basis"])


@cache
def whole_programme() -> Estimate:
    """The cost of a whole programme over that of its final run."""
    beyond = constant("beyond_the_final_run").value
    return Estimate(1 + beyond, 1 + beyond.low, 1 + beyond.high, beyond.level)
