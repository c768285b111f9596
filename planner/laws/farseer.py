"""Farseer: a law whose floor, scale and exponent of tokens each depend on the number of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from planner.laws.law import Numbers
from planner.laws.optima import plain_optimum


@dataclass(frozen=True, slots=True, kw_only=True)
class Farseer:
    """L = exp(s N^q + S) + exp(B N^b + Q) D^-exp(A N^a + E) (Li et al. 2025, arXiv 2506.10972, equation 3).

    Its authors fit it to bits per character, with N without embeddings. It holds inside its runs: nothing in the form
    makes loss fall with N, and where A < 0 < a tokens cease to matter for huge models.
    """

    s: Numbers
    q: Numbers
    S: Numbers
    B: Numbers
    b: Numbers
    Q: Numbers
    A: Numbers
    a: Numbers
    E: Numbers

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss in the unit of the runs it was fitted to."""
        excess = np.exp(self._log_scale(params) - self._exponent(params) * np.log(tokens))
        return cast("Numbers", self._endless(params) + excess)

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """Found numerically: no closed form exists. The minimum nearest N = D, for there can be one at absurd N."""
        return plain_optimum(self, flops)

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """D = (exp(B N^b + Q) / (L - exp(s N^q + S)))^(1 / exp(A N^a + E))."""
        left = np.asarray(loss - self._endless(params), dtype=float)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            log_tokens = (self._log_scale(params) - np.log(left)) / self._exponent(params)
            tokens = np.where(left > 0, np.exp(log_tokens), np.inf)
        return cast("Numbers", tokens[()])

    def floor(self) -> Numbers:
        """The loss that no compute gets below: the limit of the first term as N grows.

        It is 0 where that term falls forever (s < 0 < q), exp(S) otherwise.
        """
        return cast("Numbers", np.where((self.s < 0) & (self.q > 0), 0.0, np.exp(self.S))[()])

    def _endless(self, params: Numbers) -> Numbers:
        """The loss of `params` on endless tokens."""
        return cast("Numbers", np.exp(self.s * params**self.q + self.S))

    def _log_scale(self, params: Numbers) -> Numbers:
        return self.B * params**self.b + self.Q

    def _exponent(self, params: Numbers) -> Numbers:
        return cast("Numbers", np.exp(self.A * params**self.a + self.E))
