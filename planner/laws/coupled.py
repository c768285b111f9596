"""Coupled: Chinchilla's two terms under one exponent, so that parameters help the more the more tokens there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from planner.laws.additive import Additive
from planner.laws.law import Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupled:
    """L = E + (A / N^alpha + B / D^beta)^k (Videau et al. 2026, arXiv 2608.07222); `Additive` at k = 1.

    Below k = 1 the floor E is weakly determined by runs far above it: it and k make up for each other.
    """

    E: Numbers
    A: Numbers
    B: Numbers
    alpha: Numbers
    beta: Numbers
    k: Numbers

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss in the unit of E."""
        # In logarithms from the larger term: with k of 0.1 the terms span hundreds of decades.
        first, second = self._log_params_term(params), np.log(self.B) - self.beta * np.log(tokens)
        inner = np.maximum(first, second) + np.log1p(np.exp(-np.abs(first - second)))
        return cast("Numbers", self.E + np.exp(self.k * inner))

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """That of the additive law inside: x^k grows with x, so k cancels."""
        return self._inner.optimum(flops)

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """D = (B / ((L - E)^(1/k) - A/N^alpha))^(1/beta)."""
        first = self._log_params_term(params)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            inner = np.log(np.asarray(loss - self.E, dtype=float)) / self.k
            left = inner + np.log(-np.expm1(first - inner))
            tokens = np.where(inner > first, np.exp((np.log(self.B) - left) / self.beta), np.inf)
        return cast("Numbers", tokens[()])

    def floor(self) -> Numbers:
        """The loss that no compute gets below."""
        return self.E

    def balanced_params(self, tokens: Numbers) -> Numbers:
        """Parameters for which `tokens` are compute-optimal, as in the additive law inside."""
        return self._inner.balanced_params(tokens)

    @property
    def _inner(self) -> Additive:
        return Additive(E=0.0, A=self.A, B=self.B, alpha=self.alpha, beta=self.beta)

    def _log_params_term(self, params: Numbers) -> Numbers:
        return cast("Numbers", np.log(self.A) - self.alpha * np.log(params))
