"""Where a sweep's jobs are done. Every backend is one file with `run(jobs, *, workers, emit)`.

`run` does all jobs in the order given, longest first, and calls `emit` in this process for each event; it returns when
all are done and leaves no process behind, however it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from experiments.backends import pool, serial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from experiments.jobs import Event, Job


class Run(Protocol):
    """What every backend's `run` looks like."""

    def __call__(self, jobs: Sequence[Job], *, workers: int, emit: Callable[[Event], None]) -> None: ...


BACKENDS: dict[str, Run] = {"serial": serial.run, "pool": pool.run}
