"""Terms: how the logarithm of a steady MFU depends on what is known about a run before it starts.

A linear model. What is not known enters as its centre, and its spread widens the prediction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.hardware.accelerators import Accelerator
from planner.hardware.utilisation.values import Kind, Precision

if TYPE_CHECKING:
    from numpy.typing import NDArray

TYPICAL_PARAMS, TYPICAL_GPUS, TYPICAL_PEAK = 2e10, 600.0, 5e14
"""Where the terms of size, GPUs and peak are zero: about the middle of the published runs."""
FEWEST, FEW = 8.0, 32.0
"""One server, and the GPUs from which on the network is that of a cluster."""
EARLIEST_YEAR, FIRST_YEAR, SETTLED_YEAR = 2020.0, 2022.5, 2024.0
"""Published runs begin with 2020. Software got better until the end of 2023; they show no trend since."""
LEAST_PEAK = 1.2e14
"""The slowest chip that a published run used, in FLOP/s; slower ones count as that."""
ROUGH_UTILISATION = 0.3
"""With which days on one accelerator are reckoned, for the usual number of GPUs."""
LOW_PRECISION = "fp8"

FAMILIES = ("nvidia-v100", "nvidia-a100", "nvidia-hopper", "nvidia-blackwell", "tpu", "ascend", "unconnected")
UNCONNECTED = ("nvidia-pcie", "nvidia-consumer")
"""Families whose chips have no fast links among them; no published run used one."""

STEADY = (
    "level",
    "mixture",
    "low_precision",
    "size",
    "gpus",
    "few_gpus",
    "peak",
    "maturity",
    *FAMILIES,
)
GOODPUT = "goodput"
TERMS = (*STEADY, GOODPUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a run before it starts; None is not known. `month` is such as "2023-07"."""

    accelerator: Accelerator
    kind: Kind = "dense"
    precision: Precision | None = None
    active_params: float | None = None
    tokens: float | None = None
    gpus: float | None = None
    month: str | None = None

    @property
    def gpu_days(self) -> float | None:
        """Days that one accelerator would take, roughly."""
        if self.active_params is None or self.tokens is None:
            return None
        flops_a_day = ROUGH_UTILISATION * self.accelerator.flops_per_second * 86400
        return 6 * self.active_params * self.tokens / flops_a_day


@dataclass(frozen=True, slots=True)
class Blank:
    """What to put for something unknown: its centre, and the variance around it."""

    centre: float
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Customs:
    """What published runs usually do, for what a caller does not know.

    `gpus` is the line of log10 GPUs over log10 GPU-days; `low_precision_share` is that of the runs since
    `low_precision_since` on chips that can.
    """

    size: Blank
    gpus: Blank
    gpus_slope: float
    low_precision_since: float
    low_precision_share: float


def year_of(month: str | None) -> float:
    """The middle of `month` as a year with decimals; None is today, which counts as after all published runs."""
    if month is None:
        return math.inf
    parts = [float(part) for part in month.split("-")]
    return parts[0] + ((parts[1] - 0.5) / 12 if len(parts) > 1 else 0.5)


def design(facts: Facts, customs: Customs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values of STEADY for a run, and their variances."""
    chip = facts.accelerator
    size = _known(size_of(facts), customs.size)
    gpus = _gpus(facts, customs)
    share = _low_precision(facts, customs)
    values = [
        1.0,
        float(facts.kind == "moe"),
        share.centre,
        size.centre,
        gpus.centre,
        _few(gpus.centre),
        math.log10(max(chip.flops_per_second, LEAST_PEAK) / TYPICAL_PEAK),
        min(max(year_of(facts.month), EARLIEST_YEAR), SETTLED_YEAR) - FIRST_YEAR,
    ]
    variances = [0.0, 0.0, share.variance, size.variance, gpus.variance, 0.0, 0.0, 0.0]
    family = "unconnected" if chip.family in UNCONNECTED else chip.family
    values += [float(family == name) for name in FAMILIES]
    return np.array(values), np.array(variances + [0.0] * len(FAMILIES))


def _known(value: float | None, blank: Blank) -> Blank:
    return blank if value is None else Blank(value, 0.0)


def size_of(facts: Facts) -> float | None:
    return None if facts.active_params is None else math.log10(facts.active_params / TYPICAL_PARAMS)


def _gpus(facts: Facts, customs: Customs) -> Blank:
    """log10 of the GPUs over the typical number: as stated, else as is usual for the work."""
    if facts.gpus is not None:
        return Blank(math.log10(facts.gpus / TYPICAL_GPUS), 0.0)
    if facts.gpu_days is None:
        return Blank(0.0, customs.gpus.variance)
    usual = customs.gpus.centre + customs.gpus_slope * math.log10(facts.gpu_days)
    return Blank(usual - math.log10(TYPICAL_GPUS), customs.gpus.variance)


def _few(gpus: float) -> float:
    """1 on one server, falling to 0 at the GPUs of a cluster."""
    number = min(max(TYPICAL_GPUS * 10**gpus, FEWEST), FEW)
    return math.log(FEW / number) / math.log(FEW / FEWEST)


def _low_precision(facts: Facts, customs: Customs) -> Blank:
    if facts.precision is not None:
        return Blank(float(facts.precision == LOW_PRECISION), 0.0)
    able = facts.accelerator.fp8_flops_per_second is not None
    share = customs.low_precision_share if able and year_of(facts.month) >= customs.low_precision_since else 0.0
    return Blank(share, share * (1 - share))
