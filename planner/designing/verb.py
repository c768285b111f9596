"""design(...) -> Sweep: the calibration runs that make a large run's loss and best size known best, per FLOP.

Runs are chosen one by one from a grid of levels of compute and sizes, or from the caller's candidates, by what they
would tell about the target (`information`). Runs already made count as known: give them as `runs`, and the next follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planner.designing.choosing import choose
from planner.designing.information import LAWS, Knowledge
from planner.designing.sweeps import Outlook, Sweep
from planner.errors import InfeasiblePlan, InputError
from planner.fitting import fit
from planner.fitting.forms import COUPLED
from planner.fitting.terms import Data
from planner.laws import FLOPS_PER_PARAM_TOKEN, Additive, Coupled, Law, calibration_of
from planner.planning.plans import DEFAULT_LAW
from planner.runs import Runs, load_runs
from planner.units import read, show

if TYPE_CHECKING:
    import pandas as pd

    from planner.fitting.solver import Array
    from planner.laws import Calibrated, Calibration

LEAST_PARAMS, LEAST_TOKENS = 1e4, 1e5
SIZE_RATIOS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_LEVELS, _LEVEL_RATIO, _LARGEST = 9, 3.0, 0.4
"""The grid: levels of compute falling threefold from 0.4 of the budget, sizes around the best of each."""
_LADDER_LEVELS, _LADDER_RATIOS = 5, (0.25, 0.5, 1.0, 2.0, 4.0)
_RANDOM = 8


class Candidates(NamedTuple):
    """Runs that could be bought, arrays of shape (count,)."""

    params: Array
    tokens: Array
    flops: Array


def design(
    *,
    budget_flops: float | str,
    for_flops: float | str,
    law: str | Calibration | Calibrated | None = None,
    runs: Runs | pd.DataFrame | None = None,
    candidates: Runs | pd.DataFrame | None = None,
) -> Sweep:
    """The calibration runs to buy for `budget_flops` before a run of `for_flops`.

    Args:
        budget_flops: compute of the whole sweep.
        for_flops: compute of the run to be forecast.
        law: around which the runs are laid out, additive or coupled; by default besiroglu-2024.
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
    calibration = calibration_of(fit(made, draws=100) if made is not None else law or DEFAULT_LAW)
    possible = _grid(calibration.law, budget) if candidates is None else _given(candidates)
    ladder, known = _ladder(calibration.law, budget), _made(made)
    every = [np.concatenate(columns) for columns in zip(possible, ladder, known, strict=True)]
    before = Knowledge.of(every[0], every[1], target, _laws(calibration, every[0], every[1]))
    for run in range(len(possible.flops) + len(ladder.flops), len(every[0])):
        before = before.after(run)
    chosen, after = choose(before, possible.flops, budget)
    if not chosen:
        cheapest = show(float(possible.flops.min()), "flops")
        raise InfeasiblePlan(
            f"{show(budget, 'flops')} pay for none of the runs; the cheapest takes {cheapest}.",
            mend="Give a larger budget_flops or cheaper candidates.",
        )
    first = len(possible.flops)
    others = {"Random runs": _at_random(before, possible.flops, budget)}
    if candidates is None:
        others["An isoFLOP grid"] = _outlook(_learnt(before, range(first, first + len(ladder.flops))))
    return Sweep(
        table=_table(possible, sorted(chosen, key=lambda run: possible.flops[run]), candidates is not None),
        for_flops=target,
        budget_flops=budget,
        law=calibration.name,
        before=_outlook(before),
        after=_outlook(after),
        others=others,
    )


def _grid(law: Law, budget: float) -> Candidates:
    levels = np.asarray(_LARGEST * budget / _LEVEL_RATIO ** np.arange(_LEVELS), dtype=np.float64)
    found = _around_best(law, levels, SIZE_RATIOS)
    sensible = (found.params >= LEAST_PARAMS) & (found.tokens >= LEAST_TOKENS)
    if not sensible.any():
        raise InfeasiblePlan(
            f"{show(budget, 'flops')} do not pay for runs of a sensible size.",
            mend=f"Give more: runs start at {show(LEAST_PARAMS, 'params')} and {show(LEAST_TOKENS, 'tokens')}.",
        )
    return Candidates(*(column[sensible] for column in found))


def _ladder(law: Law, budget: float) -> Candidates:
    """An isoFLOP grid of the whole budget (Hoffmann et al. 2022, approach 2): its levels rise threefold."""
    weights = np.asarray(_LEVEL_RATIO ** np.arange(_LADDER_LEVELS), dtype=np.float64)
    return _around_best(law, budget / len(_LADDER_RATIOS) * weights / weights.sum(), _LADDER_RATIOS)


def _around_best(law: Law, levels: Array, ratios: tuple[float, ...]) -> Candidates:
    params = (np.asarray(law.optimum(levels)[0])[:, None] * ratios).ravel()
    flops = np.repeat(levels, len(ratios))
    return Candidates(params, flops / FLOPS_PER_PARAM_TOKEN / params, flops)


def _given(candidates: Runs | pd.DataFrame) -> Candidates:
    table = candidates
    if not isinstance(table, Runs):
        # A candidate has no loss yet; any will do, none is looked at.
        table = load_runs(table.assign(loss=2.0))
    return Candidates(*(table.column(name) for name in ("params", "tokens", "flops")))


def _made(runs: Runs | None) -> Candidates:
    if runs is None:
        return Candidates(np.empty(0), np.empty(0), np.empty(0))
    return Candidates(*(runs.column(name) for name in ("params", "tokens", "flops")))


def _laws(calibration: Calibration, params: Array, tokens: Array) -> Law:
    """Several likely laws: draws of the calibration's, or of the weak prior where its form is another."""
    rng, law = np.random.default_rng(0), calibration.ensemble
    if isinstance(law, Additive | Coupled):
        draws = len(np.asarray(law.E))
        chosen = rng.choice(draws, LAWS, replace=draws < LAWS)
        return type(law)(**{name: np.asarray(getattr(law, name))[chosen] for name in type(law).__slots__})
    theta = np.where(np.isfinite(COUPLED.spread), COUPLED.mean, 0.0) + np.where(
        np.isfinite(COUPLED.spread), COUPLED.spread, 0.5
    ) * rng.standard_normal((LAWS, len(COUPLED.mean)))
    theta[:, 5] = np.minimum(theta[:, 5], 0.0)
    return COUPLED.law(Data.of(params, tokens, np.ones_like(params)), theta)


def _at_random(before: Knowledge, costs: Array, budget: float) -> Outlook:
    """The mean outlook of random choices of the same cost."""
    rng, found = np.random.default_rng(0), []
    for _ in range(_RANDOM):
        left, bought = budget, []
        for run in rng.permutation(len(costs)):
            if costs[run] <= left:
                bought.append(int(run))
                left -= costs[run]
        found.append(_outlook(_learnt(before, bought)))
    return Outlook(
        loss=float(np.mean([outlook.loss for outlook in found])),
        size=float(np.exp(np.mean([np.log(outlook.size) for outlook in found]))),
    )


def _learnt(knowledge: Knowledge, runs: range | list[int]) -> Knowledge:
    for run in runs:
        knowledge = knowledge.after(run)
    return knowledge


def _outlook(knowledge: Knowledge) -> Outlook:
    return Outlook(loss=knowledge.loss_range, size=knowledge.size_range)


def _table(possible: Candidates, chosen: list[int], named: bool) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame({name: values[chosen] for name, values in possible._asdict().items()})
    return table.assign(candidate=chosen) if named else table
