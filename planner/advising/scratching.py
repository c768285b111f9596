"""Scratching: the run of a model from scratch that the advice prices, and the dollars of the programme around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.advising.assessing import Assessment
from planner.advising.assuming import Draws
from planner.advising.halving import least
from planner.advising.landscape import LEAST_FLOPS, MOST_FLOPS
from planner.advising.views import options

_STEPS = 40


def scratch_usd(assessment: Assessment) -> Draws:
    """The programme of the run that is priced, and no less than it takes to set one up."""
    least = float(options()["pretrain"]["usd"]) * assessment.guesses["effort"]
    programme = scratch_flops(assessment) * assessment.usd_per_flop * assessment.guesses["programme_pretrain"]
    return np.maximum(programme, least)


def scratch_flops(assessment: Assessment) -> Draws:
    """FLOPs of the final run that is priced: of the break-even; with a hard reason, what the budget buys up to there.

    For data other than language, the run that reads all that there is as often as helps, within the budget. The
    smallest useful run is the least, and all that is priced where there is no break-even.
    """
    view, smallest, wins = assessment.view, assessment.useful_flops, assessment.landscape.equal_break_even
    if not view.is_language:
        wins = _reading_all(assessment)
    if view.hard_reason or not view.is_language:
        return np.clip(assessment.run_flops, smallest, np.maximum(wins, smallest))
    return np.where(np.isfinite(wins), wins, smallest)


def _reading_all(assessment: Assessment) -> Draws:
    """FLOPs of the best run for the law on all own data, repeated as often as helps."""
    tokens = assessment.case.unlabeled_tokens * assessment.guesses["epochs"]

    def reads_all(flops: Draws) -> NDArray[np.bool_]:
        return np.asarray(assessment.landscape.law.optimum(flops)[1]) >= tokens

    return least(reads_all, LEAST_FLOPS, MOST_FLOPS, size=tokens.size, steps=_STEPS)
