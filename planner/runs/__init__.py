"""Runs: the validated table of training runs that a law is fitted to, with its units and conventions stated."""

from planner.runs.loading import load_runs
from planner.runs.table import Counting, LossUnit, Runs

__all__ = ["Counting", "LossUnit", "Runs", "load_runs"]
