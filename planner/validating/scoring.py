"""Scores of predictions against what was published: factors of error, and how often intervals hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median

from planner.estimate import LEVEL, Estimate

GOOD, TOLERABLE = 1.5, 2.0
"""Factors of error that are counted."""
NARROW = 0.8
"""The level of the narrower interval that is counted."""
_NARROWER = NormalDist().inv_cdf((1 + NARROW) / 2) / NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Over so many `runs`: the median factor of error, and the shares within 1.5x, within 2x and inside intervals."""

    runs: int
    median_factor: float
    within_good: float
    within_tolerable: float
    held_80: float
    held_90: float


def factor(predicted: float, published: float) -> float:
    """How many times too high or too low."""
    return max(predicted / published, published / predicted)


def holds(predicted: Estimate, published: float, level: float = LEVEL) -> bool:
    """Whether the interval of this level (0.8 or 0.9) around a 90 % estimate contains what was published."""
    scale = _NARROWER if level == NARROW else 1.0
    bound = predicted.low if published < predicted else predicted.high
    return abs(math.log(published / predicted)) <= scale * abs(math.log(bound / predicted))


def score(pairs: Sequence[tuple[Estimate, float]]) -> Score:
    """The score of predictions, each with what was published."""
    factors = [factor(predicted, published) for predicted, published in pairs]
    return Score(
        runs=len(pairs),
        median_factor=median(factors),
        within_good=fmean(found <= GOOD for found in factors),
        within_tolerable=fmean(found <= TOLERABLE for found in factors),
        held_80=fmean(holds(*pair, NARROW) for pair in pairs),
        held_90=fmean(holds(*pair) for pair in pairs),
    )
