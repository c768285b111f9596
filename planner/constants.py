"""Constants: the numbers of a table that we assume or quote, each with its range and its basis in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planner.catalog import record
from planner.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Constant:
    """A number and what people should know about it."""

    value: Estimate
    basis: str


@cache
def constant(table: str, key: str) -> Constant:
    """The row `key` of a table with the columns key, value, low, high and basis."""
    row = record(table, "key", key, kind="constant")
    return Constant(Estimate(float(row["value"]), float(row["low"]), float(row["high"])), row["basis"])
