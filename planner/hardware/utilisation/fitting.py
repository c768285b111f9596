"""Fitting: the coefficients of utilisation from published runs and stated MFUs, as a Bayesian linear regression.

The logarithm of a steady MFU is the terms times their coefficients, plus a deviation of the model's own. That of a
whole run is the same plus the coefficient of goodput, plus a deviation of the run's own. Both figures of one model
share the first deviation. Coefficients have normal priors; families deviate around the line through their peaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.hardware.utilisation.published import PublishedRun, SteadyFigure
from planner.hardware.utilisation.terms import (
    FAMILIES,
    GOODPUT,
    LOW_PRECISION,
    TERMS,
    Blank,
    Customs,
    design,
    size_of,
    year_of,
)

Array = NDArray[np.float64]

STEADY_DEVIATION, GOODPUT_DEVIATION = 0.24, 0.13
"""Of the logarithms. Ours: with them the 80 % interval of a run left out holds about 80 % of the runs."""
SAME_MODEL = 0.98
"""Correlation of the deviations of two steady figures of one model: ours."""

PRIORS = {
    "level": (-1.2, 1.0), "mixture": (-0.3, 0.3), "low_precision": (0.25, 0.15), "size": (0.0, 0.1),
    "gpus": (-0.053, 0.02), "few_gpus": (0.05, 0.15), "peak": (-0.2, 0.15), "maturity": (0.1, 0.1),
    **dict.fromkeys(FAMILIES, (0.0, 0.2)), "unconnected": (-0.4, 0.3), GOODPUT: (-0.14, 0.1),
}  # fmt: skip
"""Mean and deviation of each coefficient before any run is seen, in units of the logarithm: ours. Benchmarks of mfu.csv
set those of GPUs (H100: .464 on 8, .422 on 512; .47 on 96, .42 on 4,608) and of low precision (8B on H100: .36 in bf16,
.46 in FP8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """Coefficients of TERMS, their covariance, both deviations, what published runs usually do, and the runs' keys."""

    mean: Array
    covariance: Array
    steady_deviation: float
    goodput_deviation: float
    customs: Customs
    known: frozenset[str]


def regress(runs: Sequence[PublishedRun], figures: Sequence[SteadyFigure]) -> Regression:
    """The regression on these runs and stated MFUs."""
    customs = customs_of(runs)
    models = [run.key for run in runs] + [figure.run for figure in figures]
    logs = np.log([run.utilisation for run in runs] + [figure.mfu for figure in figures])
    known = [run.facts for run in runs] + [figure.facts for figure in figures]
    steady = np.array([design(facts, customs)[0] for facts in known])
    whole = np.arange(len(models)) < len(runs)
    rows = np.column_stack([steady, whole])
    noise = _noise(models, whole)
    means, deviations = np.array([PRIORS[term] for term in TERMS]).T
    weighted = np.linalg.solve(noise, rows)
    covariance = np.linalg.inv(rows.T @ weighted + np.diag(deviations**-2.0))
    mean = covariance @ (weighted.T @ logs + means / deviations**2)
    return Regression(
        mean=mean,
        covariance=(covariance + covariance.T) / 2,
        steady_deviation=STEADY_DEVIATION,
        goodput_deviation=GOODPUT_DEVIATION,
        customs=customs,
        known=frozenset(run.key for run in runs),
    )


def without(
    keys: set[str], runs: Sequence[PublishedRun], figures: Sequence[SteadyFigure]
) -> tuple[list[PublishedRun], list[SteadyFigure]]:
    """What is left when nothing is known of the runs with these keys."""
    return [run for run in runs if run.key not in keys], [it for it in figures if it.run not in keys]


def customs_of(runs: Sequence[PublishedRun]) -> Customs:
    """What these runs usually do."""
    counted = [run for run in runs if run.gpus]
    days = np.log10([run.facts.gpu_days or 1.0 for run in counted])
    gpus = np.log10([float(run.gpus or 1) for run in counted])
    slope, centre = np.polyfit(days, gpus, 1)
    able = [run for run in runs if run.facts.accelerator.fp8_flops_per_second is not None]
    low = [run for run in able if run.facts.precision == LOW_PRECISION]
    since = min((year_of(run.facts.month) for run in low), default=np.inf)
    late = [run for run in able if year_of(run.facts.month) >= since]
    return Customs(
        size=_blank([size_of(run.facts) or 0.0 for run in runs]),
        gpus=Blank(float(centre), float(np.var(gpus - centre - slope * days))),
        gpus_slope=float(slope),
        low_precision_since=float(since),
        low_precision_share=len(low) / len(late) if late else 0.0,
    )


def _noise(models: list[str], whole: NDArray[np.bool_]) -> Array:
    """Covariance of the deviations of all rows."""
    same = np.array([[bool(one) and one == other for other in models] for one in models])
    shared = np.where(same, SAME_MODEL * STEADY_DEVIATION**2, 0.0)
    np.fill_diagonal(shared, STEADY_DEVIATION**2 + np.where(whole, GOODPUT_DEVIATION**2, 0.0))
    return shared


def _blank(values: list[float]) -> Blank:
    return Blank(float(np.mean(values)), float(np.var(values)))
