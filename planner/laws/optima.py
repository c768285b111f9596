"""Optima: the best split of a budget between parameters and tokens, found numerically, for any law and any cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import numpy as np

from planner.errors import InputError
from planner.laws.law import FLOPS_PER_PARAM_TOKEN, Array, Law, Numbers, argmin

_DECADES = 8.0
"""The search spans this many decades of parameters on both sides of as many parameters as tokens."""
_CELLS, _STEPS = 48, 40
_COST = "Give a function of params, such as lambda params: 6 * params."
_FLAT = 1e-12
"""Relative differences of loss below this are rounding."""


def optimum_under(law: Law, flops: Numbers, flops_per_token: Callable[[Numbers], Numbers]) -> tuple[Numbers, Numbers]:
    """Params and tokens of least loss among those with flops_per_token(params) * tokens = `flops`.

    `flops_per_token` gives the training FLOPs of one token, increasing in params, such as
    `planner.transformer.ladder_flops_per_token`; it must take arrays. `flops` and the coefficients of `law` broadcast.

    Raises:
        InputError: `flops_per_token` is no function, or its FLOPs are not positive numbers.
    """
    if not callable(flops_per_token):
        raise InputError(f"flops_per_token is {flops_per_token!r}, which is no function.", mend=_COST)

    def tokens(params: Numbers) -> Numbers:
        return flops / flops_per_token(params)

    def loss(log_params: Array) -> Array:
        params = np.exp(log_params)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            found = np.asarray(law.loss(params, tokens(params)), dtype=float)
        return np.where(np.isnan(found), np.inf, found)

    equal = np.log(np.asarray(flops, dtype=float) / FLOPS_PER_PARAM_TOKEN) / 2
    span = _DECADES * math.log(10)
    grid = np.linspace(-span, span, _CELLS + 1)
    start = equal + _bottom(grid, np.stack([loss(equal + offset) for offset in grid], axis=-1))
    width = grid[1] - grid[0]
    params = np.exp(argmin(loss, start - width, start + width, _STEPS))
    cost = np.asarray(flops_per_token(params), dtype=float)
    if not (np.isfinite(cost) & (cost > 0)).all():
        raise InputError("flops_per_token does not give positive FLOPs.", mend=_COST)
    return cast("tuple[Numbers, Numbers]", (params[()], tokens(params)))


def _bottom(grid: Array, losses: Array) -> Array:
    """The point of `grid` nearest 0 where `losses`, one for each along the last axis, have a minimum.

    That minimum need not be the least: some laws fall again far outside all runs. Where repeated tokens bring nothing
    more, losses are flat, and the most even split is as good as any.
    """
    rim = np.minimum(losses[..., :-2], losses[..., 2:]) * (1 + _FLAT)
    bottom = np.zeros(losses.shape, dtype=bool)
    bottom[..., 1:-1] = np.isfinite(losses[..., 1:-1]) & (losses[..., 1:-1] <= rim)
    least = losses == losses.min(axis=-1, keepdims=True)
    chosen = np.where(bottom.any(axis=-1, keepdims=True), bottom, least)
    return cast("Array", grid[np.where(chosen, np.abs(grid), np.inf).argmin(axis=-1)])


def plain_optimum(law: Law, flops: Numbers) -> tuple[Numbers, Numbers]:
    """`optimum_under` 6 FLOPs per parameter and token, for laws whose optimum has no closed form."""
    return optimum_under(law, flops, lambda params: FLOPS_PER_PARAM_TOKEN * params)


def valley(law: Law, flops: Numbers, slack: float = 0.005) -> tuple[Numbers, Numbers]:
    """Least and most params whose loss on the line 6 * params * tokens = `flops` is at most (1 + slack) x best.

    Near its optimum a law is flat, so a wide range of sizes is nearly as good. Arguments broadcast as in `optimum`.
    """
    best = np.asarray(law.optimum(flops)[0], dtype=float)
    pairs = flops / FLOPS_PER_PARAM_TOKEN
    allowed = np.asarray(law.loss(best, pairs / best)) * (1 + slack)

    def edge(direction: float) -> Array:
        near, far = np.log(best), np.log(best) + direction * _DECADES * math.log(10)
        for _ in range(_STEPS):
            middle = (near + far) / 2
            inside = np.asarray(law.loss(np.exp(middle), pairs / np.exp(middle))) <= allowed
            near, far = np.where(inside, middle, near), np.where(inside, far, middle)
        return cast("Array", np.exp(near)[()])

    return edge(-1.0), edge(1.0)
