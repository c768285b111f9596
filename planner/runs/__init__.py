"""Runs: the validated table of training runs that a law is fitted to, with its units and conventions stated."""

from planner.runs.checking import BadRow
from planner.runs.loading import load_runs, spoiled_rows
from planner.runs.table import Counting, LossUnit, Runs

__all__ = ["BadRow", "Counting", "LossUnit", "Runs", "load_runs", "spoiled_rows"]
