"""Tables: what the reader of a fit must know of its runs, before and beside the law."""

from planner.fitting.tables.cells import about_the_table
from planner.fitting.tables.designs import FEW_RUNS, about_the_design
from planner.fitting.tables.schedules import about_the_schedule

__all__ = ["FEW_RUNS", "about_the_design", "about_the_schedule", "about_the_table"]
