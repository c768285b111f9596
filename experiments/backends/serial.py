"""One job after the other in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.jobs import do

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from experiments.jobs import Event, Job


def run(jobs: Sequence[Job], *, workers: int, emit: Callable[[Event], None]) -> None:
    """Do all jobs here; `workers` is 1 whatever it says."""
    for job in jobs:
        do(job, emit)
