"""Designing: which calibration runs to buy before a large one."""

from planner.designing.sweeps import Sweep
from planner.designing.verb import design

__all__ = ["Sweep", "design"]
