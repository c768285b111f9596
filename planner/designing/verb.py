"""design(...) -> Sweep: the calibration runs after which a fit forecasts a large run best, per FLOP.

Runs are chosen from a grid of levels of compute and sizes, or from the caller's candidates, by how far off a fit of
them would be (`expecting`). Runs already made count as bought: give them as `runs`, and the next follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.designing.choosing import LEAST_RUNS, choose
from planner.designing.expecting import Expectation, ranges
from planner.designing.offers import Offers, at_random, given, grid_of, isoflop
from planner.designing.sweeps import Outlook, Sweep
from planner.designing.truths import Truths, truths_of, weak_truths
from planner.errors import InfeasiblePlan, InputError
from planner.fitting import fit
from planner.fitting.tables import FEW_RUNS
from planner.fitting.terms import Data
from planner.laws import calibration_of, published
from planner.planning.plans import DEFAULT_LAW
from planner.runs import Runs, load_runs
from planner.units import read, show

if TYPE_CHECKING:
    import pandas as pd

    from planner.laws import Calibrated, Calibration

_RANDOM = 20


def design(
    *,
    budget_flops: float | str,
    for_flops: float | str,
    law: str | Calibration | Calibrated | None = None,
    runs: Runs | pd.DataFrame | None = None,
    candidates: Runs | pd.DataFrame | None = None,
) -> Sweep:
    """The calibration runs to buy for `budget_flops` before a run of `for_flops`.

    What is made small: the variances of the forecast of the target's log loss and of its log best size, in logarithms,
    the loss counting three quarters.

    Args:
        budget_flops: compute of the whole sweep.
        for_flops: compute of the run to be forecast.
        law: what is thought to hold, with its uncertainty; by default weak priors around besiroglu-2024, whose best
            size is that of the median candidate where there are some.
        runs: runs already made: their own law is taken, and what they tell counts as known.
        candidates: the runs to choose from, a table with params and tokens and, if it has them, flops; without them a
            grid of sizes and levels of compute.

    Raises:
        InputError: the sweep costs more than its target, or both `law` and `runs` are given.
        InfeasiblePlan: the budget pays for no run of a sensible size.
    """
    budget = read(budget_flops, "flops", name="budget_flops")
    target = read(for_flops, "flops", name="for_flops")
    if budget > target:
        raise InputError(
            f"The sweep ({show(budget, 'flops')}) would cost more than its target ({show(target, 'flops')}).",
            mend="Give a smaller budget_flops: a few percent of the target is usual.",
        )
    if law is not None and runs is not None:
        raise InputError("law and runs both say what the sweep is laid out around.", mend="Give one of them.")
    made = None if runs is None else runs if isinstance(runs, Runs) else load_runs(runs)
    calibration = _calibration(law, made)
    centre = (calibration or published(DEFAULT_LAW)).law
    offers = grid_of(centre, budget, target) if candidates is None else given(candidates)
    known = given(made)
    truths = _truths(calibration, offers.and_(known), candidates is not None)
    chosen = _chosen(truths, offers, known, budget, target, LEAST_RUNS if candidates is not None else FEW_RUNS)
    # A grid's sizes are free, so its runs grow until they cost the budget.
    bought = offers.part(chosen) if candidates is not None else offers.part(chosen).costing(budget)
    spent = float(bought.flops.sum())
    outlooks = _Outlooks.of(truths, offers, bought, known, target)
    rng = np.random.default_rng(0)
    return Sweep(
        table=_table(bought, chosen if candidates is not None else None),
        for_flops=target,
        budget_flops=budget,
        law=truths.name,
        before=outlooks.after([]),
        after=outlooks.after(outlooks.bought),
        others={
            "Random runs": outlooks.middle([at_random(offers, spent, rng) for _ in range(_RANDOM)]),
            "An isoFLOP grid": outlooks.after(isoflop(offers, centre, spent)),
        },
    )


def _calibration(law: str | Calibration | Calibrated | None, made: Runs | None) -> Calibration | None:
    """The law given, or that of the runs made if there are enough of them."""
    if made is not None and len(made.frame) >= LEAST_RUNS:
        return fit(made, draws=20).calibration
    return None if law is None else calibration_of(law)


def _truths(calibration: Calibration | None, every: Offers, listed: bool) -> Truths:
    centre = Data.of(every.params, every.tokens, np.ones_like(every.params))
    if calibration is not None:
        return truths_of(calibration, centre)
    truths = weak_truths(DEFAULT_LAW, centre)
    # Whoever lists runs lists them around the sizes thought best.
    return truths.moved_to(every) if listed else truths


def _chosen(truths: Truths, offers: Offers, known: Offers, budget: float, target: float, least: int) -> list[int]:
    """Positions among the offers, cheapest first."""
    every = offers.and_(known)
    expected = Expectation.of(truths, every.params, every.tokens, target)
    made = list(range(len(offers.flops), len(every.flops)))
    chosen = choose(expected, made, offers.flops, budget, least)
    if not chosen:
        cheapest = show(float(offers.flops.min()), "flops")
        raise InfeasiblePlan(
            f"{show(budget, 'flops')} pay for none of the runs; the cheapest takes {cheapest}.",
            mend="Give a larger budget_flops or cheaper candidates.",
        )
    return sorted(chosen, key=lambda run: float(offers.flops[run]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outlooks:
    """What would be known of the target after some runs: the offers, then those `bought`, then those already `made`."""

    expected: Expectation
    bought: list[int]
    made: list[int]

    @classmethod
    def of(cls, truths: Truths, offers: Offers, bought: Offers, known: Offers, target: float) -> _Outlooks:
        every = offers.and_(bought).and_(known)
        ends = np.cumsum([len(part.flops) for part in (offers, bought, known)])
        return cls(
            expected=Expectation.of(truths, every.params, every.tokens, target),
            bought=list(range(ends[0], ends[1])),
            made=list(range(ends[1], ends[2])),
        )

    def after(self, runs: list[int]) -> Outlook:
        every, nothing = self.made + runs, self.expected.variances([])
        # A poor fit, weighed with what is known without any, takes nothing away.
        found = 1 / (1 / nothing + 1 / self.expected.variances(every)) if every else nothing
        loss, size = ranges(found, self.expected.noise)
        return Outlook(loss=loss, size=size)

    def middle(self, choices: list[list[int]]) -> Outlook:
        found = [self.after(runs) for runs in choices]
        return Outlook(
            loss=float(np.median([outlook.loss for outlook in found])),
            size=float(np.median([outlook.size for outlook in found])),
        )


def _table(bought: Offers, positions: list[int] | None) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(bought._asdict())
    return table if positions is None else table.assign(candidate=positions)
