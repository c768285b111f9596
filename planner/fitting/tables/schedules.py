"""Schedules: traces that a learning-rate schedule leaves in the residuals of a law.

A warm-up that is long beside the run, or a decay made for a longer run than was trained, raises the loss of some runs.
The law bends to follow, so no trend is left; what is left is sharper than any law's power of params or tokens.
Hence an added-variable test: beside a smooth surface with the freedom of a law, does the artefact's shape explain more?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.sheet import Finding
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from planner.runs import Runs

LEAST_EFFECT = 0.002
"""Share of the loss below which a trace is not worth a word: our assumption."""
_DEVIATION = 2.81
"""A chance of 0.0025, one-sided, for each of three shapes."""
_CLIP = 3.0
"""Robust deviations at which a residual stops to count for more."""
_FREEDOM = 4


def about_the_schedule(runs: Runs, residuals: NDArray[np.float64]) -> Iterator[Finding]:
    """The clearest trace, if any, in `residuals` of log loss (measured less expected), shape (runs,).

    Runs of weight 0 do not count. Fewer than 11 runs show nothing.
    """
    counted = np.flatnonzero(runs.weights > 0)
    params, tokens = runs.column("params")[counted], runs.column("tokens")[counted]
    surface, left = _surface(params, tokens), _clipped(residuals[counted])
    shapes = {
        # Tokens lost to a warm-up count by their share of the run, times the law's own term of tokens.
        "warm-up": (tokens.min() / tokens) ** 1.5,
        "tokens": _undecayed(tokens),
        "ratio": _undecayed(tokens / params),
    }
    found = {name: _deviation_and_effect(left, surface, shape) for name, shape in shapes.items()}
    clear = {name: one for name, one in found.items() if one[0] > _DEVIATION and one[1] > LEAST_EFFECT}
    if clear:
        name = max(clear, key=lambda name: clear[name][0])
        worst = counted[np.argsort(-shapes[name], kind="stable")]
        yield _finding(name, clear[name][1], runs.named(worst[:3]))


def _finding(name: str, effect: float, rows: str) -> Finding:
    most = f"By up to {show(effect, 'fraction')} of the loss, more sharply than a law bends; see {rows}."
    if name == "warm-up":
        todo = "Was the warm-up long beside the run? Shorten it, or leave these runs out."
        return Finding("warning", "The runs of fewest tokens lie above the law.", most, todo)
    if name == "tokens":
        todo = "Was one decay, made for the longest run, used for all? Let each run decay to its own end."
        return Finding("warning", "Shorter runs lie above the law, as if they had not decayed.", most, todo)
    todo = "Did each run decay to its own end? If so, a law of another form may follow these runs."
    return Finding("note", "Runs of fewer tokens per parameter lie above the law.", most, todo)


def _undecayed(length: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the learning rate that one cosine, made for the greatest length, leaves at each run's end."""
    left: NDArray[np.float64] = 0.5 * (1 + np.cos(np.pi * length / length.max()))
    return left


def _surface(params: NDArray[np.float64], tokens: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis, shape (runs, 6), of quadratics in both logarithms: what a law can bend to."""
    x, y = np.log(params), np.log(tokens)
    x, y = x - x.mean(), y - y.mean()
    bends = np.stack([np.ones_like(x), x, x * x, y, y * y, x * y], axis=1)
    return np.asarray(np.linalg.qr(bends)[0], dtype=float)


def _clipped(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = residuals - np.median(residuals)
    limit = _CLIP * 1.4826 * np.median(np.abs(centred))
    return np.clip(centred, -limit, limit)


def _deviation_and_effect(
    residuals: NDArray[np.float64], surface: NDArray[np.float64], shape: NDArray[np.float64]
) -> tuple[float, float]:
    """By how many normal deviations `shape` shows beside `surface`, and how far above it the loss rises at most."""
    freedom = len(residuals) - surface.shape[1] - 1
    own, left = (values - surface @ (surface.T @ values) for values in (shape, residuals))
    size = float(own @ own)
    if freedom < _FREEDOM or size <= max(1e-3 * float(np.var(shape)) * len(shape), 1e-12) or not left.any():
        return 0.0, 0.0
    height = float(own @ left) / size
    rest = left - height * own
    student = height / np.sqrt(max(float(rest @ rest), 1e-300) / freedom / size)
    # Student's t as a normal deviation: Abramowitz and Stegun 1964, 26.7.8.
    deviation = student * (1 - 1 / (4 * freedom)) / np.sqrt(1 + student**2 / (2 * freedom))
    return float(deviation), height * float(own.max())
