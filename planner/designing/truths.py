"""Truths: laws that may hold for runs nobody has trained yet, as unknowns of the coupled form that `fit` solves for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import InputError
from planner.fitting.backtesting import DRIFT, NORMAL_90
from planner.fitting.estimating import LEAST_NOISE
from planner.fitting.forms import COUPLED
from planner.fitting.terms import Coupling, Data
from planner.laws import FLOPS_PER_PARAM_TOKEN, Additive, Coupled, DataConstrained, Kaplan, Numbers, published

if TYPE_CHECKING:
    from planner.designing.offers import Offers
    from planner.fitting.solver import Array
    from planner.laws import Calibration, Law

DRAWS = 16
"""Laws over which an expectation is taken."""
TERM_SPREAD, FLOOR_SPREAD = 0.5, 0.25
"""Standard deviations, in logarithms, of the two terms and of the floor around the default law: other data, other
tokenizers. Our assumption; the floors of nine public tables lie between 0.8 and 2.4 nats per token."""
_NOTHING = 1e-26


@dataclass(frozen=True, slots=True, kw_only=True)
class Truths:
    """Laws in the unknowns of the coupled form, `theta` of shape (laws, 6), centred as `centre`.

    `noise` is the standard deviation of log loss from run to run, `drift` that of what a fitted law misses, for every
    factor of ten between a run and the target.
    """

    name: str
    theta: Array
    centre: Data
    noise: float
    drift: float

    def slopes(self, params: Array, tokens: Array) -> Array:
        """Derivatives of log loss by the unknowns, shape (laws, runs, 6)."""
        data = Data.of(params, tokens, np.ones_like(params), like=self.centre)
        slopes: Array = Coupling(data).at(self.theta).slope.transpose(0, 2, 1)
        return slopes

    def best(self, flops: Array) -> Array:
        """Logarithm of the params of least loss for each of `flops`, shape (laws, runs): the coupling cancels."""
        numerator, total = self._balance(flops)
        best: Array = numerator / total + self.centre.x_mean
        return best

    def best_slopes(self, flops: float) -> Array:
        """Derivatives of `best` by the unknowns, shape (laws, 6)."""
        numerator, total = self._balance(np.array([flops]))
        alpha, beta, k = self._exponents()
        place, odds = numerator / total, k * np.log(alpha / beta)
        found = np.zeros_like(self.theta)
        found[:, [0]], found[:, [1]] = 1, -1
        found[:, [3]] = k - place * alpha
        found[:, [4]] = -k + beta * (self._log_pairs(flops) - place)
        found[:, [5]] = odds
        return found / total

    def moved_to(self, offers: Offers) -> Truths:
        """The same laws with their two terms traded so that the median of these runs is of the best size."""
        flops = FLOPS_PER_PARAM_TOKEN * offers.params * offers.tokens
        alpha, beta, _ = self._exponents()
        away = np.median(np.log(offers.params) - self.best(flops), axis=1, keepdims=True)
        theta = self.theta.copy()
        theta[:, [0]] += away * (alpha + beta) / 2
        theta[:, [1]] -= away * (alpha + beta) / 2
        return replace(self, theta=theta)

    def _exponents(self) -> tuple[Array, Array, Array]:
        alpha, beta, k = (np.exp(self.theta[:, [at]]) for at in (3, 4, 5))
        return alpha, beta, k

    def _log_pairs(self, flops: Array | float) -> Array:
        """Logarithm of params times tokens, each from its centre."""
        pairs: Array = np.log(np.asarray(flops) / FLOPS_PER_PARAM_TOKEN) - self.centre.x_mean - self.centre.y_mean
        return pairs

    def _balance(self, flops: Array) -> tuple[Array, Array]:
        """Where the two terms fall equally fast: x = (k log(alpha/beta) + a - b + beta (x + y)) / (alpha + beta)."""
        alpha, beta, k = self._exponents()
        a, b = self.theta[:, [0]], self.theta[:, [1]]
        return k * np.log(alpha / beta) + a - b + beta * self._log_pairs(flops), alpha + beta


def weak_truths(name: str, centre: Data) -> Truths:
    """Laws drawn from the weak priors of `fit`, their terms and floor around those of the published law `name`."""
    calibration = published(name)
    around = _unknowns(calibration.law, centre)
    spread = np.array([TERM_SPREAD, TERM_SPREAD, FLOOR_SPREAD, *COUPLED.spread[3:]])
    middle = np.concatenate([around[0, :3], COUPLED.mean[3:]])
    theta = middle + spread * np.random.default_rng(0).standard_normal((DRAWS, 6))
    return Truths(name=name, theta=theta, centre=centre, noise=calibration.noise, drift=DRIFT / NORMAL_90)


def truths_of(calibration: Calibration, centre: Data) -> Truths:
    """Laws drawn from the ensemble of `calibration`.

    Raises:
        InputError: its law has no separate terms for params and tokens.
    """
    every = _unknowns(calibration.ensemble, centre)
    theta = every[np.linspace(0, len(every) - 1, min(DRAWS, len(every))).astype(int)]
    noise = max(calibration.noise, LEAST_NOISE)
    return Truths(name=calibration.name, theta=theta, centre=centre, noise=noise, drift=calibration.drift / NORMAL_90)


def _unknowns(law: Law, centre: Data) -> Array:
    """Unknowns of shape (laws, 6) that make the coupled form `law`."""
    E, A, B, alpha, beta, k = np.broadcast_arrays(*(np.atleast_1d(value) for value in _coefficients(law)))
    a = k * (np.log(A) - alpha * centre.x_mean)
    b = k * (np.log(B) - beta * centre.y_mean)
    return np.column_stack([a, b, np.log(E), np.log(k * alpha), np.log(k * beta), np.log(k)])


def _coefficients(law: Law) -> tuple[Numbers, ...]:
    """E, A, B, alpha, beta and k of the coupled form."""
    match law:
        case Additive():
            return law.E, law.A, law.B, law.alpha, law.beta, 1.0
        case Coupled():
            return law.E, law.A, law.B, law.alpha, law.beta, law.k
        case Kaplan():
            inner = np.asarray(law.alpha_N) / law.alpha_D
            return _NOTHING, np.asarray(law.N_c) ** inner, law.D_c, inner, 1.0, law.alpha_D
        case DataConstrained():
            return _coefficients(law.law)
    raise InputError(
        f"A {type(law).__name__} law has no separate terms for params and tokens.",
        mend="Give an additive or coupled law, such as besiroglu-2024, or leave law out.",
    )
