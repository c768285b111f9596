"""Additive: Chinchilla's law, one term for parameters and one for tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from planner.laws.law import FLOPS_PER_PARAM_TOKEN, Numbers


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
        """N^(alpha+beta) = alpha A / (beta B) (C/6)^beta and D = C / 6N (equation 4)."""
        pairs = flops / FLOPS_PER_PARAM_TOKEN
        params = np.exp((self._log_odds + self.beta * np.log(pairs)) / (self.alpha + self.beta))
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

    def balanced_params(self, tokens: Numbers) -> Numbers:
        """Parameters for which `tokens` are compute-optimal: N^alpha = alpha A / (beta B) D^beta."""
        with np.errstate(over="ignore"):
            return cast("Numbers", np.exp((self._log_odds + self.beta * np.log(tokens)) / self.alpha))

    @property
    def _log_odds(self) -> Numbers:
        # In logarithms, because A and B of a coupled law can be too large to be raised to a power.
        return cast("Numbers", np.log(self.alpha * self.A) - np.log(self.beta * self.B))
