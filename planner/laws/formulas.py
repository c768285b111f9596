"""Formulas: loss as a function of parameters N and tokens D, and its optimum under C = 6ND.

Every law is one formula whose coefficients are floats, or arrays of one shape: an ensemble of laws is the same class.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from planner.units import PETAFLOPS_DAY

Array: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = float | Array

FLOPS_PER_PARAM_TOKEN = 6.0
"""Training FLOPs per parameter and token: 2 forward, 4 backward (Kaplan et al. 2020, section 2.1)."""


class Law(Protocol):
    """What every law can say. Arguments and coefficients broadcast against each other."""

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss of a model of `params` parameters trained on `tokens` tokens."""

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """Params and tokens of least loss among those with 6 * params * tokens = `flops`."""

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """Tokens that bring `params` parameters to `loss`; infinite where no number of tokens does."""

    def floor(self) -> Numbers:
        """The loss that no compute gets below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Additive:
    """L = E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, approach 3, equation 2)."""

    E: Numbers
    A: Numbers
    B: Numbers
    alpha: Numbers
    beta: Numbers

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss in the unit of E."""
        return self.E + self.A * params**-self.alpha + self.B * tokens**-self.beta

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """N = G (C/6)^(beta/(alpha+beta)) with G = (alpha A / beta B)^(1/(alpha+beta)); D = C / 6N (equation 4)."""
        both = self.alpha + self.beta
        scale = (self.alpha * self.A / (self.beta * self.B)) ** (1 / both)
        pairs = flops / FLOPS_PER_PARAM_TOKEN
        params = scale * pairs ** (self.beta / both)
        return params, pairs / params

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """D = (B / (L - E - A/N^alpha))^(1/beta)."""
        left = np.asarray(loss - self.E - self.A * params**-self.alpha, dtype=float)
        with np.errstate(divide="ignore", over="ignore"):
            tokens = np.where(left > 0, (self.B / np.where(left > 0, left, np.nan)) ** (1 / self.beta), np.inf)
        return cast("Numbers", tokens[()])

    def floor(self) -> Numbers:
        """The loss that no compute gets below."""
        return self.E


@dataclass(frozen=True, slots=True, kw_only=True)
class Kaplan:
    """L = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D, N without embeddings (Kaplan et al. 2020, equation 1.5)."""

    N_c: Numbers
    D_c: Numbers
    alpha_N: Numbers
    alpha_D: Numbers

    def _inner(self) -> Additive:
        ratio = self.alpha_N / self.alpha_D
        return Additive(E=0.0, A=self.N_c**ratio, B=self.D_c, alpha=ratio, beta=1.0)

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss in nats/token."""
        return self._inner().loss(params, tokens) ** self.alpha_D

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """The optimum of L(N, D) itself: N ~ C^0.56. It is not the paper's own N ~ C^0.73 (`kaplan_allocation`)."""
        return self._inner().optimum(flops)

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """D = D_c / (L^(1/alpha_D) - (N_c/N)^(alpha_N/alpha_D))."""
        return self._inner().tokens_for(loss ** (1 / self.alpha_D), params)

    def floor(self) -> Numbers:
        """This law has no irreducible loss."""
        return 0.0 * self.alpha_D


def kaplan_allocation(flops: float) -> float:
    """Parameters that Kaplan et al. 2020 advise for a budget: 1.3e9 (C / PF-day)^0.73 (their appendix A)."""
    return float(1.3e9 * (flops / PETAFLOPS_DAY) ** 0.73)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConstrained:
    """An additive law when only `unique_tokens` exist and more tokens repeat them (Muennighoff et al. 2023, eq. 5-7).

    Repeats count less and less: D' = U (1 + R* (1 - exp(-R/R*))) with R = D/U - 1 epochs after the first; parameters
    beyond those that U could use decay likewise with R_N*. Up to U tokens and the parameters they can use, it is `law`.
    """

    law: Additive
    unique_tokens: float
    R_D: Numbers
    R_N: Numbers

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss, in the unit of the additive law, of training `tokens` tokens that repeat the unique ones."""
        return self.law.loss(
            _discounted(params, self._usable_params(params), self.R_N),
            _discounted(tokens, np.minimum(tokens, self.unique_tokens), self.R_D),
        )

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """Found numerically: no closed form exists once tokens repeat."""
        shape = np.broadcast(np.asarray(flops, dtype=float), np.asarray(self.law.E)).shape
        pairs = np.broadcast_to(np.asarray(flops, dtype=float) / FLOPS_PER_PARAM_TOKEN, shape)

        def loss(log_params: NDArray[np.float64]) -> Numbers:
            return self.loss(np.exp(log_params), pairs / np.exp(log_params))

        free, _ = self.law.optimum(flops)
        start = np.broadcast_to(np.log(np.asarray(free, dtype=float)), shape)
        params = np.exp(argmin(loss, start - math.log(1e4), start + math.log(10.0)))
        return cast("tuple[Numbers, Numbers]", (params[()], (pairs / params)[()]))

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """Tokens, repeats included, that bring `params` to `loss`; infinite where no number of repeats does."""
        useful = self.law.tokens_for(loss, _discounted(params, self._usable_params(params), self.R_N))
        repeats_worth = np.asarray(useful, dtype=float) / self.unique_tokens - 1
        share = np.clip(repeats_worth / self.R_D, 0.0, 1.0)
        with np.errstate(divide="ignore"):
            repeated = self.unique_tokens * (1 - self.R_D * np.log1p(-share))
        return cast("Numbers", np.where(repeats_worth > 0, repeated, useful)[()])

    def floor(self) -> Numbers:
        """The loss that no compute gets below on this many unique tokens."""
        most_tokens = self.unique_tokens * (1 + self.R_D)
        most_params = self._usable_params(np.inf) * (1 + self.R_N)
        return self.law.loss(most_params, most_tokens)

    def _usable_params(self, params: Numbers) -> Numbers:
        """The smaller of `params` and the parameters for which the unique tokens are compute-optimal."""
        law = self.law
        scale = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
        # D = G^-1 (C/6)^(alpha/(alpha+beta)) and N = G (C/6)^(beta/(alpha+beta)): eliminate C.
        with np.errstate(over="ignore"):
            usable = scale * np.power(self.unique_tokens * scale, law.beta / law.alpha)
        return cast("Numbers", np.minimum(params, usable))


def _discounted(amount: Numbers, unique: Numbers, half: Numbers) -> Numbers:
    repeats = np.maximum(amount / unique - 1, 0.0)
    return unique * (1 + half * -np.expm1(-repeats / half))


def argmin(function: Callable[[Array], Numbers], low: Numbers, high: Numbers, steps: int = 70) -> Array:
    """Elementwise minimiser of a unimodal `function` between the arrays `low` and `high`: golden-section search."""
    ratio = (math.sqrt(5) - 1) / 2
    bottom, top = np.array(low, dtype=float), np.array(high, dtype=float)
    for _ in range(steps):
        width = ratio * (top - bottom)
        left, right = top - width, bottom + width
        keep_left = np.asarray(function(left)) <= np.asarray(function(right))
        bottom, top = np.where(keep_left, bottom, left), np.where(keep_left, right, top)
    return cast("Array", (bottom + top) / 2)
