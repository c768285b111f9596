"""Sweep: calibration runs to buy, what they cost, and what they would tell about the target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner.sheet import Finding, Row, Sheet
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

FAR, LITTLE = 3.0, 0.8
"""Decades of extrapolation, and the share of the range of the loss left, from which a reader is warned: ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is expected to be known of the target.

    `loss` is the half-width of the 90 % range of its loss, a fraction of the loss; `size` the factor from its best size
    to either end of that one's range.
    """

    loss: float
    size: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sweep(Sheet):
    """Calibration runs to buy: `table` has one row per run with params, tokens and flops, cheapest first.

    Where runs were chosen from candidates, its column `candidate` holds their positions. `before` and `after` are the
    outlooks without and with these runs; `others` those of other sweeps of the same cost.
    """

    table: pd.DataFrame = field(repr=False)
    for_flops: float
    budget_flops: float
    law: str
    before: Outlook
    after: Outlook
    others: dict[str, Outlook]

    @property
    def title(self) -> str:  # type: ignore[override]
        """The sweep in one sentence."""
        spent, target = show(self.flops, "flops"), show(self.for_flops, "flops")
        return f"{len(self.table)} runs for {spent} to forecast {target}."

    @property
    def flops(self) -> float:
        """What the runs cost together."""
        return float(self.table["flops"].sum())

    @property
    def decades(self) -> float:
        """Powers of ten of compute between the largest run and the target."""
        return float(np.log10(self.for_flops / self.table["flops"].max()))

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """Where the budget is too small for its target."""
        return tuple(self._findings())

    def _findings(self) -> Iterable[Finding]:
        if self.decades > FAR:
            because = f"They lie {show(self.decades)} factors of ten below it; laws drift with every one."
            yield Finding("warning", "The runs are small for this target.", because, "Give a larger budget_flops.")
        if self.after.loss > LITTLE * self.before.loss:
            because = f"The range of the loss goes from {_around(self.before)} to {_around(self.after)}."
            yield Finding("warning", "This sweep would tell little.", because, "Give a larger budget_flops.")

    def rows(self) -> Iterable[Row]:
        """What the sweep costs, what it would tell beside others, then one row per run."""
        yield Row("budget_flops", "Budget of the sweep", self.budget_flops, "flops")
        yield Row("flops", "Compute of the runs", self.flops, "flops")
        yield Row("share", "Share of the target's compute", self.flops / self.for_flops, "fraction")
        yield Row("decades", "Factors of ten to extrapolate", self.decades, "count")
        yield Row("law", "Laws around", self.law)
        note = "half-width of the 90 % range, expected before any of the runs is made; our assumptions"
        yield Row("loss_before", "Loss at the target, without them", self.before.loss, "fraction", note)
        yield Row("loss_after", "Loss at the target, with them", self.after.loss, "fraction", note)
        note = "factor from it to either end of its 90 % range"
        yield Row("size_before", "Best size, without them", self.before.size, "", note)
        yield Row("size_after", "Best size, with them", self.after.size, "", note)
        for name, outlook in self.others.items():
            key = name.lower().replace(" ", "_")
            yield Row(f"loss_{key}", f"{name} of equal cost: loss", outlook.loss, "fraction")
            yield Row(f"size_{key}", f"{name} of equal cost: best size", outlook.size)
        for number, run in enumerate(self.table.to_dict("records"), start=1):
            size = f"{show(run['params'], 'params')} on {show(run['tokens'], 'tokens')}"
            yield Row(f"run_{number}", f"Run {number}", size, "", show(run["flops"], "flops"))


def _around(outlook: Outlook) -> str:
    return f"+-{show(outlook.loss, 'fraction')}"
