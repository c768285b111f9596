"""Pretrain, continue pretraining, tune, retrieve or just prompt: advice with reasons, dates, dollars and break-even."""

from planner.advising.advice import Advice
from planner.advising.assuming import Assumption, Reason
from planner.advising.breakeven import BreakEven
from planner.advising.deciding import advise
from planner.advising.flipping import Flip
from planner.advising.spending import Option
from planner.advising.usecase import UseCase

__all__ = ["Advice", "Assumption", "BreakEven", "Flip", "Option", "Reason", "UseCase", "advise"]
