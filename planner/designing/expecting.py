"""Expecting: how far off a fit of some runs would forecast the target, before any of them is made.

The fit is linearised at several laws that may hold. With J the slopes of log loss, w the weights of the fit, P its
priors and M = sum w J J' + P, its unknowns are off by M^-1 (sum w J e + P b): e is what the runs miss the law by, b how
far the priors lie from the truth. So a number of slope g is off with the variance g' M^-1 (sum w w' K J J' + P S P)
M^-1 g (White 1982), K and S being the covariances of e and b. It counts what a fit does in earnest: runs that follow
another law than the target do harm, however many they are.

Runs miss the law by noise, each its own, and by a misfit that grows with their distance from the target, in factors of
ten of compute and of tokens per parameter, and that neighbours share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.designing.truths import FLOOR_SPREAD, Truths
from planner.fitting.backtesting import NORMAL_90
from planner.fitting.forms import COUPLED
from planner.fitting.solver import Array
from planner.laws import FLOPS_PER_PARAM_TOKEN

LOSS, SIZE = 0, 1
_SIZE_COUNTS = 0.25
"""The logarithm of what is unknown of the best size counts a quarter, that of the loss three quarters: our choice."""
_RECENCY = 0.25
"""A fit weighs runs with this power of their compute, as `planner.fitting.estimating` does."""
_WIDE = np.array([1.0, 1.0, 2 * FLOOR_SPREAD])
_UNKNOWNS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Runs that could be made, and what a fit of some of them would be off by.

    `slopes` (laws, runs, 6) and `misses` (runs, runs), the covariance K, are those of the runs; `goals` (laws, 6, 2)
    are the slopes of the target's log loss at its best size and of the logarithm of that size; `weights` (runs,) those
    of the fit; `taken` is the variance that it takes for noise, as a multiple of that of `noise`.
    """

    slopes: Array
    misses: Array
    goals: Array
    weights: Array
    noise: float
    taken: float

    @classmethod
    def of(cls, truths: Truths, params: Array, tokens: Array, for_flops: float) -> Expectation:
        """For runs of shape (runs,) and the best model for `for_flops`."""
        flops = FLOPS_PER_PARAM_TOKEN * params * tokens
        best = np.exp(truths.best(np.array([for_flops]))[:, 0])
        at_best = truths.slopes(best, for_flops / FLOPS_PER_PARAM_TOKEN / best)
        weights = flops**_RECENCY
        return cls(
            slopes=truths.slopes(params, tokens),
            misses=_misses(truths, params, flops, for_flops),
            goals=np.stack([np.einsum("llu->lu", at_best), truths.best_slopes(for_flops)], axis=-1),
            weights=weights / np.exp(np.log(weights).mean()) / truths.noise**2,
            noise=truths.noise,
            # A fit cannot tell from noise what runs a factor of ten apart miss its law by.
            taken=1 + (truths.drift / truths.noise) ** 2,
        )

    def variances(self, chosen: list[int]) -> Array:
        """Of the target's log loss and log best size after a fit of the `chosen` runs, shape (laws, 2)."""
        matrix, scatter = self._moments(chosen, len(chosen))
        reach = np.linalg.solve(matrix, self.goals)
        found: Array = np.einsum("lug,luv,lvg->lg", reach, scatter, reach)
        return found

    def with_one_more(self, chosen: list[int]) -> Array:
        """`variances` after one more run, for every run that it could be, shape (laws, runs, 2)."""
        matrix, scatter = self._moments(chosen, len(chosen) + 1)
        reach, away = np.linalg.solve(matrix, self.goals), np.linalg.solve(matrix, self.slopes.transpose(0, 2, 1))
        # A run more is a change of rank one (Sherman and Morrison 1950).
        damped = 1 / (1 + self.weights * np.einsum("lru,lur->lr", self.slopes, away))
        seen = self.slopes @ reach * damped[..., None]
        reach = reach[:, None] - (self.weights[:, None] * away.transpose(0, 2, 1))[..., None] * seen[:, :, None]
        with_others = (self.weights[chosen] * self.slopes[:, chosen].transpose(0, 2, 1)) @ self.misses[chosen]
        shared = np.einsum("lur,lrug->lrg", with_others, reach)
        own = self.weights[:, None] * seen
        found: Array = np.einsum("lrug,luv,lrvg->lrg", reach, scatter, reach)
        found += 2 * own * shared + own**2 * np.diag(self.misses)[:, None]
        return found

    def _moments(self, chosen: list[int], count: int) -> tuple[Array, Array]:
        """M and the matrix between its inverses, shape (laws, 6, 6), priors weighed as for `count` runs."""
        weighed = self.weights[chosen, None] * self.slopes[:, chosen]
        precision, bias = self._priors(count)
        matrix = weighed.transpose(0, 2, 1) @ self.slopes[:, chosen] + precision
        scatter = weighed.transpose(0, 2, 1) @ self.misses[np.ix_(chosen, chosen)] @ weighed + bias
        return matrix, scatter

    def _priors(self, count: int) -> tuple[Array, Array]:
        """P and P S P. The fit weighs its priors by the noise it sees, inflated for the unknowns it has fitted."""
        inflated = self.taken * max(count, _UNKNOWNS + 1) / max(count - _UNKNOWNS, 1)
        spread = np.concatenate([_WIDE, COUPLED.spread[3:]])
        precision = np.concatenate([np.ones(3), np.full(3, inflated)]) / spread**2
        return np.diag(precision), np.diag(precision**2 * spread**2)


def score(variances: Array) -> Array:
    """What a design makes small, shape (...) of variances of shape (laws, ..., 2): logarithms, averaged over laws."""
    logs = np.log(variances).mean(axis=0)
    weighed: Array = (1 - _SIZE_COUNTS) * logs[..., LOSS] + _SIZE_COUNTS * logs[..., SIZE]
    return weighed


def ranges(variances: Array, noise: float) -> tuple[float, float]:
    """Half-width of the 90 % range of a new run's loss, a fraction, and the factor to either end of the best size's."""
    loss, size = np.exp(np.log(variances).mean(axis=0))
    return float(NORMAL_90 * np.sqrt(loss + noise**2)), float(np.exp(NORMAL_90 * np.sqrt(size)))


def _misses(truths: Truths, params: Array, flops: Array, for_flops: float) -> Array:
    below = np.maximum(np.log10(for_flops / flops), 0.0)
    # At equal compute, a tenth of the params is a hundred times the tokens per parameter.
    beside = 2 * (np.log10(params) - truths.best(flops).mean(axis=0) / np.log(10))
    distance = np.hypot(below, beside)
    apart = (below[:, None] - below) ** 2 + (beside[:, None] - beside) ** 2
    shared = truths.drift**2 * distance[:, None] * distance * np.exp(-apart / 2)
    covariance: Array = shared + truths.noise**2 * np.eye(len(params))
    return covariance
