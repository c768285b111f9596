"""design(...) -> Sweep: which calibration runs to buy before a large one: an isoFLOP ladder around the optimum.

Five levels of compute, five sizes on each (Hoffmann et al. 2022, approach 2), so that parameters and tokens vary
apart; the levels rise threefold, so most of the compute goes where it is nearest to the target.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import InfeasiblePlan, InputError
from planner.fitting import fit
from planner.laws import FLOPS_PER_PARAM_TOKEN, calibration_of
from planner.planning.plans import DEFAULT_LAW
from planner.sheet import Row, Sheet
from planner.units import read, show

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from planner.laws import Calibrated, Calibration
    from planner.runs import Runs

LEVELS, LEVEL_RATIO = 5, 3.0
SIZE_RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)
LEAST_PARAMS, LEAST_TOKENS = 1e4, 1e5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sweep(Sheet):
    """Calibration runs to buy: `table` has one row per run with params, tokens and flops, cheapest level first."""

    table: pd.DataFrame = field(repr=False)
    for_flops: float
    budget_flops: float
    law: str

    @property
    def title(self) -> str:  # type: ignore[override]
        """The sweep in one sentence."""
        spent, target = show(self.budget_flops, "flops"), show(self.for_flops, "flops")
        return f"{len(self.table)} runs for {spent} to forecast {target}."

    @property
    def decades(self) -> float:
        """Powers of ten of compute between the largest run and the target."""
        return float(np.log10(self.for_flops / self.table["flops"].max()))

    def rows(self) -> Iterable[Row]:
        """What the sweep costs and how far it reaches, then one row per run."""
        yield Row("budget_flops", "Compute of the sweep", self.budget_flops, "flops")
        yield Row("share", "Share of the target's compute", self.budget_flops / self.for_flops, "fraction")
        yield Row("decades", "Factors of ten to extrapolate", self.decades, "count")
        yield Row("law", "Sizes centred by", self.law)
        for number, run in enumerate(self.table.to_dict("records"), start=1):
            size = f"{show(run['params'], 'params')} on {show(run['tokens'], 'tokens')}"
            yield Row(f"run_{number}", f"Run {number}", size, "", show(run["flops"], "flops"))


def design(
    *,
    budget_flops: float | str,
    for_flops: float | str,
    law: str | Calibration | Calibrated | None = None,
    runs: Runs | pd.DataFrame | None = None,
) -> Sweep:
    """The calibration runs to buy for `budget_flops` before a run of `for_flops`.

    Args:
        budget_flops: compute of the whole sweep, all of which is spent.
        for_flops: compute of the run to be forecast.
        law: centres the sizes; by default besiroglu-2024.
        runs: runs already made, whose own law centres the sizes instead.

    Raises:
        InputError: the sweep costs more than its target, or both `law` and `runs` are given.
        InfeasiblePlan: the budget does not pay for runs of any sensible size.
    """
    budget = read(budget_flops, "flops", name="budget_flops")
    target = read(for_flops, "flops", name="for_flops")
    if budget > target:
        raise InputError(
            f"The sweep ({show(budget, 'flops')}) would cost more than its target ({show(target, 'flops')}).",
            mend="Give a smaller budget_flops: a few percent of the target is usual.",
        )
    if law is not None and runs is not None:
        raise InputError("law and runs both say what centres the sizes.", mend="Give one of them.")
    calibration = calibration_of(fit(runs, draws=20) if runs is not None else law or DEFAULT_LAW)
    weights = LEVEL_RATIO ** np.arange(LEVELS)
    levels = budget / len(SIZE_RATIOS) * weights / weights.sum()
    best, _ = calibration.law.optimum(levels)
    params = (np.asarray(best)[:, None] * SIZE_RATIOS).ravel()
    flops = np.repeat(levels, len(SIZE_RATIOS))
    tokens = flops / FLOPS_PER_PARAM_TOKEN / params
    if params.min() < LEAST_PARAMS or tokens.min() < LEAST_TOKENS:
        raise InfeasiblePlan(
            f"{show(budget, 'flops')} do not pay for {len(params)} runs of a sensible size.",
            mend=f"Give more: runs start at {show(LEAST_PARAMS, 'params')} and {show(LEAST_TOKENS, 'tokens')}.",
        )
    import pandas as pd

    table = pd.DataFrame({"params": params, "tokens": tokens, "flops": flops})
    return Sweep(table=table, for_flops=target, budget_flops=budget, law=calibration.name)
