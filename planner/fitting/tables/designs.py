"""Designs: what a set of runs cannot tell, wherever its losses lie. Thresholds are our assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.sheet import Finding
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from planner.runs import Runs

FEW_RUNS = 12
"""How many runs a law wants."""
LEAST_SPAN = 10.0
"""The largest run's compute over the smallest's, below which exponents are guesses."""
COLLINEAR, NARROW, ONE_LINE = 0.9, 3.0, 1.5
"""The correlation that matters where sizes at equal compute span less than the next factor; the last is one line."""
_ALIKE = 1.05


def about_the_design(runs: Runs) -> Iterator[Finding]:
    """What these runs leave open: too few, too alike, or along one line."""
    params, tokens, flops = (runs.column(name) for name in ("params", "tokens", "flops"))
    counts = {"params": distinct(params), "tokens": distinct(tokens)}
    for name, count in counts.items():
        if count < 3:
            points, given = "1 point" if count == 1 else f"{count} points", len(np.unique(runs.column(name)))
            alike = f"{given} different {name} lie within {show(_ALIKE - 1, 'fraction')} of {points}"
            because = f"{alike if given > count else f'Different {name}: {count}'}. Two coefficients depend on them."
            yield Finding("warning", f"The effect of {name} rests on {points}.", because, "Run three or more.")
    if min(counts.values()) > 1:
        yield from _along_one_line(params, tokens)
    if len(runs.frame) < FEW_RUNS:
        because = "Intervals from so few are rough."
        yield Finding("warning", f"Only {len(runs.frame)} runs.", because, f"Run {FEW_RUNS} or more.")
    span = float(flops.max() / flops.min())
    if span < LEAST_SPAN:
        same = span < _ALIKE
        title = "All runs have the same compute." if same else "The runs span less than a factor of ten in compute."
        because = "" if same else f"The largest run takes {show(span)} times the compute of the smallest."
        todo = "Add cheaper runs, or dearer ones: two factors of ten or more."
        yield Finding("warning", title, because, todo)


def _along_one_line(params: NDArray[np.float64], tokens: NDArray[np.float64]) -> Iterator[Finding]:
    together = float(np.corrcoef(np.log(params), np.log(tokens))[0, 1])
    factor = sizes_at_equal_compute(params, tokens)
    if factor < ONE_LINE or (together > COLLINEAR and factor < NARROW):
        yield Finding(
            "warning",
            "Parameters and tokens vary together.",
            f"Their logarithms correlate at {show(together)}, and at equal compute the sizes differ by a factor of "
            f"{show(factor)} only, so their effects are hard to tell apart.",
            "Add runs with few tokens on large models and many on small ones.",
        )


def sizes_at_equal_compute(params: NDArray[np.float64], tokens: NDArray[np.float64]) -> float:
    """The factor that the middle 90 % of sizes span around their trend with 6 * params * tokens."""
    size, compute = np.log(params), np.log(params) + np.log(tokens)
    compute = compute - compute.mean()
    # Where all runs cost the same there is no trend.
    slope = compute @ size / max(float(compute @ compute), 1e-12)
    low, high = np.quantile(size - slope * compute, (0.05, 0.95))
    return float(np.exp(high - low))


def distinct(values: NDArray[np.float64]) -> int:
    """How many values differ by more than rounding to whole steps does."""
    count, last = 0, 0.0
    for value in np.unique(values):
        if value > last * _ALIKE:
            count, last = count + 1, value
    return count
