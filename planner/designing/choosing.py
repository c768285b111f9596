"""Choosing: runs from a list of possible ones, under a budget, so that a fit of them forecasts the target best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.designing.expecting import Expectation, score

if TYPE_CHECKING:
    from planner.fitting.solver import Array

LEAST_RUNS = 7
"""So many runs, made ones included, are bought if the budget allows: a law has six unknowns."""
_THRIFT = (0.0, 0.5, 1.0)
"""Powers of the cost by which gains are divided; the best of the designs is kept."""
_STEPS, _STEPS_BACK = 8, 12
"""Designs are made for budgets on a fixed scale of so many steps to a factor of two, from so many steps back."""
_WORTH_A_RUN = 0.002
_ROUNDING = 1 + 1e-9


def choose(expected: Expectation, made: list[int], costs: Array, budget: float, least: int = LEAST_RUNS) -> list[int]:
    """Positions of the runs to buy.

    Designs are made for budgets of a fixed scale up to this one, and the best is kept, so that greed does not make a
    larger budget tell less.

    Args:
        expected: of the possible runs, then of those already made.
        made: positions of those already made.
        costs: of each possible run.
        budget: that they share; where it pays for no run, none is chosen.
        least: how many runs, made ones included, there should be at least.
    """
    lacking = max(least - len(made), 1)
    top = np.floor(_STEPS * np.log2(budget * _ROUNDING))
    kept: list[int] = []
    # An eighth of an octave is at most 9 % of a budget that stays unspent.
    for part in 2 ** ((top - np.arange(_STEPS_BACK, -1, -1)) / _STEPS):
        for thrift in _THRIFT:
            found = _bought(expected, made, costs, part, thrift, lacking)
            if _replaces(expected, made, found, kept, lacking):
                kept = found
    return kept


def _replaces(expected: Expectation, made: list[int], new: list[int], old: list[int], lacking: int) -> bool:
    """Enough runs to fit a law come first, then what they tell."""
    if min(len(new), lacking) != min(len(old), lacking):
        return len(new) > len(old)
    return bool(score(expected.variances(made + new)) < score(expected.variances(made + old)))


def _bought(
    expected: Expectation, made: list[int], costs: Array, budget: float, thrift: float, lacking: int
) -> list[int]:
    chosen: list[int] = []
    while (run := _next(expected, made, costs, chosen, budget, thrift, lacking - len(chosen))) is not None:
        chosen.append(run)
    return chosen


def _next(
    expected: Expectation, made: list[int], costs: Array, chosen: list[int], budget: float, thrift: float, lacking: int
) -> int | None:
    """The run of most gain for its cost among those that leave money for the `lacking` others, or None."""
    affordable = _affordable(costs, chosen, budget - float(costs[chosen].sum()), lacking)
    if not len(affordable):
        return None
    gains = score(expected.variances(made + chosen)) - score(expected.with_one_more(made + chosen)[:, affordable])
    if lacking <= 0 and gains.max() < _WORTH_A_RUN:
        return None
    # Where every run does harm, the cheaper is no better for it.
    per_cost = gains / costs[affordable] ** thrift if gains.max() > 0 else gains
    return int(affordable[per_cost.argmax()])


def _affordable(costs: Array, chosen: list[int], left: float, lacking: int) -> Array:
    """Positions that can be bought, so that as many of the `lacking` others as possible can be too."""
    free = np.setdiff1d(np.arange(len(costs)), chosen)
    cheapest = np.sort(costs[free])
    payable = int((np.cumsum(cheapest) <= left * _ROUNDING).sum())
    others = max(min(lacking, payable) - 1, 0)
    # Of the cheapest others + 1, a run itself takes its own place.
    with_others = np.maximum(costs[free], cheapest[others : others + 1]) + cheapest[:others].sum()
    found: Array = free[with_others <= left * _ROUNDING]
    return found
