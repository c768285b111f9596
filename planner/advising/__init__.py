"""Pretrain, continue pretraining, tune, retrieve or just prompt: advice with reasons, dates, dollars and break-even."""

from planner.advising.advice import Advice
from planner.advising.assuming import Assumption, Reason
from planner.advising.breakeven import BreakEven
from planner.advising.deciding import advise
from planner.advising.flipping import Flip
from planner.advising.paying import Payback
from planner.advising.piloting import Pilot, pilots_of
from planner.advising.probing import NextTest
from planner.advising.replaying import Replay, replay
from planner.advising.spending import Option
from planner.advising.starting import StartingPoints, starting_points
from planner.advising.usecase import UseCase

__all__ = [
    "Advice", "Assumption", "BreakEven", "Flip", "NextTest", "Option", "Payback", "Pilot", "Reason", "Replay",
    "StartingPoints", "UseCase", "advise", "pilots_of", "replay", "starting_points",
]  # fmt: skip
