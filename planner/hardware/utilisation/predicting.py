"""Predicting: the utilisation of a run that nobody has seen, from the coefficients in utilisation.csv."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from planner.catalog import records
from planner.estimate import LEVEL, Estimate
from planner.hardware.utilisation.fitting import Regression
from planner.hardware.utilisation.published import ceiling, published_runs, steady_figures
from planner.hardware.utilisation.terms import GOODPUT, TERMS, Blank, Customs, Facts, design
from planner.hardware.utilisation.values import Factor, Utilisation

if TYPE_CHECKING:
    from collections.abc import Iterator

_Z = 1.6448536
"""Half-width of the central 90 % of a normal distribution, in standard deviations."""
SOURCE = "our fit to data/published_runs.csv and data/mfu.csv: tests/benchmarks/utilisation.py"


@lru_cache(maxsize=256)
def predicted(facts: Facts) -> Utilisation:
    """The utilisation of an unseen run with its 90 % predictive interval, and its factors."""
    return forecast(shipped(), facts, basis_of(facts))


def forecast(regression: Regression, facts: Facts, basis: str = "") -> Utilisation:
    """The utilisation of an unseen run under this regression.

    The interval of the whole is that of their product, whose errors are correlated, not the product of both intervals.
    No steady MFU is expected above what anyone has published for such a model and chip.
    """
    values, variances = design(facts, regression.customs)
    count = len(values)
    spread = float(np.sum((regression.mean[:count] ** 2 + np.diag(regression.covariance)[:count]) * variances))
    steady, goodput = float(values @ regression.mean[:count]), float(regression.mean[count])
    most = math.log(ceiling(facts.accelerator.family, facts.precision, facts.kind, regression.known))
    if steady > most:
        steady, basis = most, f"{basis}, lowered to what was published at best (our assumption)"
    basis = f"{basis}; the range's upper end is our assumption"
    whole = np.append(values, 1.0)
    own, run = regression.steady_deviation**2, regression.goodput_deviation**2
    variance = float(values @ regression.covariance[:count, :count] @ values) + spread
    total = float(whole @ regression.covariance @ whole) + spread
    share = float(regression.covariance[count, count])
    return Utilisation(
        _fraction(steady + goodput, total + own + run),
        f"MFU x goodput, {basis}",
        Factor(_fraction(steady, variance + own), basis),
        Factor(_fraction(goodput, share + run), f"what whole runs keep of it, {_pairs()} runs that published both"),
    )


def basis_of(facts: Facts) -> str:
    """What the prediction rests on, in words: all published runs, and how many of them are like this one."""
    counts = _run_counts()
    kind = "dense" if facts.kind == "dense" else "mixture-of-experts"
    family = FAMILY_NAMES.get(facts.accelerator.family, "such chips")
    same = counts.get((facts.accelerator.family, facts.kind), 0)
    on = any(chips == facts.accelerator.family for chips, _ in counts)
    like = f"{same} of them {kind} on {family}" if on else f"none on {family} (our assumption)"
    size = "" if facts.active_params is not None else ", for a model of any size"
    return f"fitted to {sum(counts.values())} published runs, {like}{size}"


FAMILY_NAMES = {
    "nvidia-v100": "V100", "nvidia-a100": "A100", "nvidia-hopper": "Hopper", "nvidia-blackwell": "Blackwell",
    "tpu": "TPU", "ascend": "Ascend", "amd": "AMD", "gaudi": "Gaudi", "trainium": "Trainium",
}  # fmt: skip


@cache
def _run_counts() -> dict[tuple[str, str], int]:
    """Published runs by family and kind."""
    return Counter((run.facts.accelerator.family, run.facts.kind) for run in published_runs())


@cache
def _pairs() -> int:
    """Published runs whose makers state a steady MFU as well."""
    return len({run.key for run in published_runs()} & {figure.run for figure in steady_figures()})


@cache
def shipped() -> Regression:
    """The regression that utilisation.csv holds."""
    table = {(row["quantity"], row["term"], row["other"]): float(row["value"]) for row in records("utilisation")}
    upper = [[table.get(("covariance", one, other), 0.0) for other in TERMS] for one in TERMS]
    return Regression(
        mean=np.array([table["coefficient", term, ""] for term in TERMS]),
        covariance=np.triu(upper) + np.triu(upper, 1).T,
        steady_deviation=table["deviation", "steady", ""],
        goodput_deviation=table["deviation", GOODPUT, ""],
        customs=Customs(
            size=Blank(table["centre", "size", ""], table["variance", "size", ""]),
            gpus=Blank(table["centre", "gpus", ""], table["variance", "gpus", ""]),
            gpus_slope=table["slope", "gpus", ""],
            low_precision_since=table["since", "low_precision", ""],
            low_precision_share=table["centre", "low_precision", ""],
        ),
        known=frozenset(run.key for run in published_runs()),
    )


def lines_of(regression: Regression) -> Iterator[tuple[str, str, str, float]]:
    """The regression as the rows of utilisation.csv: quantity, term, other term, value."""
    for term, value in zip(TERMS, regression.mean, strict=True):
        yield "coefficient", term, "", float(value)
    yield "deviation", "steady", "", regression.steady_deviation
    yield "deviation", GOODPUT, "", regression.goodput_deviation
    customs = regression.customs
    for name, blank in (("size", customs.size), ("gpus", customs.gpus)):
        yield "centre", name, "", blank.centre
        yield "variance", name, "", blank.variance
    yield "slope", "gpus", "", customs.gpus_slope
    yield "since", "low_precision", "", customs.low_precision_since
    yield "centre", "low_precision", "", customs.low_precision_share
    for i, term in enumerate(TERMS):
        for j in range(i, len(TERMS)):
            yield "covariance", term, TERMS[j], float(regression.covariance[i, j])


def _fraction(log: float, variance: float) -> Estimate:
    """exp(log), a fraction below 1, with its 90 % interval.

    Below it is log-normal. Above it is normal in log(v / (1 - v)), so that nothing is used more than fully: that shape
    is our assumption.
    """
    half, value = _Z * math.sqrt(variance), math.exp(log)
    odds = value / (1 - value) * math.exp(half / (1 - value))
    return Estimate(value, math.exp(log - half), odds / (1 + odds), LEVEL)
