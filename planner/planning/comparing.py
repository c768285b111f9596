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
        for number, item in enumerate(self.plans, start=1):
            yield Row(f"plan_{number}", item.goal.text, item.title)

    def to_frame(self) -> pd.DataFrame:
        """The values of every plan's rows, one column per plan, indexed by key."""
        import pandas as pd

        names = [item.goal.text for item in self.plans]
        frames = [item.to_frame()["value"].rename(name) for name, item in zip(names, self.plans, strict=True)]
        return pd.concat(frames, axis=1)


def compare(*plans: Plan) -> Comparison:
    """The plans side by side.

    Raises:
        InputError: fewer than two plans, or something else among them.
    """
    if len(plans) < 2 or not all(isinstance(item, Plan) for item in plans):
        raise InputError("compare() needs two or more plans.", mend="compare(plan(...), plan(...)).")
    return Comparison(plans)
