"""The estimator: Huber loss on log loss, minimised for many weightings at once. Arrays in, arrays out.

Model: log L = LSE(a - alpha x, b - beta y, e), with x and y the logarithms of params and tokens centred on their means,
which makes the five unknowns (a, b, e, alpha, beta) well scaled; A = exp(a + alpha mean log N), B alike, E = exp(e).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

DELTA = 1e-3
"""Hoffmann et al. 2022, approach 3: residuals of log loss beyond this count linearly."""
EXPONENTS = (0.01, 3.0)
"""Box for both exponents; an optimum on its edge is no law."""
_CELLS = 60_000
"""Problems times runs that are worked on at once: bounds the memory."""


@dataclass(frozen=True, slots=True)
class Data:
    """Centred logarithms of params and tokens, logarithm of loss, each of shape (runs,), and the two means."""

    x: Array
    y: Array
    z: Array
    x_mean: float
    y_mean: float

    @classmethod
    def of(cls, params: Array, tokens: Array, loss: Array) -> Data:
        """From positive arrays of shape (runs,)."""
        x, y = np.log(params), np.log(tokens)
        return cls(x - x.mean(), y - y.mean(), np.log(loss), float(x.mean()), float(y.mean()))

    def coefficients(self, theta: Array) -> dict[str, Array]:
        """E, A, B, alpha and beta from unknowns of shape (..., 5)."""
        a, b, e, alpha, beta = np.moveaxis(theta, -1, 0)
        return {
            "E": np.exp(e),
            "A": np.exp(a + alpha * self.x_mean),
            "B": np.exp(b + beta * self.y_mean),
            "alpha": alpha,
            "beta": beta,
        }


def starts(data: Data, count: int = 6) -> Array:
    """The `count` most promising unknowns, shape (count, 5): variable projection on a grid of exponents.

    For fixed exponents the model is linear in A, B and E, and non-negative least squares of the relative residuals over
    three unknowns is solved exactly by trying every set of active ones.
    """
    grid = np.geomspace(0.05, 1.6, 11)
    alpha, beta = (axis.ravel() for axis in np.meshgrid(grid, grid, indexing="ij"))
    weight = np.exp(-data.z)
    design = np.stack(
        [np.exp(-alpha[:, None] * data.x), np.exp(-beta[:, None] * data.y), np.ones((len(alpha), len(data.x)))], axis=1
    )
    design = design * weight
    gram, right = design @ design.transpose(0, 2, 1), design.sum(axis=2)
    best, solution = np.full(len(alpha), np.inf), np.zeros((len(alpha), 3))
    for size in (1, 2, 3):
        for active in map(list, combinations(range(3), size)):
            part = np.zeros_like(solution)
            block = gram[:, active][:, :, active] + 1e-12 * np.eye(size)
            part[:, active] = np.linalg.solve(block, right[:, active, None])[..., 0]
            error = np.einsum("pi,pij,pj->p", part, gram, part) - 2 * np.einsum("pi,pi->p", part, right)
            better = (part >= 0).all(axis=1) & (error < best)
            best[better], solution[better] = error[better], part[better]
    order = np.argsort(best)[:count]
    terms = np.maximum(solution[order], 1e-3 * np.exp(data.z.min()))
    return np.column_stack([np.log(terms), alpha[order], beta[order]])


def minimise(data: Data, theta: Array, weights: Array, delta: float = DELTA, steps: int = 300) -> tuple[Array, Array]:
    """Minimisers, shape (problems, 5), and their objectives, shape (problems,): the weighted sum of Huber losses.

    Args:
        data: the runs.
        theta: starts, shape (problems, 5).
        weights: of each run in each problem, shape (problems, runs).
        delta: where the Huber loss turns linear.
        steps: Newton steps at most.
    """
    size = max(1, _CELLS // len(data.x))
    chunks = [slice(start, start + size) for start in range(0, len(theta), size)]
    solved = [_newton(data, theta[chunk], weights[chunk], delta, steps) for chunk in chunks]
    return np.concatenate([point for point, _ in solved]), np.concatenate([value for _, value in solved])


def _newton(data: Data, theta: Array, weights: Array, delta: float, steps: int) -> tuple[Array, Array]:
    """Semismooth Newton with the true Hessian, its eigenvalues made positive and damped (Levenberg-Marquardt)."""
    theta = theta.copy()
    value, gradient, hessian = _derivatives(data, theta, weights, delta)
    damping = np.full(len(theta), 1e-3)
    active = np.arange(len(theta))
    for _ in range(steps):
        size, axes = np.linalg.eigh(hessian[active])
        largest = np.abs(size).max(axis=1, keepdims=True)
        curvature = np.maximum(np.abs(size), 1e-10 * largest) + damping[active, None] * largest
        along = np.einsum("pij,pi->pj", axes, gradient[active]) / curvature
        trial = theta[active] - np.einsum("pij,pj->pi", axes, along)
        trial[:, 3:] = np.clip(trial[:, 3:], *EXPONENTS)
        new_value, new_gradient, new_hessian = _derivatives(data, trial, weights[active], delta)
        better = new_value < value[active]
        moved = active[better]
        gain = (value[moved] - new_value[better]) / value[moved]
        theta[moved], value[moved] = trial[better], new_value[better]
        gradient[moved], hessian[moved] = new_gradient[better], new_hessian[better]
        damping[moved] = np.maximum(damping[moved] / 8, 1e-14)
        damping[active[~better]] *= 6
        done = np.zeros(len(theta), dtype=bool)
        done[moved[gain < 1e-13]] = True
        done[damping > 1e8] = True
        active = active[~done[active]]
        if not len(active):
            break
    return theta, value


def _derivatives(data: Data, theta: Array, weights: Array, delta: float) -> tuple[Array, Array, Array]:
    """Objective (p,), gradient (p, 5) and Hessian (p, 5, 5) of each problem."""
    a, b, e, alpha, beta = (column[:, None] for column in theta.T)
    terms = np.stack([a - alpha * data.x, b - beta * data.y, np.broadcast_to(e, weights.shape)])
    top = terms.max(axis=0)
    share = np.exp(terms - top)
    total = share.sum(axis=0)
    share /= total
    residual = data.z - top - np.log(total)
    size = np.abs(residual)
    inside = size <= delta
    value = (weights * np.where(inside, 0.5 * residual**2, delta * (size - 0.5 * delta))).sum(axis=1)
    pull = weights * np.clip(residual, -delta, delta)
    first, second, third = share
    slope = np.stack([first, second, third, -first * data.x, -second * data.y], axis=1)
    gradient = -np.einsum("pin,pn->pi", slope, pull)
    bend = weights * inside + pull
    hessian = (slope * bend[:, None, :]) @ slope.transpose(0, 2, 1)
    by_params, by_tokens = pull * first, pull * second
    for (row, column), amount in (
        ((0, 0), by_params.sum(axis=1)),
        ((0, 3), -by_params @ data.x),
        ((3, 3), by_params @ data.x**2),
        ((1, 1), by_tokens.sum(axis=1)),
        ((1, 4), -by_tokens @ data.y),
        ((4, 4), by_tokens @ data.y**2),
        ((2, 2), (pull * third).sum(axis=1)),
    ):
        hessian[:, row, column] -= amount
        if row != column:
            hessian[:, column, row] -= amount
    return value, gradient, hessian
