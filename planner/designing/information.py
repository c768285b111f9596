"""Information: what runs would tell about one large run, before any of them is made.

Log loss is linearised in the unknowns of the coupled law at several likely laws. A run also differs from its law by
noise, and by a drift that wanders as a random walk over the decades of compute between it and the target: runs of one
level share it, so that many small runs never replace a larger one. Everything is normal, so that learning of a run is
one update of a covariance (a Gaussian process, conditioned run by run).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.fitting.backtesting import DRIFT, NORMAL_90
from planner.fitting.forms import COUPLED
from planner.fitting.terms import Coupling, Data
from planner.laws import FLOPS_PER_PARAM_TOKEN, Additive, Coupled, Law

if TYPE_CHECKING:
    from planner.fitting.solver import Array

NOISE = 0.006
"""Relative deviation of a run from the law that its own level follows: our assumption, from nine public run tables."""
LAWS = 8
_LEVEL_SPREAD, _FLOOR_SPREAD = 0.5, 0.3
_AROUND = (-0.7, 0.0, 0.7)
"""The loss at the target is that of the best size and of half and twice as many parameters."""
_STEP = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Joint covariance of the log loss of `count` possible runs, of the target (at three sizes) and of its best size.

    Shape (laws, count + 4, count + 4), one for each law that it is linearised at.
    """

    covariance: Array
    count: int

    @classmethod
    def of(cls, params: Array, tokens: Array, for_flops: float, laws: Law) -> Knowledge:
        """Before any run, for possible runs of shape (count,); `laws` has arrays of shape (laws,) for coefficients."""
        data = Data.of(params, tokens, np.ones_like(params))
        thetas = _unknowns(laws, data)
        decades = np.maximum(np.log10(for_flops / (FLOPS_PER_PARAM_TOKEN * params * tokens)), 0.0)
        walk = np.pad((DRIFT / NORMAL_90) ** 2 * np.minimum(decades[:, None], decades), (0, 4))
        spread = np.array([_LEVEL_SPREAD, _LEVEL_SPREAD, _FLOOR_SPREAD, *COUPLED.spread[3:]])
        slopes = np.stack([_slopes(theta, data, for_flops) for theta in thetas]) * spread
        return cls(covariance=slopes @ slopes.transpose(0, 2, 1) + walk, count=len(params))

    def gains(self, chosen: Array) -> Array:
        """How much of what is unknown each of the `chosen` runs would take away, a share of it, shape (chosen,)."""
        own = self.covariance[:, chosen, chosen] + NOISE**2
        shared = self.covariance[:, self.count :][:, :, chosen] ** 2 / own[:, None]
        gains: Array = (shared / self._unknown[..., None]).mean(axis=(0, 1))
        return gains

    def after(self, run: int) -> Knowledge:
        """What is known once the loss of `run` is."""
        column = self.covariance[:, :, run]
        own = self.covariance[:, run, run] + NOISE**2
        return replace(self, covariance=self.covariance - column[:, :, None] * column[:, None, :] / own[:, None, None])

    @property
    def _unknown(self) -> Array:
        """Variances of the target's four numbers, shape (laws, 4)."""
        unknown: Array = np.maximum(np.einsum("lii->li", self.covariance)[:, self.count :], 1e-12)
        return unknown

    @property
    def loss_range(self) -> float:
        """Half-width of the 90 % range of the target's loss, as a fraction of it; one new run's noise included."""
        return float(NORMAL_90 * np.sqrt(self._unknown[:, :3].mean() + NOISE**2))

    @property
    def size_range(self) -> float:
        """The factor from the best size to either end of its 90 % range."""
        return float(np.exp(NORMAL_90 * np.sqrt(self._unknown[:, 3].mean())))

    @property
    def score(self) -> float:
        """What a design makes small: the logarithms of both ranges, added."""
        return float(np.log(self._unknown[:, :3].mean()) + np.log(self._unknown[:, 3].mean()))


def _unknowns(laws: Law, data: Data) -> Array:
    """Unknowns of the coupled form for additive or coupled laws with arrays for coefficients, shape (laws, 6)."""
    if not isinstance(laws, Additive | Coupled):
        raise TypeError(type(laws).__name__)
    k = np.asarray(laws.k if isinstance(laws, Coupled) else np.ones_like(laws.alpha), dtype=float)
    alpha, beta = laws.alpha * k, laws.beta * k
    a, b = np.log(laws.A) * k - alpha * data.x_mean, np.log(laws.B) * k - beta * data.y_mean
    return np.stack([a, b, np.log(laws.E), np.log(alpha), np.log(beta), np.log(k)], axis=-1)


def _slopes(theta: Array, data: Data, for_flops: float) -> Array:
    """Slopes by the unknowns of the log loss of each run, of the target's three sizes, and of its best log size."""
    best = _best_log_size(theta, data, for_flops)
    x = best + np.array(_AROUND) - data.x_mean
    y = np.log(for_flops / FLOPS_PER_PARAM_TOKEN) - (best + np.array(_AROUND)) - data.y_mean
    all_runs = replace(data, x=np.append(data.x, x), y=np.append(data.y, y), z=np.zeros(len(data.x) + len(x)))
    losses = Coupling(all_runs).at(theta[None]).slope[0].T
    steps = _STEP * np.eye(len(theta))
    sizes = [_best_log_size(theta + s, data, for_flops) - _best_log_size(theta - s, data, for_flops) for s in steps]
    return np.vstack([losses, np.array(sizes) / (2 * _STEP)])


def _best_log_size(theta: Array, data: Data, for_flops: float) -> float:
    return float(np.log(COUPLED.law(data, theta).optimum(for_flops)[0]))
