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
OVERTRAINED = 300.0
"""Tokens per parameter from which on small models run on more GPUs than they feed well."""
FEWEST, FEW = 8.0, 32.0
"""One server, and the GPUs from which on the network is that of a cluster."""
FIRST_YEAR, SETTLED_YEAR = 2022.5, 2024.0
"""Software got better until the end of 2023; published runs show no trend since."""
LONGEST_DAYS, ROUGH_UTILISATION = 135.0, 0.3
"""No published run took longer; where the stated GPUs would, at this utilisation, their number says little."""
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
    "overtraining",
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
    overtraining: Blank
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
    overtraining = _known(overtraining_of(facts), customs.overtraining)
    gpus = _gpus(facts, customs)
    share = _low_precision(facts, customs)
    values = [
        1.0,
        float(facts.kind == "moe"),
        share.centre,
        size.centre,
        gpus.centre,
        _few(gpus.centre),
        overtraining.centre,
        math.log10(chip.flops_per_second / TYPICAL_PEAK),
        min(year_of(facts.month), SETTLED_YEAR) - FIRST_YEAR,
    ]
    variances = [0.0, 0.0, share.variance, size.variance, gpus.variance, 0.0, overtraining.variance, 0.0, 0.0]
    family = "unconnected" if chip.family in UNCONNECTED else chip.family
    values += [float(family == name) for name in FAMILIES]
    return np.array(values), np.array(variances + [0.0] * len(FAMILIES))


def _known(value: float | None, blank: Blank) -> Blank:
    return blank if value is None else Blank(value, 0.0)


def size_of(facts: Facts) -> float | None:
    return None if facts.active_params is None else math.log10(facts.active_params / TYPICAL_PARAMS)


def overtraining_of(facts: Facts) -> float | None:
    if facts.active_params is None or facts.tokens is None:
        return None
    return max(0.0, math.log10(facts.tokens / facts.active_params / OVERTRAINED))


def _gpus(facts: Facts, customs: Customs) -> Blank:
    """log10 of the GPUs over the typical number: as stated, but as is usual for the work the further the stated number
    would take longer than any published run."""
    stated = None if facts.gpus is None else math.log10(facts.gpus / TYPICAL_GPUS)
    days = facts.gpu_days
    if days is None:
        return _known(stated, Blank(0.0, customs.gpus.variance))
    usual = customs.gpus.centre + customs.gpus_slope * math.log10(days) - math.log10(TYPICAL_GPUS)
    if stated is None or facts.gpus is None:
        return Blank(usual, customs.gpus.variance)
    doubt = min(max(math.log2(days / facts.gpus / LONGEST_DAYS), 0.0), 1.0)
    return Blank(stated + doubt * (max(usual, stated) - stated), doubt * customs.gpus.variance)


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
