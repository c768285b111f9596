"""Solving: the central answer of a plan and, from draws of the law's coefficients and of the budget, its intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import InfeasiblePlan
from planner.estimate import LEVEL, Estimate
from planner.hardware import Cluster
from planner.planning.allocation import Wishes, reach, spend
from planner.planning.goals import refuse_extremes, refuse_guessing, size_of_open_model, target_loss_of
from planner.transformer import SMALLEST
from planner.units import show

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.laws import Calibration
    from planner.planning.goals import Goal

BUDGET_DRAWS = 1000
MOST_ROUNDS = 20
_QUANTILE = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True, slots=True)
class Found:
    """The central answer and its intervals."""

    flops: Estimate
    params: Estimate
    tokens: Estimate
    loss: Estimate


def budget_of(goal: Goal, cluster: Cluster | None) -> Estimate | None:
    """The lifetime compute to spend, as uncertain as utilisation and prices leave it; None for a target."""
    match goal.name, cluster:
        case "budget_flops", _:
            budget = Estimate.exact(goal.amount)
        case "budget_usd", Cluster():
            budget = cluster.flops_for_usd(goal.amount)
        case "budget_gpu_hours", Cluster():
            budget = cluster.flops_in_gpu_hours(goal.amount)
        case "days", Cluster():
            budget = cluster.flops_in_days(goal.amount)
        case _:
            return None
    refuse_extremes(budget)
    return budget


def settled(goal: Goal, cluster: Cluster, calibration: Calibration, wishes: Wishes) -> Cluster:
    """`cluster` training what the budget buys on it: its utilisation depends on the model, and the model on it."""
    size = math.nan
    for _ in range(MOST_ROUNDS):
        budget = budget_of(goal, cluster)
        if budget is None or goal.name == "budget_flops":
            break
        params, tokens = (float(amount) for amount in spend(calibration.law, float(budget), wishes))
        if not (math.isfinite(params) and math.isfinite(tokens) and tokens > 0) or math.isclose(params, size):
            break
        cluster, size = cluster.training(active_params=params, tokens=tokens), params
    return cluster


def solve(goal: Goal, budget: Estimate | None, base: Calibration, calibration: Calibration, wishes: Wishes) -> Found:
    """The central answer and, from draws of the law's coefficients and of the budget, the intervals.

    `calibration` is `base`, limited to the tokens available where they are.
    """
    law, ensemble = calibration.law, calibration.ensemble
    rng = np.random.default_rng(0)
    # One draw of the budget for each draw of the law; a law without uncertainty has a single one.
    count = np.size(ensemble.floor()) if np.size(ensemble.floor()) > 1 else BUDGET_DRAWS
    if budget is not None:
        budgets = budget.draws(rng.standard_normal(count))
        params, tokens = _feasible(*spend(law, float(budget), wishes), goal, wishes)
        params_draws, tokens_draws = (np.asarray(draws) for draws in spend(ensemble, budgets, wishes))
        planned = spend(law, budgets, wishes)
        low, high = calibration.loss_interval(params, tokens)
        loss = Estimate(float(law.loss(params, tokens)), float(low), float(high))
        if not budget.is_exact:
            loss = _widened(loss, np.asarray(law.loss(*planned)))
        flops_draws = 6 * planned[0] * planned[1]
        params_draws, tokens_draws = _drifted(params_draws, tokens_draws, calibration, wishes)
    else:
        target = target_loss_of(goal, base, calibration)
        params, tokens = _feasible(*reach(law, target, wishes), goal, wishes)
        beyond = float(calibration.decades_beyond(6 * params * tokens))
        spread = 0.0 if goal.model else float(np.hypot(calibration.noise, calibration.drift * beyond / _QUANTILE))
        targets = target / (1 + spread * rng.standard_normal(count))
        if goal.model:
            targets = np.asarray(base.ensemble.loss(*size_of_open_model(goal.model)))
        params_draws, tokens_draws = (np.asarray(draws) for draws in reach(ensemble, targets, wishes))
        loss = Estimate.exact(target)
        flops_draws = 6 * params_draws * tokens_draws
        params_draws = np.where(np.isfinite(tokens_draws), params_draws, np.nan)
        params_draws, tokens_draws = _drifted(params_draws, tokens_draws, calibration, wishes)
    flops = 6 * params * tokens
    refuse_extremes(flops)
    refuse_guessing(loss, calibration)
    exact = budget is not None and budget.is_exact and not wishes.inference_tokens
    return Found(
        flops=Estimate.exact(flops) if exact else Estimate.of_draws(flops, flops_draws),
        params=Estimate.of_draws(params, params_draws),
        tokens=Estimate.of_draws(tokens, tokens_draws),
        loss=loss,
    )


def _drifted(
    params: NDArray[np.float64], tokens: NDArray[np.float64], calibration: Calibration, wishes: Wishes
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draws of the best size with the drift of extrapolation, at equal compute; what was fixed stays."""
    if wishes.params is not None or wishes.tokens is not None:
        return params, tokens
    flops = float(np.nanmedian(6 * params * tokens))
    factors = calibration.size_drift(flops, len(params))
    return params * factors, tokens / factors


def _widened(loss: Estimate, planned: NDArray[np.float64]) -> Estimate:
    """`loss` with the spread of what the budget buys added in quadrature."""
    bought = Estimate.of_draws(float(loss), planned)
    return Estimate(
        float(loss),
        loss - np.hypot(loss - loss.low, loss - bought.low),
        loss + np.hypot(loss.high - loss, bought.high - loss),
    )


def _feasible(params: Any, tokens: Any, goal: Goal, wishes: Wishes) -> tuple[float, float]:
    params, tokens = float(params), float(tokens)
    if not (np.isfinite(params) and np.isfinite(tokens) and tokens > 0):
        if wishes.params is not None:
            fixed, size = "params", show(wishes.params, "params")
        elif wishes.tokens is not None:
            fixed, size = "tokens", show(wishes.tokens, "tokens")
        else:
            fixed, size = "inference_tokens", show(wishes.inference_tokens, "tokens")
        raise InfeasiblePlan(
            f"{goal.name} ({goal.text}) cannot be met with {fixed} fixed at {size}.",
            mend=f"Leave {fixed} out, or change {goal.name}.",
        )
    if params < SMALLEST:
        raise InfeasiblePlan(
            f"{goal.text} asks for {show(params, 'params')}, smaller than any sensible language model.",
            mend=f"Ask for more: {show(SMALLEST, 'params')} is the least that is planned for.",
        )
    return params, tokens
