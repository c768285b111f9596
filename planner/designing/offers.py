"""Offers: the runs that could be bought: a grid of levels of compute and sizes, or the rows of the caller's table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planner.errors import InfeasiblePlan
from planner.fitting.solver import Array
from planner.laws import FLOPS_PER_PARAM_TOKEN, Law
from planner.runs import Runs, load_runs
from planner.units import show

if TYPE_CHECKING:
    import pandas as pd

LEAST_PARAMS, LEAST_TOKENS = 1e4, 1e5
SIZE_RATIOS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_STEPS, _DECADES = 4, 4
"""Levels of compute to a factor of ten, at fixed steps below the target, and how many such factors the grid spans."""
_LADDERS = (
    (5, (0.25, 0.5, 1.0, 2.0, 4.0)),
    (3, (0.25, 0.5, 1.0, 2.0, 4.0)),
    (3, (0.5, 1.0, 2.0)),
)
_LADDER_RATIO = 3.0


class Offers(NamedTuple):
    """Runs as arrays of shape (count,); `flops` is what they cost."""

    params: Array
    tokens: Array
    flops: Array

    def part(self, chosen: list[int]) -> Offers:
        """The chosen runs."""
        return Offers(*(column[chosen] for column in self))

    def costing(self, flops: float) -> Offers:
        """The same runs, all grown in params and tokens alike until they cost `flops` together."""
        growth = flops / self.flops.sum()
        return Offers(self.params * growth**0.5, self.tokens * growth**0.5, self.flops * growth)

    def and_(self, others: Offers) -> Offers:
        """These runs, then the others."""
        return Offers(*(np.concatenate(both) for both in zip(self, others, strict=True)))


def grid_of(law: Law, budget: float, for_flops: float) -> Offers:
    """Sizes around the best of `law` at levels of compute up to `budget`.

    Raises:
        InfeasiblePlan: they are all too small to be trained sensibly.
    """
    top = np.floor(_STEPS * np.log10(budget / for_flops))
    levels = for_flops * 10 ** ((top - np.arange(_STEPS * _DECADES + 1)) / _STEPS)
    found = _around_best(law, levels, SIZE_RATIOS)
    sensible = (found.params >= LEAST_PARAMS) & (found.tokens >= LEAST_TOKENS)
    if not sensible.any():
        raise InfeasiblePlan(
            f"{show(budget, 'flops')} do not pay for runs of a sensible size.",
            mend=f"Give more: runs start at {show(LEAST_PARAMS, 'params')} and {show(LEAST_TOKENS, 'tokens')}.",
        )
    return Offers(*(column[sensible] for column in found))


def given(candidates: Runs | pd.DataFrame | None) -> Offers:
    """The rows of a table with params and tokens, and flops if it has them; of None, no runs."""
    if candidates is None:
        return Offers(np.empty(0), np.empty(0), np.empty(0))
    # A candidate has no loss yet, and the one of a run is not looked at; any will do.
    table = candidates if isinstance(candidates, Runs) else load_runs(candidates.assign(loss=2.0))
    return Offers(*(table.column(name) for name in ("params", "tokens", "flops")))


def isoflop(offers: Offers, law: Law, budget: float) -> list[int]:
    """Positions of the offers nearest to an isoFLOP grid of this cost (Hoffmann et al. 2022, approach 2).

    Its levels rise threefold, with equally many sizes around the best of each; it is made smaller until the offers hold
    all of it.
    """
    found: list[int] = []
    for levels, ratios in _LADDERS:
        weights = _LADDER_RATIO ** np.arange(levels)
        cells = _around_best(law, budget / len(ratios) * weights / weights.sum(), ratios)
        found = _nearest(offers, cells, budget)
        if len(found) == len(cells.flops):
            break
    return found


def at_random(offers: Offers, budget: float, rng: np.random.Generator) -> list[int]:
    """Positions of offers in random order, as many as the budget pays for."""
    found, left = [], budget
    for run in rng.permutation(len(offers.flops)):
        if offers.flops[run] <= left:
            found.append(int(run))
            left -= offers.flops[run]
    return found


def _nearest(offers: Offers, cells: Offers, budget: float) -> list[int]:
    place = np.log(np.stack([offers.params, offers.tokens]))
    found: list[int] = []
    for cell in np.argsort(cells.flops, kind="stable"):
        free = np.setdiff1d(np.flatnonzero(offers.flops <= budget - offers.flops[found].sum()), found)
        if not len(free):
            break
        away = place[:, free] - np.log([[cells.params[cell]], [cells.tokens[cell]]])
        found.append(int(free[(away**2).sum(axis=0).argmin()]))
    return found


def _around_best(law: Law, levels: Array, ratios: tuple[float, ...]) -> Offers:
    params = (np.asarray(law.optimum(levels)[0])[:, None] * ratios).ravel()
    flops = np.repeat(levels, len(ratios))
    return Offers(params, flops / FLOPS_PER_PARAM_TOKEN / params, flops)
