"""One job after the other in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.jobs import do

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from experiments.jobs import Job


def run(jobs: Sequence[Job], *, workers: int | None, poll: Callable[[], None]) -> None:
    """Do all jobs here; `workers` is 1 whatever it says."""
    for job in jobs:
        left: Job | None = job
        while left is not None:
            do(left, poll)
            left = left.left()
