"""The solver: weighted Huber loss of the residuals of any model, minimised for many problems at once.

Arrays in, arrays out. It knows no law: a model says what it predicts, its slope and its curvature, and the solver does
damped Newton steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

_CELLS = 60_000
"""Problems times runs that are worked on at once: bounds the memory and keeps the work in the processor's cache."""


class Point(Protocol):
    """A model at one set of unknowns to a problem."""

    @property
    def predicted(self) -> Array:
        """Predictions, shape (problems, runs)."""

    @property
    def slope(self) -> Array:
        """Their first derivatives, shape (problems, unknowns, runs)."""

    def curvature(self, pull: Array) -> Array | None:
        """Their second derivatives summed over the runs with factors `pull`, shape (problems, runs).

        Shape (problems, unknowns, unknowns); None where they are not known, which makes the steps Gauss-Newton.
        """


class Model(Protocol):
    """What is fitted: some unknowns to a problem, one prediction to a run."""

    @property
    def box(self) -> tuple[Array, Array]:
        """Least and greatest value of each unknown, each of shape (unknowns,); infinite where there is no bound."""

    def at(self, theta: Array) -> Point:
        """The model at unknowns of shape (problems, unknowns)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """A penalty of half `precision`, shape (unknowns,), times the squared distance from `mean`.

    The mean is of shape (unknowns,), or (problems, unknowns) where problems have their own.
    """

    mean: Array
    precision: Array


def minimise(
    model: Model,
    target: Array,
    theta: Array,
    weights: Array,
    delta: float,
    prior: Prior | None = None,
    steps: int = 300,
    tolerance: float = 1e-13,
) -> tuple[Array, Array]:
    """Minimisers, shape (problems, unknowns), and their objectives, shape (problems,).

    The objective is the weighted sum of Huber losses of target - prediction, plus the penalty of the prior.

    Args:
        model: gives predictions and their derivatives.
        target: what is to be predicted, shape (runs,).
        theta: starts, shape (problems, unknowns).
        weights: of each run in each problem, shape (problems, runs).
        delta: where the Huber loss turns linear; infinite gives least squares.
        prior: pulls the unknowns, if given.
        steps: Newton steps at most.
        tolerance: a problem is solved once a step gains no more than this fraction of its objective.
    """
    problems = _Problems(
        model=model,
        target=target,
        weights=weights,
        delta=delta,
        mean=np.broadcast_to(prior.mean if prior else 0.0, theta.shape),
        precision=prior.precision if prior else np.zeros(theta.shape[1]),
    )
    size = max(1, _CELLS // len(target))
    chunks = [slice(start, start + size) for start in range(0, len(theta), size)]
    solved = [_newton(problems.part(chunk), theta[chunk], steps, tolerance) for chunk in chunks]
    return np.concatenate([point for point, _ in solved]), np.concatenate([value for _, value in solved])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problems:
    """What is minimised: weights of shape (problems, runs), prior means of shape (problems, unknowns)."""

    model: Model
    target: Array
    weights: Array
    delta: float
    mean: Array
    precision: Array

    def part(self, chosen: slice | NDArray[np.intp]) -> _Problems:
        return replace(self, weights=self.weights[chosen], mean=self.mean[chosen])

    def derivatives(self, theta: Array) -> tuple[Array, Array, Array, Array]:
        """Objective (p,), gradient (p, u), Hessian (p, u, u) and steepness (p, u) of each problem.

        Steepness, the weighted squares of the slopes, says in which unit an unknown is to be measured; unlike the
        diagonal of the Hessian it never passes through zero.
        """
        point = self.model.at(theta)
        residual = self.target - point.predicted
        bent = np.clip(residual, -self.delta, self.delta)
        pull = self.weights * bent
        away = theta - self.mean
        value = (pull * (residual - 0.5 * bent)).sum(axis=1) + 0.5 * (away**2) @ self.precision
        gradient = self.precision * away - (point.slope @ pull[:, :, None])[..., 0]
        curvature = point.curvature(pull)
        if curvature is None:
            # Without second derivatives a parabola above the Huber loss keeps the steps safe.
            stiff = self.weights / np.maximum(np.abs(residual) / self.delta, 1)
        else:
            stiff = self.weights * (bent == residual)
        hessian = (point.slope * stiff[:, None, :]) @ point.slope.transpose(0, 2, 1)
        if curvature is not None:
            hessian -= curvature
        hessian[:, range(theta.shape[1]), range(theta.shape[1])] += self.precision
        steepness = (point.slope**2 @ self.weights[:, :, None])[..., 0] + self.precision
        return value, gradient, hessian, steepness


def _newton(problems: _Problems, theta: Array, steps: int, tolerance: float) -> tuple[Array, Array]:
    """Semismooth Newton with the true Hessian, its eigenvalues made positive and damped (Levenberg-Marquardt)."""
    low, high = problems.model.box
    theta = np.clip(theta, low, high)
    value, gradient, hessian, steepness = problems.derivatives(theta)
    damping = np.full(len(theta), 1e-3)
    active = np.arange(len(theta))
    for _ in range(steps):
        here, slope = theta[active], gradient[active]
        free = ((here > low) | (slope < 0)) & ((here < high) | (slope > 0))
        step = _step(slope, hessian[active], steepness[active], damping[active], free)
        trial = np.clip(here - step, low, high)
        new_value, new_gradient, new_hessian, new_steepness = problems.part(active).derivatives(trial)
        better = new_value < value[active]
        moved = active[better]
        small = value[moved] - new_value[better] <= tolerance * value[moved]
        theta[moved], value[moved] = trial[better], new_value[better]
        gradient[moved], hessian[moved] = new_gradient[better], new_hessian[better]
        steepness[moved] = new_steepness[better]
        damping[moved] = np.maximum(damping[moved] / 8, 1e-14)
        damping[active[~better]] *= 6
        done = damping[active] > 1e8
        done[np.flatnonzero(better)[small]] = True
        active = active[~done]
        if not len(active):
            break
    return theta, value


def _step(gradient: Array, hessian: Array, steepness: Array, damping: Array, free: NDArray[np.bool_]) -> Array:
    """The damped Newton step of the `free` unknowns, scaled to unit steepness (Marquardt 1963); the others stay."""
    scale = free / np.sqrt(np.maximum(steepness, 1e-16 * steepness.max(axis=1, keepdims=True) + 1e-300))
    size, axes = np.linalg.eigh(hessian * scale[:, :, None] * scale[:, None, :])
    size = np.abs(size)
    largest = size.max(axis=1, keepdims=True)
    along = ((gradient * scale)[:, None, :] @ axes)[:, 0]
    along /= np.maximum(size, 1e-10 * largest) + damping[:, None] * largest + 1e-300
    step: Array = scale * (axes @ along[:, :, None])[..., 0]
    return step
