"""Failing: how much of a run is lost to failures and to the checkpoints that guard against them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from planner.constants import constant
from planner.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Losses:
    """The share of a run that is lost, the hours between failures, and how often to write a checkpoint for that."""

    share: Estimate
    hours_between_failures: Estimate
    checkpoint_every_seconds: float
    basis: str


@cache
def lost_to_failures(gpus: int) -> Losses:
    """What `gpus` GPUs that fail together lose: Young 1974 (CACM 17:530), Daly 2006 (FGCS 22:303), first order.

    With M seconds between failures, d seconds for a checkpoint and R for a restart, checkpoints every sqrt(2 d M)
    cost s = sqrt(2 d / M) + R / M of the useful time, so s / (1 + s) of all time.
    """
    between, write, restart = (
        constant("costs", key) for key in ("gpu_hours_per_failure", "checkpoint_seconds", "restart_seconds")
    )
    mean = between.value.scaled(3600 / gpus)
    share = _share(mean, write.value, restart.value)
    fewer = [_share(mean.high, write.value, restart.value), _share(mean, write.value.low, restart.value),
             _share(mean, write.value, restart.value.low)]  # fmt: skip
    more = [_share(mean.low, write.value, restart.value), _share(mean, write.value.high, restart.value),
            _share(mean, write.value, restart.value.high)]  # fmt: skip
    return Losses(
        Estimate(
            share,
            share - min(share, math.hypot(*(share - one for one in fewer))),
            min(1.0, share + math.hypot(*(one - share for one in more))),
        ),
        mean.scaled(1 / 3600),
        math.sqrt(2 * write.value * mean),
        f"{between.basis}, {write.basis}, {restart.basis}",
    )


def _share(mean: float, write: float, restart: float) -> float:
    lost = math.sqrt(2 * write / mean) + restart / mean
    return lost / (1 + lost)
