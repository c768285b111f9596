"""What the reader of a fit must know: whether the table is what it seems, and how far the law can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.fitting import huber
from planner.sheet import Finding
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from planner.laws import Calibration, Law
    from planner.runs import Runs

WELL_FITTED, FEW_RUNS = 0.03, 12
"""Relative error above which a law does not describe its runs, and how many runs a law wants: our assumptions."""
_GUESSING = float(np.log(256_000))


def findings_of(
    runs: Runs,
    residuals: NDArray[np.float64],
    calibration: Calibration,
    objectives: NDArray[np.float64],
    backtest: pd.DataFrame,
) -> Iterator[Finding]:
    """The findings of a fit with `residuals` of log loss; `objectives` are what each start reached."""
    yield from _about_the_table(runs)
    yield from _about_the_design(runs)
    yield from _about_the_law(runs, calibration.law, objectives)
    yield from _about_the_errors(residuals, calibration, backtest)


def _about_the_table(runs: Runs) -> Iterator[Finding]:
    params, tokens, flops, loss = (runs.column(name) for name in ("params", "tokens", "flops", "loss"))
    if runs.left_out:
        statuses = ", ".join(runs.left_out)
        yield Finding("note", f"{runs.failed} rows were left out.", f"Their status is {statuses}.")
    if np.median(tokens / params) < 1:
        because = "Most runs have fewer tokens than parameters."
        yield Finding("warning", "Are params and tokens swapped?", because, "Check the two columns.")
    if runs.loss_unit == "nats/token" and np.median(loss) > _GUESSING:
        because = f"Most are above {show(_GUESSING, 'nats/token')}, which is guessing."
        yield Finding("warning", "Are these losses in nats/token?", because, "Take logarithms of perplexities.")
    ratio = float(np.median(flops / (6 * params * tokens)))
    if not 0.2 < ratio < 5:
        because = f"It is {show(ratio)} times 6 x params x tokens."
        yield Finding("warning", "The flops column is far from 6ND.", because, "Check its unit, or leave it out.")
    if "unique_tokens" in runs.frame and (tokens > 1.01 * runs.column("unique_tokens")).any():
        because = "This form counts a repeated token like a new one."
        yield Finding("warning", "Some runs repeat their tokens.", because, "Fit runs of a single pass.")


def _about_the_design(runs: Runs) -> Iterator[Finding]:
    for name in ("params", "tokens"):
        distinct = len(np.unique(runs.column(name)))
        if distinct < 3:
            because = f"There are {distinct} different {name}; two coefficients depend on them."
            yield Finding("warning", f"The effect of {name} rests on {distinct} points.", because, "Add a third.")
    together = float(np.corrcoef(np.log(runs.column("params")), np.log(runs.column("tokens")))[0, 1])
    if abs(together) > 0.9:
        yield Finding(
            "warning",
            "Parameters and tokens vary together.",
            f"Their logarithms correlate at {show(together)}, so their effects are hard to tell apart.",
            "Add runs with few tokens on large models and many on small ones.",
        )
    if len(runs.frame) < FEW_RUNS:
        because = "Intervals from so few are rough."
        yield Finding("warning", f"Only {len(runs.frame)} runs.", because, f"Run {FEW_RUNS} or more.")


def _about_the_law(runs: Runs, law: Law, objectives: NDArray[np.float64]) -> Iterator[Finding]:
    for name in ("alpha", "beta"):
        value = getattr(law, name)
        if value <= huber.EXPONENTS[0] * 1.01 or value >= huber.EXPONENTS[1] * 0.99:
            because = "The runs do not determine it."
            yield Finding("problem", f"The exponent {name} is at its bound.", because, "Add runs.")
    if np.asarray(law.floor()) < 0.01 * runs.column("loss").min():
        because = "The runs do not show where the loss ends, so far extrapolations run too low."
        yield Finding("warning", "The irreducible loss came out as nothing.", because, "Add larger runs.")
    if (objectives > objectives.min() * 1.001).any():
        worst = show(objectives.max() / objectives.min())
        because = f"The best of {len(objectives)} counts; the worst is {worst} times it."
        yield Finding("note", "Some starts ended in a worse optimum.", because)


def _about_the_errors(
    residuals: NDArray[np.float64], calibration: Calibration, backtest: pd.DataFrame
) -> Iterator[Finding]:
    noise = calibration.noise
    error = float(np.sqrt(np.mean(np.expm1(residuals) ** 2)))
    if error > WELL_FITTED:
        because = f"Its error on its own runs is {show(error, 'fraction')}."
        yield Finding(
            "problem", "The law does not describe these runs.", because, "Look for mixed set-ups or bad rows."
        )
    missed = float(backtest["median_error"].max()) if len(backtest) else 0.0
    if missed > max(3 * noise, 0.01):
        side = "high" if backtest["bias"].median() > 0 else "low"
        yield Finding(
            "warning",
            f"Fitted to the smaller runs, the law misses the larger ones by {show(missed, 'fraction')}.",
            f"It predicts too {side}. The ranges grow by {show(calibration.drift, 'fraction')} a factor of ten.",
            "Extrapolate with care, and add larger runs.",
        )
    far = np.flatnonzero(np.abs(residuals) > 5 * noise)
    if len(far):
        worst = far[np.argsort(-np.abs(residuals[far]))][:5]
        named = ", ".join(f"run {index} (off by {show(100 * residuals[index])} %)" for index in worst)
        yield Finding(
            "note",
            f"{len(far)} of {len(residuals)} runs lie more than five deviations off the law.",
            f"The farthest: {named}. They weigh little in the fit.",
            "Look whether they were cut short or diverged.",
        )
