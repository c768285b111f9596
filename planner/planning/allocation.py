"""Which params and tokens: the best that a budget buys, or the cheapest that reach a loss. Elementwise over draws.

The budget covers training and serving: C = 6 N D + 2 N T with T inference tokens (Sardana et al. 2023, equation 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.laws import FLOPS_PER_PARAM_TOKEN, Law, Numbers, argmin

if TYPE_CHECKING:
    from numpy.typing import NDArray

INFERENCE_FLOPS_PER_PARAM_TOKEN = 2.0
"""One forward pass (Sardana et al. 2023)."""
_LOG_PARAMS = (math.log(1e2), math.log(1e19))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is fixed besides the goal: `params` or `tokens` (None is free), and the tokens to be served."""

    params: float | None = None
    tokens: float | None = None
    inference_tokens: float = 0.0


def spend(law: Law, flops: Numbers, wishes: Wishes) -> tuple[Numbers, Numbers]:
    """Params and tokens of least loss whose lifetime compute is `flops`; NaN where a fixed size leaves nothing."""
    served = INFERENCE_FLOPS_PER_PARAM_TOKEN * wishes.inference_tokens / FLOPS_PER_PARAM_TOKEN
    pairs = np.asarray(flops, dtype=float) / FLOPS_PER_PARAM_TOKEN
    if wishes.params is not None:
        tokens = pairs / wishes.params - served
        return np.full_like(tokens, wishes.params)[()], np.where(tokens > 0, tokens, np.nan)[()]
    if wishes.tokens is not None:
        return (pairs / (wishes.tokens + served))[()], np.full_like(pairs, wishes.tokens)[()]
    best_params, best_tokens = law.optimum(flops)
    if not served:
        return best_params, best_tokens

    def loss(log_params: NDArray[np.float64]) -> Numbers:
        return law.loss(np.exp(log_params), np.maximum(pairs / np.exp(log_params) - served, 1e-9))

    top = np.log(np.asarray(best_params, dtype=float))
    best = np.exp(argmin(loss, top - math.log(1e5), np.minimum(top, np.log(pairs / served) - 1e-9)))
    return best[()], (pairs / best - served)[()]


def reach(law: Law, loss: Numbers, wishes: Wishes) -> tuple[Numbers, Numbers]:
    """Params and tokens of least lifetime compute that reach `loss`; tokens are infinite where nothing does."""
    if wishes.params is not None:
        tokens = np.asarray(law.tokens_for(loss, wishes.params), dtype=float)
        return np.full_like(tokens, wishes.params)[()], tokens[()]
    if wishes.tokens is not None:
        params = _params_for(law, loss, wishes.tokens)
        tokens = np.where(np.isfinite(params), wishes.tokens, np.inf)
        return params, tokens[()]

    def log_cost(log_params: NDArray[np.float64]) -> Numbers:
        params = np.exp(log_params)
        tokens = np.asarray(law.tokens_for(loss, params), dtype=float)
        cost = np.log(lifetime_flops(params, tokens, wishes.inference_tokens))
        # Too small for the loss: worse than any feasible size, and less so towards larger ones.
        return np.where(np.isfinite(cost), cost, 1e6 - log_params)

    shape = np.broadcast(np.asarray(loss, dtype=float), np.asarray(law.floor(), dtype=float)).shape
    best = np.exp(argmin(log_cost, np.full(shape, _LOG_PARAMS[0]), np.full(shape, _LOG_PARAMS[1])))
    return best[()], law.tokens_for(loss, best)


def lifetime_flops(params: Numbers, tokens: Numbers, inference_tokens: float) -> Numbers:
    """6 N D + 2 N T."""
    return params * (FLOPS_PER_PARAM_TOKEN * tokens + INFERENCE_FLOPS_PER_PARAM_TOKEN * inference_tokens)


def _params_for(law: Law, loss: Numbers, tokens: float) -> Numbers:
    """Params that reach `loss` on `tokens` tokens, by bisection; infinite where none do."""
    shape = np.broadcast(np.asarray(loss, dtype=float), np.asarray(law.floor(), dtype=float)).shape
    low, high = (np.full(shape, bound) for bound in _LOG_PARAMS)
    reachable = np.asarray(law.loss(np.exp(high), tokens)) <= loss
    for _ in range(80):
        middle = (low + high) / 2
        enough = np.asarray(law.loss(np.exp(middle), tokens)) <= loss
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reachable, np.exp(high), np.inf)[()]
