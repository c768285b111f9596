"""Terms of the Farseer form: floor, scale and exponent of tokens, each its own smooth function of parameters.

L = exp(f(x)) + exp(g(x) - exp(h(x)) log D), where f, g and h are of the shape p + s (e^(q x) - 1) / q over centred log
params x: value and slope at the centre and a bend q, a straight line at q = 0. The nine unknowns are those of f, of g
less the tokens at their centre, and of h, the log of the exponent of tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.fitting.solver import Array, Point
from planner.fitting.terms import Data
from planner.laws import Farseer

_SMALL = 1e-5
_BEND = 1.5


@dataclass(frozen=True, slots=True)
class Nine:
    """The nine unknowns as a model; slopes are exact, curvature is left out (Gauss-Newton)."""

    data: Data

    @property
    def box(self) -> tuple[Array, Array]:
        """Bends within +-1.5, slopes of exponents such that nothing overflows."""
        high = np.array([np.inf, 5, _BEND, np.inf, 5, _BEND, np.log(3), 1, _BEND])
        return -high - np.array([0, 0, 0, 0, 0, 0, np.log(100), 0, 0]), high

    def at(self, theta: Array) -> Point:
        """Predictions are the log of a sum of two exponentials; their slopes follow by the chain rule."""
        x, tokens = self.data.x, self.data.y + self.data.y_mean
        (floor, by_floor), (scale, by_scale), (log_exponent, by_exponent) = (
            _bent(theta[:, start : start + 3], x) for start in (0, 3, 6)
        )
        exponent, centre = np.exp(log_exponent), np.exp(theta[:, 6, None])
        excess = scale - exponent * tokens + centre * self.data.y_mean
        predicted = np.logaddexp(floor, excess)
        share = np.exp(excess - predicted)
        slope = np.concatenate(
            [
                by_floor * (1 - share)[:, None],
                by_scale * share[:, None],
                by_exponent * (-share * exponent * tokens)[:, None],
            ],
            axis=1,
        )
        slope[:, 6] += share * centre * self.data.y_mean
        return _NinePoint(predicted, slope)


@dataclass(frozen=True, slots=True)
class _NinePoint:
    predicted: Array
    slope: Array

    def curvature(self, pull: Array) -> None:
        return None


def _bent(theta: Array, x: Array) -> tuple[Array, Array]:
    """p + s (e^(q x) - 1) / q, shape (problems, runs), and its slopes by p, s and q."""
    value, slope, bend = (theta[:, i, None] for i in range(3))
    t = bend * x
    near = np.abs(t) < _SMALL
    safe = np.where(near, 1.0, t)
    ratio = np.where(near, 1 + t / 2, np.expm1(safe) / safe)
    bending = np.where(near, 0.5 + t / 3, (np.exp(safe) * (safe - 1) + 1) / safe**2)
    by = np.stack([np.ones_like(t), x * ratio, slope * x**2 * bending], axis=1)
    return value + slope * x * ratio, by


def nine_starts(data: Data, additive: Array) -> Array:
    """Unknowns that match additive ones, shape (starts, 5), in value, slope and bend at the centre of the runs."""
    a, _, e, alpha, beta = additive.T
    alpha, floor, term = np.exp(alpha), np.exp(e), np.exp(a)
    share = term / (floor + term)
    nothing, bend = np.zeros_like(a), np.full_like(a, 0.1)
    first = [np.log(floor + term), -alpha * share, -alpha * (1 - share)]
    return np.stack([*first, additive[:, 1], nothing, -bend, beta, nothing, bend], axis=1)


def nine_law(data: Data, theta: Array) -> Farseer:
    """The coefficients of unknowns of shape (..., 9)."""
    p, slope, bend, scale, rise, turn, exponent, drift, twist = np.moveaxis(theta, -1, 0)
    q, b, a = (np.where(np.abs(value) < _SMALL, _SMALL, value) for value in (bend, turn, twist))
    return Farseer(
        s=(slope / q * np.exp(-q * data.x_mean))[()],
        q=q[()],
        S=(p - slope / q)[()],
        B=(rise / b * np.exp(-b * data.x_mean))[()],
        b=b[()],
        Q=(scale - rise / b + np.exp(exponent) * data.y_mean)[()],
        A=(drift / a * np.exp(-a * data.x_mean))[()],
        a=a[()],
        E=(exponent - drift / a)[()],
    )
