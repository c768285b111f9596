"""compare(...) -> Comparison: plans side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.errors import InputError
from planner.planning.plans import Plan
from planner.sheet import Row, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Sheet):
    """Plans side by side; `to_frame` has one column per plan."""

    plans: tuple[Plan, ...]
    title = "Plans compared"

    def rows(self) -> Iterable[Row]:
        """One row per plan: its size, tokens and loss in one line."""
        for number, (name, item) in enumerate(zip(_distinct(self.plans), self.plans, strict=True), start=1):
            yield Row(f"plan_{number}", name, item.title)

    def to_frame(self) -> pd.DataFrame:
        """The values of every plan's rows, one column per plan, indexed by key."""
        import pandas as pd

        names = _distinct(self.plans)
        frames = [item.to_frame()["value"].rename(name) for name, item in zip(names, self.plans, strict=True)]
        return pd.concat(frames, axis=1)


def _distinct(plans: tuple[Plan, ...]) -> list[str]:
    """A name for each plan: its goal, and where goals repeat what else tells plans apart."""
    goals = [item.goal.text for item in plans]
    if len(set(goals)) == len(goals):
        return goals
    fuller = [" ".join(filter(None, (goal, item.calibration.name, str(item.cluster or ""), _limits(item))))
              for goal, item in zip(goals, plans, strict=True)]  # fmt: skip
    return [f"{name} ({number})" if fuller.count(name) > 1 else name for number, name in enumerate(fuller, start=1)]


def _limits(plan: Plan) -> str:
    return "" if plan.binding == plan.goal.name else plan.binding


def compare(*plans: Plan) -> Comparison:
    """The plans side by side.

    Raises:
        InputError: fewer than two plans, or something else among them.
    """
    if len(plans) < 2 or not all(isinstance(item, Plan) for item in plans):
        raise InputError("compare() needs two or more plans.", mend="compare(plan(...), plan(...)).")
    return Comparison(plans)
