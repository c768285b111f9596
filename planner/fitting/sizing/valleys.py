"""Valleys: the best size at each level of equal compute (approach 2 of Hoffmann et al. 2022, section 3.2).

Along a level the loss of any additive law is E + P e^(-a log N) + Q e^(-b log D), linear in E, P and Q. Every level has
its own three, so that its vertex is free; all levels share (a, b), which say how much steeper one side of the valley is
than the other. A parabola has both sides alike, which moves the vertices of wide levels (Czech et al. 2026, arXiv
2603.22339). The valleys of a coupled law have this shape up to the third order in log N. Tokens enter as they are, so
that the runs of a level need not have exactly equal compute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from planner.laws import FLOPS_PER_PARAM_TOKEN, Array

if TYPE_CHECKING:
    from planner.runs import Runs

LEAST_SIZES = 4
"""Different sizes that a level needs: one more than a valley has coefficients of its own."""
GAP, SPAN, WIDTH = 1.2, 1.6, 1.8
"""Factors in compute between neighbouring runs of one level at most, and between its least and its greatest; and in
params between its smallest and its largest size at least, so that tokens fall as params rise."""
NEAR, OFF = 0.10, 5.0
"""A vertex rests on runs whose fitted loss is at most this share above the least, and which lie within this many robust
deviations of the curve. Ours: from 6 to 10 % the exponents of seven public tables move by less than 0.01."""
_EXPONENTS = np.geomspace(0.1, 2.0, 14)
_PASSES = 3

Positions: TypeAlias = NDArray[np.intp]
_Shape: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """The best size at one level of compute; `flops` is 6 * params * tokens.

    `runs` of the level's `members` (positions in the table, by rising params) decide it. Where the loss is least at the
    smallest or the largest size, `edge` is true and the vertex is only the best run.
    """

    flops: float
    params: float
    tokens: float
    loss: float
    runs: int
    edge: bool
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bottoms:
    """The vertices of a table, and draws of the log params of those inside, shape (draws, vertices inside).

    All vertices of one draw have the same shape, and with it the error of that shape.
    """

    vertices: tuple[Vertex, ...]
    draws: Array

    @property
    def inside(self) -> list[Vertex]:
        """The vertices that their levels bracket, by rising compute."""
        return [vertex for vertex in self.vertices if not vertex.edge]


def vertices(runs: Runs) -> tuple[Vertex, ...]:
    """The best size at each level of compute, by rising compute; none where no runs share their compute."""
    return bottoms(runs, draws=1).vertices


def bottoms(runs: Runs, *, draws: int) -> Bottoms:
    """The vertices of `runs`, each the mean over the likely shapes, and `draws` of them."""
    levels = [_Level.of(runs, members) for members in _members(runs)]
    for _ in range(_PASSES - 1):
        levels = _recounted(levels)
    squares = _squares(levels)
    shape = _best(squares)
    inside = [level for level in levels if level.brackets(level.valley.vertex[shape])]
    if not inside:
        return Bottoms(vertices=tuple(_best_run(level) for level in levels), draws=np.empty((draws, 0)))
    at = np.stack([level.valley.vertex.ravel() for level in inside], axis=-1)
    freedom = sum(int(level.counted.sum()) - 3 for level in levels if level.bracketed) - 2
    odds = np.where(np.isfinite(at).all(axis=1), _likelihood(squares.ravel(), freedom), 0.0)
    odds /= odds.sum()
    means = iter(odds @ np.where(odds[:, None] > 0, at, 0.0))
    found = tuple(_vertex(level, shape, next(means)) if level in inside else _best_run(level) for level in levels)
    chosen = np.random.default_rng(0).choice(len(at), size=draws, p=odds)
    return Bottoms(vertices=found, draws=at[chosen] + [level.centre[0] for level in inside])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Valley:
    """Least-squares E, P, Q, their sum of squares and the vertex in x, each for all pairs (a, b) of `_EXPONENTS`."""

    E: Array
    P: Array
    Q: Array
    squares: Array
    vertex: Array

    @classmethod
    def of(cls, x: Array, y: Array, loss: Array) -> _Valley:
        p, q = np.exp(-_EXPONENTS[:, None] * x), np.exp(-_EXPONENTS[:, None] * y)
        p_mean, q_mean = p.mean(axis=1)[:, None], q.mean(axis=1)
        p, q, z = p - p_mean, q - q_mean[:, None], loss - loss.mean()
        pp, qq, pq, pz, qz = (p * p).sum(axis=1)[:, None], (q * q).sum(axis=1), p @ q.T, (p @ z)[:, None], q @ z
        a, b = _EXPONENTS[:, None], _EXPONENTS
        with np.errstate(invalid="ignore", divide="ignore"):
            determinant = pp * qq - pq**2
            P, Q = (pz * qq - qz * pq) / determinant, (qz * pp - pz * pq) / determinant
            # Where x + y = 0 the slope -a P e^(-a x) + b Q e^(b x) vanishes.
            vertex = np.log(a * P / (b * Q)) / (a + b)
        squares = np.nan_to_num(z @ z - P * pz - Q * qz, nan=np.inf)
        return cls(E=loss.mean() - P * p_mean - Q * q_mean, P=P, Q=Q, squares=squares, vertex=vertex)

    def loss(self, shape: _Shape, x: Array, y: Array) -> Array:
        """The curve of this shape, over the level's least measured loss."""
        a, b = _EXPONENTS[shape[0]], _EXPONENTS[shape[1]]
        return np.asarray(self.E[shape] + self.P[shape] * np.exp(-a * x) + self.Q[shape] * np.exp(-b * y))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Level:
    """Runs of equal compute by rising params, which of them count, and the valley of those.

    `x` and `y` are logarithms of params and tokens less their means `centre`; `loss` is over the level's `least`.
    """

    members: Positions
    centre: tuple[float, float]
    least: float
    x: Array
    y: Array
    loss: Array
    counted: NDArray[np.bool_]
    valley: _Valley

    @classmethod
    def of(cls, runs: Runs, members: Positions) -> _Level:
        members = members[np.argsort(runs.column("params")[members], kind="stable")]
        x, y = (np.log(runs.column(name)[members]) for name in ("params", "tokens"))
        centre, least = (float(x.mean()), float(y.mean())), float(runs.column("loss")[members].min())
        x, y, loss = x - centre[0], y - centre[1], runs.column("loss")[members] / least
        counted = _enough(loss <= 1 + NEAR, x)
        valley = _Valley.of(x[counted], y[counted], loss[counted])
        return cls(members=members, centre=centre, least=least, x=x, y=y, loss=loss, counted=counted, valley=valley)

    def recounted(self, wanted: NDArray[np.bool_]) -> _Level:
        """The level with the `wanted` runs counted."""
        counted = _enough(wanted, self.x)
        valley = _Valley.of(self.x[counted], self.y[counted], self.loss[counted])
        return replace(self, counted=counted, valley=valley)

    @property
    def bracketed(self) -> bool:
        """Whether the best run has smaller and larger ones beside it."""
        return self.brackets(float(self.x[self.loss.argmin()]))

    def brackets(self, at: float) -> bool:
        """Whether `at` and the best run lie between the smallest and the largest size."""
        best = self.x[self.loss.argmin()]
        return bool(self.x[0] < min(at, best) and max(at, best) < self.x[-1])


def _enough(wanted: NDArray[np.bool_], x: Array) -> NDArray[np.bool_]:
    """The runs `wanted`, or all where those have too few sizes."""
    return wanted if len(np.unique(x[wanted])) >= LEAST_SIZES else np.ones_like(wanted)


def _squares(levels: list[_Level]) -> Array:
    """Sum of squares of all bracketed levels for each shape."""
    none = np.zeros((len(_EXPONENTS), len(_EXPONENTS)))
    return np.asarray(sum((level.valley.squares for level in levels if level.bracketed), none))


def _best(squares: Array) -> _Shape:
    return divmod(int(squares.argmin()), len(_EXPONENTS))


def _likelihood(squares: Array, freedom: int) -> Array:
    """Of each shape under normal noise, relative to the best."""
    least = max(float(squares.min()), 1e-16)
    return np.asarray(np.exp(-(squares - squares.min()) * max(freedom, 1) / (2 * least)))


def _recounted(levels: list[_Level]) -> list[_Level]:
    """The levels with the runs counted that are near the vertex and not far off the curve."""
    shape = _best(_squares(levels))
    curves = [level.valley.loss(shape, level.x, level.y) for level in levels]
    errors = [np.abs(level.loss - curve) for level, curve in zip(levels, curves, strict=True)]
    counted = [error[level.counted] for level, error in zip(levels, errors, strict=True) if level.bracketed]
    widest = OFF * 1.4826 * float(np.median(np.concatenate(counted))) + 1e-9 if counted else 0.0
    return [
        level.recounted((curve <= (1 + NEAR) * _depth(level, shape)) & (error <= widest))
        if level.brackets(level.valley.vertex[shape])
        else level
        for level, curve, error in zip(levels, curves, errors, strict=True)
    ]


def _depth(level: _Level, shape: _Shape) -> float:
    at = level.valley.vertex[shape]
    return float(level.valley.loss(shape, at, -at))


def _vertex(level: _Level, shape: _Shape, at: float) -> Vertex:
    params, tokens = np.exp(level.centre[0] + at), np.exp(level.centre[1] - at)
    return _at(level, float(params), float(tokens), level.least * _depth(level, shape), edge=False)


def _best_run(level: _Level) -> Vertex:
    best = level.loss.argmin()
    params, tokens = np.exp(level.centre[0] + level.x[best]), np.exp(level.centre[1] + level.y[best])
    return _at(level, float(params), float(tokens), level.least, edge=True)


def _at(level: _Level, params: float, tokens: float, loss: float, *, edge: bool) -> Vertex:
    return Vertex(
        flops=FLOPS_PER_PARAM_TOKEN * params * tokens,
        params=params,
        tokens=tokens,
        loss=loss,
        runs=int(level.counted.sum()),
        edge=edge,
        members=tuple(int(member) for member in level.members),
    )


def _members(runs: Runs) -> list[Positions]:
    """Positions of the runs of each level with enough sizes, by rising compute; of a curve only its last row counts."""
    flops, log_params = runs.column("flops"), np.log(runs.column("params"))
    order = np.argsort(flops, kind="stable")
    if "run" in runs.frame:
        named = runs.frame["run"].iloc[order]
        order = order[~(named.duplicated(keep="last") & named.notna()).to_numpy()]
    gaps = np.flatnonzero(np.diff(np.log(flops[order])) > np.log(GAP))
    pending, found = np.split(order, gaps + 1)[::-1], []
    while pending:
        part = pending.pop()
        if flops[part[-1]] > SPAN * flops[part[0]]:
            cut = int(np.diff(np.log(flops[part])).argmax()) + 1
            pending += [part[cut:], part[:cut]]
        elif len(np.unique(log_params[part])) >= LEAST_SIZES and np.ptp(log_params[part]) >= np.log(WIDTH):
            found.append(part)
    return found
