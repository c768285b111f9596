"""Utilisation of whole training runs: what published runs achieved, and what an unseen run will.

Utilisation is 6 x active parameters x tokens over GPU-hours x bf16 peak. It counts everything that a bill counts:
failures, restarts, evaluations and idle time, so it lies below the model FLOPs utilisation of a steady training step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Literal

from planner.catalog import records
from planner.errors import InputError
from planner.estimate import LEVEL, Estimate
from planner.hardware.accelerators import Accelerator
from planner.units import read, show

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["dense", "moe"]

ENOUGH_RUNS = 5
"""Runs from which on a group speaks for itself; a smaller one is merged into the next larger group."""
_Z = 1.645
"""Half-width of the central 90 % of a normal distribution, in standard deviations."""

_FAMILY_NAMES = {"nvidia-a100": "A100", "nvidia-hopper": "Hopper", "nvidia-blackwell": "Blackwell", "tpu": "TPU"}
_KIND_NAMES = {"dense": "dense", "moe": "mixture-of-experts"}


@dataclass(frozen=True, slots=True)
class Utilisation:
    """A utilisation and where it comes from."""

    value: Estimate
    basis: str


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """What one published run achieved."""

    name: str
    family: str
    kind: str
    utilisation: float


@cache
def published_runs() -> tuple[PublishedRun, ...]:
    """The runs of published_runs.csv from which utilisation is predicted."""
    return tuple(
        PublishedRun(row["name"], chip.family, row["kind"], _achieved(row["flops"], row["gpu_hours"], chip))
        for row in records("published_runs")
        if row["use_in_fit"] == "yes"
        for chip in (Accelerator.of(row["accelerator"]),)
    )


def _achieved(flops: str, gpu_hours: str, chip: Accelerator) -> float:
    return float(flops) / (float(gpu_hours) * 3600 * chip.flops_per_second)


def highest_published() -> PublishedRun:
    """The run that got most out of its hardware."""
    return max(published_runs(), key=lambda run: run.utilisation)


@cache
def predicted(family: str, kind: Kind) -> Utilisation:
    """The utilisation of an unseen run, from all published runs."""
    return forecast(published_runs(), family, kind)


def forecast(runs: Sequence[PublishedRun], family: str, kind: Kind) -> Utilisation:
    """The utilisation of an unseen run: geometric mean and 90 % predictive interval of comparable `runs`.

    Comparable are runs of the same kind on the same family of chips, or where these are few, on any chip.
    """
    same_kind = [run for run in runs if run.kind == kind]
    same_family = [run for run in same_kind if run.family == family]
    own = len(same_family) >= ENOUGH_RUNS
    logs = [math.log(run.utilisation) for run in (same_family if own else same_kind)]
    spread = math.exp(_Z * stdev(logs) * math.sqrt(1 + 1 / len(logs)))
    words = (f"{len(logs)} published", _FAMILY_NAMES.get(family, family) if own else "", _KIND_NAMES[kind], "runs")
    basis = " ".join(word for word in words if word)
    return Utilisation(Estimate.of_factor(math.exp(fmean(logs)), spread, LEVEL), basis)


def given(value: float | str) -> Utilisation:
    """The utilisation that a user measured or assumes.

    Raises:
        InputError: it is no fraction above 0 and up to 1.
    """
    estimate = value if isinstance(value, Estimate) else Estimate.exact(read(value, "fraction", name="utilisation"))
    if not (estimate.low > 0 and estimate.high <= 1):
        record = show(highest_published().utilisation, "fraction")
        raise InputError(
            f"utilisation must be above 0 and at most 1, not {value}.",
            mend=f"Give a fraction such as 0.4 or '40 %'; the highest published is {record}.",
        )
    return Utilisation(estimate, "as given")
