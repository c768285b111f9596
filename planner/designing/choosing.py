"""Choosing: runs from a list of possible ones, under a budget, so that the target is known best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.designing.information import Knowledge

if TYPE_CHECKING:
    from planner.fitting.solver import Array

LEAST_RUNS = 8
"""So many runs are bought if the budget allows: fewer would not determine a law."""
_THRIFT = (0.25, 0.5, 0.75, 1.0)
"""Powers of the cost by which gains are divided; the best of the designs is kept."""
_SHARES = (1.0, 0.5, 0.25)
"""A design for part of the budget, topped up, may beat one for all of it: greed looks one run ahead."""


def choose(knowledge: Knowledge, costs: Array, budget: float) -> tuple[list[int], Knowledge]:
    """Positions of the runs to buy, in the order of their choice, and what is known after them.

    Args:
        knowledge: before; its first len(costs) runs are the possible ones.
        costs: of each possible run.
        budget: that they share; where it pays for no run, none is chosen.
    """
    designs = [_topped_up(knowledge, costs, budget, share, thrift) for share in _SHARES for thrift in _THRIFT]
    # Enough runs to fit a law come first, then what they tell.
    return min(designs, key=lambda found: (max(LEAST_RUNS - len(found[0]), 0), found[1].score))


def _topped_up(
    knowledge: Knowledge, costs: Array, budget: float, share: float, thrift: float
) -> tuple[list[int], Knowledge]:
    chosen: list[int] = []
    left = budget
    for part in (share * budget, budget):
        left = part - float(costs[chosen].sum())
        while (run := _next(knowledge, costs, chosen, left, thrift)) is not None:
            chosen.append(run)
            left -= float(costs[run])
            knowledge = knowledge.after(run)
    return chosen, knowledge


def _next(knowledge: Knowledge, costs: Array, chosen: list[int], left: float, thrift: float) -> int | None:
    """The run of most gain for its cost among those that leave money for enough others, or None."""
    free = np.setdiff1d(np.arange(len(costs)), chosen)
    reserve = max(LEAST_RUNS - 1 - len(chosen), 0)
    for kept in range(reserve, -1, -1):
        cheapest = np.sort(costs[free])[:kept].sum() if kept else 0.0
        affordable = free[costs[free] + cheapest <= left * (1 + 1e-9)]
        if len(affordable):
            gains = knowledge.gains(affordable) / costs[affordable] ** thrift
            return int(affordable[gains.argmax()])
    return None
