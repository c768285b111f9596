"""The estimator: one form, one set of runs, the unknowns that describe them best, and the same for resampled runs.

By default the Huber loss of log loss turns linear at a third of the run-to-run noise, runs weigh with the fourth root
of their compute, runs far above the law (undertuned, cut short, diverged) lose their weight, and weak priors hold what
the runs do not determine. With a `delta` of the caller's it is the bare sum of Huber losses (Hoffmann et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.fitting.forms import Form
from planner.fitting.solver import Array, Prior, minimise
from planner.fitting.tables import FEW_RUNS
from planner.fitting.terms import Data

LEAST_NOISE = 1e-3
"""Relative run-to-run noise that every interval carries at least: our assumption."""
MANY = 4000
"""How many runs are worked on where all would take too long."""
_BEND = 0.3
_TEMPERATURE = 0.32
"""Weighs the prior: E psi^2 / E psi' of the Huber loss bent at 0.3 deviations of normal noise, in their squares."""
_RECENCY = 0.25
_SUSPECT, _HOPELESS = 3.0, 6.0
_ROUGH_DELTA, _ROUGH_NOISE = 0.01, 4e-3
_LEAST_DELTA, _SHARP = 1e-6, 1e-4
_TOLERANCE, _STEPS = 1e-8, 60
_POLISHED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Unknowns `theta` of `form`, shape (unknowns,), with what they were found by.

    `weights` are those of the runs at the end, shape (runs,); `residuals` of log loss; `noise` their robust standard
    deviation, inflated for the unknowns; `objectives` what every start reached; `objective` the least of them.
    """

    form: Form
    data: Data
    theta: Array
    delta: float
    prior: Prior | None
    weights: Array
    residuals: Array
    noise: float
    objectives: Array

    @property
    def objective(self) -> float:
        """The minimum."""
        return float(self.objectives.min())

    @property
    def error(self) -> float:
        """Root mean square relative error on the runs that kept their weight."""
        return float(np.sqrt(np.mean(np.expm1(self.residuals[self.weights > 0]) ** 2)))


def solve(form: Form, data: Data, weights: Array, delta: float | None = None, starts: int = 6) -> Solution:
    """The best unknowns of `form` for `data`, from many starts.

    Args:
        form: what is fitted.
        data: the runs.
        weights: of the runs, shape (runs,).
        delta: where the Huber loss turns linear; 0 gives least absolute deviations; None adapts to the noise.
        starts: how many of the most promising starts are tried.
    """
    begin = form.starts(data, starts)
    if delta is not None:
        return _bare(form, data, weights, delta, begin)
    some = slice(None, None, 1 + len(data.z) // MANY)
    part, rough = data.part(some), _prior(form, data, _ROUGH_NOISE**2)
    reached, objectives = minimise(form.model(part), part.z, begin, _rows(weights[some], begin), _ROUGH_DELTA, rough)
    best = reached[np.argsort(objectives, kind="stable")[:_POLISHED]]
    noise = _noise(form, _residuals(form, data, best[0]), weights)
    bend, prior = _BEND * noise, _prior(form, data, _TEMPERATURE * noise**2)
    recent = weights * np.exp(_RECENCY * (data.x + data.y))
    recent *= weights.sum() / recent.sum()
    reached, objectives = minimise(form.model(data), data.z, best, _rows(recent, best), bend, prior)
    theta, trusted = reached[objectives.argmin()], recent
    for _ in range(2):
        above = _residuals(form, data, theta) / noise
        trusted = recent * np.clip((_HOPELESS - above) / (_HOPELESS - _SUSPECT), 0, 1)
        theta = minimise(form.model(data), data.z, theta[None], trusted[None], bend, prior)[0][0]
    residuals = _residuals(form, data, theta)
    return Solution(
        form=form,
        data=data,
        theta=theta,
        delta=bend,
        prior=prior,
        weights=trusted,
        residuals=residuals,
        noise=_noise(form, residuals, weights),
        objectives=objectives,
    )


def _bare(form: Form, data: Data, weights: Array, delta: float, begin: Array) -> Solution:
    """The minimum of the Huber losses alone; for `delta` 0 they bend at ever smaller residuals."""
    bends = [bend for bend in (1e-3, 1e-4, 1e-5) if bend > 10 * delta] if delta < _SHARP else []
    bends.append(delta or _LEAST_DELTA)
    for bend in bends:
        begin, objectives = minimise(form.model(data), data.z, begin, _rows(weights, begin), bend)
    theta = begin[objectives.argmin()]
    residuals = _residuals(form, data, theta)
    return Solution(
        form=form,
        data=data,
        theta=theta,
        delta=bends[-1],
        prior=None,
        weights=weights,
        residuals=residuals,
        noise=_noise(form, residuals, weights),
        objectives=objectives,
    )


def refit(solution: Solution, counts: Array, rng: np.random.Generator) -> Array:
    """Unknowns for runs that count `counts` times, shape (draws, runs); shape (draws, unknowns).

    Every draw also moves the prior by its own spread, so that what only the prior holds is as unsure as the prior.
    """
    begin = np.tile(solution.theta, (len(counts), 1))
    prior, form = solution.prior, solution.form
    model, target, weights = form.model(solution.data), solution.data.z, counts * solution.weights
    if prior is None:
        # Without a prior the valleys are long: only full convergence gives the spread.
        return minimise(model, target, begin, weights, solution.delta)[0]
    spread = np.where(np.isfinite(form.spread), form.spread, 0.0)
    moved = Prior(mean=prior.mean + spread * rng.standard_normal(begin.shape), precision=prior.precision)
    return minimise(model, target, begin, weights, solution.delta, moved, _STEPS, _TOLERANCE)[0]


def _rows(weights: Array, starts: Array) -> Array:
    return np.broadcast_to(weights, (len(starts), len(weights)))


def _prior(form: Form, data: Data, temperature: float) -> Prior | None:
    if not np.isfinite(form.spread).any():
        return None
    return Prior(mean=form.centre(data), precision=temperature / form.spread**2)


def _residuals(form: Form, data: Data, theta: Array) -> Array:
    residuals: Array = data.z - form.model(data).at(theta[None]).predicted[0]
    return residuals


def _noise(form: Form, residuals: Array, weights: Array) -> float:
    """Robust standard deviation of the residuals of runs that count, inflated for the unknowns fitted."""
    counted = residuals[weights > 0]
    freedom = len(counted) / max(len(counted) - form.unknowns, 1)
    deviation = 1.4826 * float(np.median(np.abs(counted - np.median(counted))))
    if len(counted) < FEW_RUNS:
        # So few residuals say little of the noise by their median.
        deviation = max(deviation, float(np.sqrt(np.mean(counted**2))))
    return max(deviation * float(freedom**0.5), LEAST_NOISE)
