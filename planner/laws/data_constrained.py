"""DataConstrained: a law where text runs out and tokens repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from planner.laws.additive import Additive
from planner.laws.coupled import Coupled
from planner.laws.law import Numbers
from planner.laws.optima import plain_optimum


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConstrained:
    """A law when only `unique_tokens` exist and more tokens repeat them (Muennighoff et al. 2023, eq. 5-7).

    Repeats count less and less: D' = U (1 + R* (1 - exp(-R/R*))) with R = D/U - 1 epochs after the first; parameters
    beyond those that U could use decay likewise with R_N*. Up to U tokens and the parameters they can use, it is `law`.
    The paper wraps the additive law; that the coupled one takes the same N' and D' is our assumption.
    """

    law: Additive | Coupled
    unique_tokens: Numbers
    R_D: Numbers
    R_N: Numbers

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss, in the unit of `law`, of training `tokens` tokens that repeat the unique ones."""
        return self.law.loss(
            self._useful_params(params), _discounted(tokens, np.minimum(tokens, self.unique_tokens), self.R_D)
        )

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """Found numerically: no closed form exists once tokens repeat."""
        return plain_optimum(self, flops)

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """Tokens, repeats included, that bring `params` to `loss`; infinite where no number of repeats does."""
        useful = self.law.tokens_for(loss, self._useful_params(params))
        repeats_worth = np.asarray(useful, dtype=float) / self.unique_tokens - 1
        share = np.clip(repeats_worth / self.R_D, 0.0, 1.0)
        with np.errstate(divide="ignore"):
            repeated = self.unique_tokens * (1 - self.R_D * np.log1p(-share))
        return cast("Numbers", np.where(repeats_worth > 0, repeated, useful)[()])

    def floor(self) -> Numbers:
        """The loss that no compute gets below on this many unique tokens."""
        most_params = self.law.balanced_params(self.unique_tokens) * (1 + self.R_N)
        return self.law.loss(most_params, self.unique_tokens * (1 + self.R_D))

    def _useful_params(self, params: Numbers) -> Numbers:
        """`params`, those beyond the ones for which the unique tokens are compute-optimal discounted."""
        usable = np.minimum(params, self.law.balanced_params(self.unique_tokens))
        return _discounted(params, usable, self.R_N)


def _discounted(amount: Numbers, unique: Numbers, scale: Numbers) -> Numbers:
    repeats = np.maximum(amount / unique - 1, 0.0)
    return unique * (1 + scale * -np.expm1(-repeats / scale))
