"""How a model fits on GPUs: its split, the memory of each, the fewest that hold it, and how many still help."""

from planner.layouts.batches import critical_batch, default_batch, tokens_at, usual_batch
from planner.layouts.bills import Layout
from planner.layouts.curves import Point, TimeCurve, time_against_gpus
from planner.layouts.memory import Memory, memory_of
from planner.layouts.room import findings_about_room
from planner.layouts.splits import RECOMPUTATION, Split
from planner.layouts.verb import lay_out

__all__ = [
    "RECOMPUTATION", "Layout", "Memory", "Point", "Split", "TimeCurve", "critical_batch", "default_batch",
    "findings_about_room", "lay_out", "memory_of", "time_against_gpus", "tokens_at", "usual_batch",
]  # fmt: skip
