"""Repeats: what repeated tokens and excess parameters still count for, fitted to the runs that repeat their text.

Given a law of single passes, R_D and R_N of the data-constrained law minimise the Huber losses of log loss (Muennighoff
et al. 2023, arXiv 2305.16264, appendix A). That law levels off and never worsens, so that runs which more epochs or
more parameters made worse have no place in it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from planner.fitting.estimating import LEAST_NOISE
from planner.fitting.resampling import Sample
from planner.fitting.solver import Array, Prior, minimise
from planner.fitting.tables import FEW_RUNS
from planner.fitting.tables.cells import repeating
from planner.fitting.tables.designs import distinct
from planner.laws import Additive, Coupled, Law, repeats_of_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.runs import Runs

Base: TypeAlias = Additive | Coupled
"""The laws that can be told of limited text."""
SPREAD = float(np.log(3))
"""Standard deviation of log R_D and of log R_N around those of Muennighoff et al. 2023, before the runs speak: ours."""
FEWEST, MOST = 6, 1000
"""Runs that R_D and R_N need, and how many of them are worked on where there are more."""
WORSE, NOISES = 0.01, 2.0
"""A run is worse than another from this share of the loss on, and from so many deviations of the noise: ours."""
_SAME_TEXT, _LEAST_DISTINCT, _BOUNDS = 0.01, 3, (0.05, 2000.0)
_BEND, _TEMPERATURE = 1.0, 0.756
"""Where the Huber loss turns linear, in deviations of the noise, and E psi^2 / E psi' there under normal noise."""
_ROUGH_NOISE, _PASSES, _EVER_SMALLER = 0.03, 3, (1e-3, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedRuns:
    """Runs as arrays of shape (runs,); `tokens` are those trained on, repeats included."""

    params: Array
    tokens: Array
    unique_tokens: Array
    loss: Array

    def worsened(self, slack: float) -> NDArray[np.bool_]:
        """Which runs, shape (runs,), lie a share `slack` above one with no more params and tokens on the same text."""
        apart = np.abs(np.log(self.unique_tokens[:, None] / self.unique_tokens))
        more = (self.params[:, None] >= self.params) & (self.tokens[:, None] >= self.tokens)
        best = np.where(more & (apart < _SAME_TEXT), self.loss, np.inf).min(axis=1)
        return np.asarray(self.loss > best * (1 + slack))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repeats:
    """R_D and R_N of `runs` under a law, with the estimator that found them.

    `objective` is the sum of Huber losses bent at `delta`, plus the penalty of `prior` if there is one; `noise` is the
    robust standard deviation of the residuals of log loss.
    """

    R_D: float
    R_N: float
    runs: RepeatedRuns
    weights: Array
    delta: float
    prior: Prior | None
    objective: float
    noise: float

    def redrawn(self, ensemble: Base, counts: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """R_D and R_N, each of shape (draws,), of runs that count `counts` times, shape (draws, runs).

        Every draw has its own law of `ensemble`, and a prior moved by its own spread.
        """
        draws, prior = len(counts), self.prior
        begin = np.column_stack([np.tile(np.log([self.R_D, self.R_N]), (draws, 1)), np.arange(draws)])
        if prior is not None:
            moved = SPREAD * np.pad(rng.standard_normal((draws, 2)), ((0, 0), (0, 1)))
            prior = Prior(mean=prior.mean + moved, precision=prior.precision)
        model = _Discounted.of(ensemble, self.runs)
        tolerance, weights = 1e-13 if prior is None else 1e-8, counts * self.weights
        found, _ = minimise(model, np.log(self.runs.loss), begin, weights, self.delta, prior, tolerance=tolerance)
        return np.exp(found[:, 0]), np.exp(found[:, 1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Worth:
    """What a table says of repeats; arrays are positions in it.

    The runs `apart` repeat their text and are not the law's; of these, `worse` are outside of the form. `found` and its
    `draws` rest on `used`; they are None where these are too few, or where the law cannot be told of limited text.
    """

    apart: NDArray[np.intp]
    worse: NDArray[np.intp]
    used: NDArray[np.intp]
    found: Repeats | None = None
    draws: tuple[Array, Array] | None = None


def fit_repeats(
    law: Base,
    params: Array,
    tokens: Array,
    unique_tokens: Array,
    loss: Array,
    *,
    delta: float | None = None,
    weights: Array | None = None,
) -> Repeats:
    """R_D and R_N of runs, given as arrays of shape (runs,), under `law`.

    Args:
        law: of single passes.
        params: of each run.
        tokens: trained on, repeats included.
        unique_tokens: of the text that was repeated.
        loss: in the unit of `law`.
        delta: None adapts to the noise of the runs, with a weak prior around the published values. A number gives the
            bare sum of Huber losses that bend there, at its minimum nearest to the published values; on the runs of
            Muennighoff et al. it has several, nearly equally deep.
        weights: of the runs, all the same by default.
    """
    runs = RepeatedRuns(params, tokens, unique_tokens, loss)
    weights = np.ones(len(loss)) if weights is None else weights
    model, target = _Discounted.of(law, runs), np.log(loss)
    prior: Prior | None = None
    if delta is None:
        theta, objective, bend, prior = _adapted(model, target, weights)
    else:
        theta, objective, bend = _bare(model, target, weights, delta)
    return Repeats(
        R_D=float(np.exp(theta[0])),
        R_N=float(np.exp(theta[1])),
        runs=runs,
        weights=weights,
        delta=bend,
        prior=prior,
        objective=objective,
        noise=_noise(model, target, theta, weights),
    )


def runs_of_the_law(runs: Runs) -> NDArray[np.bool_]:
    """Which runs a law is fitted to, shape (runs,): those of a single pass, or all where these are too few for one."""
    single = ~repeating(runs)
    if single.all():
        return single
    counted = single & (runs.weights > 0)
    different = min(distinct(runs.column(name)[counted]) for name in ("params", "tokens"))
    return single if counted.sum() >= FEW_RUNS and different >= _LEAST_DISTINCT else np.ones_like(single)


def part_of(runs: Runs, chosen: NDArray[np.bool_]) -> Runs:
    """The chosen runs of a table, which all its other statements hold for."""
    return runs if chosen.all() else replace(runs, frame=runs.frame[chosen].reset_index(drop=True))


def worth_of(
    runs: Runs, apart: NDArray[np.bool_], law: Law, ensemble: Law, noise: float, delta: float | None, seed: int
) -> Worth:
    """What the runs `apart` of the table, shape (runs,), say of repeats under the `law` of the others.

    `ensemble` is the law with arrays for coefficients, each of which gets a draw; `noise` that of its runs; `delta` is
    that of `fit_repeats`, and `seed` that of the resampling.
    """
    rng, positions = np.random.default_rng(seed), np.flatnonzero(apart & (runs.weights > 0))
    if len(positions) > MOST:
        positions = np.sort(rng.choice(positions, MOST, replace=False))
    if not len(positions):
        return Worth(apart=np.flatnonzero(apart), worse=positions, used=positions)
    worse = RepeatedRuns(*_columns(runs, positions)).worsened(max(WORSE, NOISES * noise))
    worth = Worth(apart=np.flatnonzero(apart), worse=positions[worse], used=positions[~worse])
    if len(worth.used) < FEWEST or not (isinstance(law, Base) and isinstance(ensemble, Base)):
        return worth
    sample = Sample.of(replace(runs, frame=runs.frame.iloc[worth.used]))
    found = fit_repeats(law, *_columns(runs, worth.used), delta=delta, weights=sample.weights)
    draws = found.redrawn(ensemble, sample.counts(np.size(ensemble.E), rng), rng)
    return replace(worth, found=found, draws=draws)


def _columns(runs: Runs, positions: NDArray[np.intp]) -> list[Array]:
    return [runs.column(field.name)[positions] for field in fields(RepeatedRuns)]


def _published() -> Array:
    """The unknowns of Muennighoff et al. 2023, and the first law."""
    return np.array([*np.log(repeats_of_text()), 0.0])


def _bare(model: _Discounted, target: Array, weights: Array, delta: float) -> tuple[Array, float, float]:
    """Unknowns, objective and where it bends; for `delta` 0 it bends at ever smaller residuals."""
    theta, bends = _published()[None], (delta,) if delta else _EVER_SMALLER
    for bend in bends:
        theta, objectives = minimise(model, target, theta, weights[None], bend)
    return theta[0], float(objectives[0]), bends[-1]


def _adapted(model: _Discounted, target: Array, weights: Array) -> tuple[Array, float, float, Prior]:
    """Unknowns, objective, where it bends and its prior, from several starts; bend and prior follow the noise."""
    centre, spread, noise = _published(), np.array([SPREAD, SPREAD, np.inf]), _ROUGH_NOISE
    begin = centre + SPREAD * np.array([(x, y, 0.0) for x in (-1, 0, 1) for y in (-1, 0, 1)])
    for _ in range(_PASSES):
        bend, prior = _BEND * noise, Prior(mean=centre, precision=_TEMPERATURE * (noise / spread) ** 2)
        reached, objectives = minimise(model, target, begin, np.tile(weights, (len(begin), 1)), bend, prior)
        theta = reached[objectives.argmin()]
        noise = _noise(model, target, theta, weights)
    return theta, float(objectives.min()), bend, prior


def _noise(model: _Discounted, target: Array, theta: Array, weights: Array) -> float:
    counted = (target - model.at(theta[None]).predicted[0])[weights > 0]
    return max(1.4826 * float(np.median(np.abs(counted - np.median(counted)))), LEAST_NOISE)


@dataclass(frozen=True, slots=True)
class _Discounted:
    """Log loss with the unknowns log R_D, log R_N and the number of the law, which stays as it is given.

    Logarithms of what is free of discount are of shape (laws, runs) for params and (runs,) for tokens, `excess` and
    `repeats` what is beyond it, relative; coefficients are of shape (laws, 1), those of E, A and B in logarithms.
    """

    log_params: Array
    excess: Array
    log_tokens: Array
    repeats: Array
    coefficients: tuple[Array, ...]

    @classmethod
    def of(cls, law: Base, runs: RepeatedRuns) -> _Discounted:
        laws = type(law)(**{field.name: _column(getattr(law, field.name)) for field in fields(law)})
        usable = np.minimum(runs.params, laws.balanced_params(runs.unique_tokens))
        unique = np.minimum(runs.tokens, runs.unique_tokens)
        scales = (np.log(np.asarray(scale)) for scale in (laws.E, laws.A, laws.B))
        k = np.broadcast_to(_column(getattr(law, "k", 1.0)), np.shape(laws.E))
        coefficients = (*scales, np.asarray(laws.alpha), np.asarray(laws.beta), k)
        excess, repeats = runs.params / usable - 1, runs.tokens / unique - 1
        return cls(np.log(usable), excess, np.log(unique), repeats, coefficients)

    @property
    def box(self) -> tuple[Array, Array]:
        low, high = np.log(_BOUNDS)
        return np.array([low, low, -np.inf]), np.array([high, high, np.inf])

    def at(self, theta: Array) -> _DiscountedPoint:
        """L = E + S^k with S = A N'^-alpha + B D'^-beta, by the slopes of log L along log N' and log D'."""
        which = np.rint(theta[:, 2]).astype(int)
        e, a, b, alpha, beta, k = (coefficient[which] for coefficient in self.coefficients)
        x, x_slope, x_bend = _worth(self.excess[which], theta[:, 1, None])
        y, y_slope, y_bend = _worth(self.repeats, theta[:, 0, None])
        first, second = a - alpha * (self.log_params[which] + x), b - beta * (self.log_tokens + y)
        inner = np.logaddexp(first, second)
        predicted = np.logaddexp(k * inner, e)
        share, reducible = np.exp(first - inner), np.exp(k * inner - predicted)
        by_x, by_y = -k * alpha * reducible * share, -k * beta * reducible * (1 - share)
        steep = k * (1 - reducible)
        by_xx = -alpha * by_x * (share * steep + 1 - share)
        by_yy = -beta * by_y * ((1 - share) * steep + share)
        by_xy = -alpha * by_y * share * (steep - 1)
        return _DiscountedPoint(
            predicted,
            np.stack([by_y * y_slope, by_x * x_slope, np.zeros_like(by_x)], axis=1),
            (by_yy * y_slope**2 + by_y * y_bend, by_xy * x_slope * y_slope, by_xx * x_slope**2 + by_x * x_bend),
        )


@dataclass(frozen=True, slots=True)
class _DiscountedPoint:
    predicted: Array
    slope: Array
    bends: tuple[Array, Array, Array]

    def curvature(self, pull: Array) -> Array:
        found = np.zeros((len(pull), 3, 3))
        tokens, both, params = ((pull * bend).sum(axis=1) for bend in self.bends)
        found[:, 0, 0], found[:, 1, 1] = tokens, params
        found[:, 0, 1] = found[:, 1, 0] = both
        return found


def _column(values: float | Array) -> Array:
    return np.reshape(np.asarray(values, dtype=float), (-1, 1))


def _worth(beyond: Array, log_scale: Array) -> tuple[Array, Array, Array]:
    """log(1 + R (1 - e^(-r/R))) of the amounts `beyond` r, and its first two derivatives by log R."""
    scale = np.exp(log_scale)
    left = np.exp(-beyond / scale)
    worth = 1 + scale * (1 - left)
    slope = (worth - 1 - beyond * left) / worth
    bend = slope - beyond**2 / scale * left / worth - slope**2
    return np.log(worth), slope, bend
