"""Terms: log loss as a function of the unknowns of a form, with its derivatives, for many problems at once.

Logarithms of params and tokens are centred on their means, which makes the unknowns well scaled. With the two terms
u = exp(a - alpha x) and v = exp(b - beta y) of a run, the coupled form is L = E + (u^(1/k) + v^(1/k))^k, Chinchilla's
sum at k = 1; alpha and beta here are the exponents that a term has on its own, k times those of the published form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.fitting.solver import Array, Model, Point

EXPONENTS = (0.01, 3.0)
"""Box for both exponents; an optimum on its edge is no law."""
LEAST_TERM = 1e-3
"""Either term at the middle of the runs, in the unit of the loss: less would leave the best size to rounding."""
COUPLINGS = (0.02, 1.0)
"""Box for k. Above 1 the two terms would have to hinder each other; 25 of 28 public tables lie below."""


@dataclass(frozen=True, slots=True)
class Data:
    """Centred logarithms of params and tokens, logarithm of loss, each of shape (runs,), and the two means."""

    x: Array
    y: Array
    z: Array
    x_mean: float
    y_mean: float

    @classmethod
    def of(cls, params: Array, tokens: Array, loss: Array, like: Data | None = None) -> Data:
        """From positive arrays of shape (runs,); centred as `like`, or on their own means."""
        x, y = np.log(params), np.log(tokens)
        x_mean, y_mean = (like.x_mean, like.y_mean) if like else (float(x.mean()), float(y.mean()))
        return cls(x - x_mean, y - y_mean, np.log(loss), x_mean, y_mean)

    def part(self, chosen: slice) -> Data:
        """Some of the runs, with the same centre."""
        return Data(self.x[chosen], self.y[chosen], self.z[chosen], self.x_mean, self.y_mean)


@dataclass(frozen=True, slots=True)
class Sum:
    """L = E + u + v with the unknowns (a, b, log E, log alpha, log beta)."""

    data: Data

    @property
    def box(self) -> tuple[Array, Array]:
        """Bounds of the exponents only."""
        return term_box(EXPONENTS, EXPONENTS)

    def at(self, theta: Array) -> Point:
        """Predictions are the log of a sum of exponentials, so the slopes are the shares of its terms."""
        x, y = self.data.x, self.data.y
        by_params, by_tokens = -np.exp(theta[:, 3, None]) * x, -np.exp(theta[:, 4, None]) * y
        slope = np.empty((len(theta), 5, len(x)))
        shares = slope[:, :3]
        np.add(theta[:, 0, None], by_params, out=shares[:, 0])
        np.add(theta[:, 1, None], by_tokens, out=shares[:, 1])
        shares[:, 2] = theta[:, 2, None]
        top = shares.max(axis=1)
        np.exp(shares - top[:, None], out=shares)
        total = shares.sum(axis=1)
        shares /= total[:, None]
        np.multiply(shares[:, 0], by_params, out=slope[:, 3])
        np.multiply(shares[:, 1], by_tokens, out=slope[:, 4])
        return _SumPoint(top + np.log(total), slope, self.data, np.exp(theta[:, 3]), np.exp(theta[:, 4]))


@dataclass(frozen=True, slots=True)
class _SumPoint:
    predicted: Array
    slope: Array
    data: Data
    alpha: Array
    beta: Array

    def curvature(self, pull: Array) -> Array:
        x, y, alpha, beta = self.data.x, self.data.y, self.alpha, self.beta
        found = -(self.slope * pull[:, None, :]) @ self.slope.transpose(0, 2, 1)
        first, second = pull * self.slope[:, 0], pull * self.slope[:, 1]
        moment_x, moment_y = first @ x, second @ y
        for row, column, amount in (
            (0, 0, first.sum(axis=1)),
            (0, 3, -alpha * moment_x),
            (3, 3, alpha**2 * (first @ x**2) - alpha * moment_x),
            (1, 1, second.sum(axis=1)),
            (1, 4, -beta * moment_y),
            (4, 4, beta**2 * (second @ y**2) - beta * moment_y),
            (2, 2, (pull * self.slope[:, 2]).sum(axis=1)),
        ):
            found[:, row, column] += amount
            if row != column:
                found[:, column, row] += amount
        return found


@dataclass(frozen=True, slots=True)
class Coupling:
    """L = E + (u^(1/k) + v^(1/k))^k with the unknowns (a, b, log E, log alpha, log beta, log k)."""

    data: Data

    @property
    def box(self) -> tuple[Array, Array]:
        """Bounds of the exponents and of k."""
        return term_box(EXPONENTS, EXPONENTS, COUPLINGS)

    def at(self, theta: Array) -> Point:
        """The slope of the inner term by log k is k times the entropy of the shares of u and v in it."""
        a, b, e = (theta[:, i, None] for i in range(3))
        alpha, beta, k = (np.exp(theta[:, i, None]) for i in (3, 4, 5))
        by_params, by_tokens = -alpha * self.data.x, -beta * self.data.y
        first, second = a + by_params, b + by_tokens
        gap = (first - second) / k
        ratio = np.exp(-np.abs(gap))
        share = np.where(gap > 0, 1.0, ratio) / (1 + ratio)
        tail = np.log1p(ratio)
        joint = np.maximum(first, second) + k * tail
        predicted = np.logaddexp(joint, e)
        reducible = np.exp(joint - predicted)
        inner = np.empty((len(theta), 6, len(self.data.x)))
        inner[:, 0], inner[:, 1], inner[:, 2] = share, 1 - share, 0
        inner[:, 3], inner[:, 4] = share * by_params, (1 - share) * by_tokens
        inner[:, 5] = k * (tail + np.where(gap > 0, 1 - share, -share) * gap)
        slope = inner * reducible[:, None]
        slope[:, 2] = 1 - reducible
        bend = np.empty_like(inner)
        bend[:, 0], bend[:, 1], bend[:, 2] = 1, -1, 0
        bend[:, 3], bend[:, 4], bend[:, 5] = by_params, -by_tokens, -k * gap
        return _CouplingPoint(predicted, slope, inner, bend, reducible, share * (1 - share) / k)


@dataclass(frozen=True, slots=True)
class _CouplingPoint:
    predicted: Array
    slope: Array
    inner: Array
    bend: Array
    reducible: Array
    sharing: Array

    def curvature(self, pull: Array) -> Array:
        inward = pull * self.reducible
        found = (self.inner * inward[:, None]) @ self.inner.transpose(0, 2, 1)
        found -= (self.slope * pull[:, None]) @ self.slope.transpose(0, 2, 1)
        found += (self.bend * (inward * self.sharing)[:, None]) @ self.bend.transpose(0, 2, 1)
        found[:, 2, 2] += (pull * self.slope[:, 2]).sum(axis=1)
        for row in (3, 4, 5):
            found[:, row, row] += (inward * self.inner[:, row]).sum(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Constrained:
    """A model whose unknowns are `matrix` @ (fewer unknowns) + `offset`; matrix of shape (inner, outer)."""

    model: Model
    matrix: Array
    offset: Array
    box: tuple[Array, Array]

    def at(self, theta: Array) -> Point:
        """The inner model, seen from the outer unknowns."""
        return _ConstrainedPoint(self.model.at(self.inner(theta)), self.matrix)

    def inner(self, theta: Array) -> Array:
        """Unknowns of the inner model, shape (..., inner)."""
        return theta @ self.matrix.T + self.offset


@dataclass(frozen=True, slots=True)
class _ConstrainedPoint:
    point: Point
    matrix: Array

    @property
    def predicted(self) -> Array:
        return self.point.predicted

    @property
    def slope(self) -> Array:
        return self.matrix.T @ self.point.slope

    def curvature(self, pull: Array) -> Array | None:
        inner = self.point.curvature(pull)
        return None if inner is None else self.matrix.T @ inner @ self.matrix


def term_box(*bounds: tuple[float, float]) -> tuple[Array, Array]:
    """a and b from `LEAST_TERM`, log E free, then the logarithms of `bounds`."""
    low, high = np.log(np.reshape(bounds, (-1, 2))).T
    least = np.array([np.log(LEAST_TERM), np.log(LEAST_TERM), -np.inf])
    return np.concatenate([least, low]), np.concatenate([np.full(3, np.inf), high])
