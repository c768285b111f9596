"""Resampling: the columns of a run table that a fit needs, and how often each run counts in a resampled table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.fitting.terms import Data
from planner.laws import FLOPS_PER_PARAM_TOKEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.fitting.solver import Array
    from planner.runs import Runs


LEAST_TRUNKS = 5
"""Fewer trunks tell no spread, and runs are resampled one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Runs as arrays of shape (runs,); runs of one `trunk` share most of their training and are drawn together."""

    params: Array
    tokens: Array
    loss: Array
    weights: Array
    trunk: NDArray[np.intp]

    @classmethod
    def of(cls, runs: Runs) -> Sample:
        """The columns of `runs`; without a column `trunk` every run is its own, without `weight` all weigh the same."""
        return cls(
            params=runs.column("params"),
            tokens=runs.column("tokens"),
            loss=runs.column("loss"),
            weights=runs.weights / runs.weights.mean(),
            trunk=_units(np.unique(runs.trunks, return_inverse=True)[1]),
        )

    @property
    def data(self) -> Data:
        """What the estimator sees."""
        return Data.of(self.params, self.tokens, self.loss)

    @property
    def flops(self) -> Array:
        """By the rule 6 N D, whatever the table says: extrapolation is measured along it."""
        return FLOPS_PER_PARAM_TOKEN * self.params * self.tokens

    def distinct(self) -> int:
        """How many different params there are, or tokens, if fewer."""
        return min(len(np.unique(self.params)), len(np.unique(self.tokens)))

    def part(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Sample:
        """The chosen runs."""
        trunk = np.unique(self.trunk[chosen], return_inverse=True)[1]
        return Sample(
            params=self.params[chosen],
            tokens=self.tokens[chosen],
            loss=self.loss[chosen],
            weights=self.weights[chosen],
            trunk=trunk,
        )

    def counts(self, draws: int, rng: np.random.Generator) -> Array:
        """How often each run counts in each of `draws` bootstrap resamples of trunks, shape (draws, runs)."""
        trunks = int(self.trunk.max()) + 1
        drawn = rng.multinomial(trunks, np.full(trunks, 1 / trunks), size=draws).astype(float)
        return drawn if trunks == len(self.trunk) else drawn[:, self.trunk]


def _units(trunk: NDArray[np.intp]) -> NDArray[np.intp]:
    """What is resampled together: trunks, or single runs where trunks are too few to tell a spread."""
    return trunk if trunk.max() + 1 >= LEAST_TRUNKS else np.arange(len(trunk))
