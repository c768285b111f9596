"""Utilisation of whole training runs, steady MFU times goodput: what was published, and what an unseen run will reach.

Utilisation is 6 x active parameters x tokens over GPU-hours x bf16 peak. It counts everything that a bill counts:
failures, restarts, evaluations and idle time. The MFU of steady steps lies above it; goodput is their quotient.
"""

from planner.hardware.utilisation.predicting import predicted
from planner.hardware.utilisation.published import (
    PublishedRun,
    Record,
    highest_mfu,
    highest_published,
    published_runs,
    steady_figures,
)
from planner.hardware.utilisation.stating import refuse_unknown, stated
from planner.hardware.utilisation.terms import Facts
from planner.hardware.utilisation.values import Factor, Kind, Precision, Utilisation, Work

__all__ = [
    "Factor", "Facts", "Kind", "Precision", "PublishedRun", "Record", "Utilisation", "Work", "highest_mfu",
    "highest_published", "predicted", "published_runs", "refuse_unknown", "stated", "steady_figures",
]  # fmt: skip
