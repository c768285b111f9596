"""Where a sweep's jobs are done. Every backend is one file with `run(jobs, *, workers, poll)`.

`run` begins the jobs in the order given, longest first, `workers` at once where that is a number, and returns when
every run of theirs is recorded in the ledger; a job whose worker dies is taken up again from there. Meanwhile it calls
`poll` in this process several times a second. Where `poll` raises Stop, all runs are held before it goes on upwards;
anything else that it or a job raises ends the workers at once. No worker outlives `run`, however that ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from experiments.backends import pool, ray, serial, slurm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from experiments.jobs import Job


class Run(Protocol):
    """What every backend's `run` looks like."""

    def __call__(self, jobs: Sequence[Job], *, workers: int | None, poll: Callable[[], None]) -> None: ...


BACKENDS: dict[str, Run] = {"serial": serial.run, "pool": pool.run, "ray": ray.run, "slurm": slurm.run}

CLUSTERS = ("ray", "slurm")
"""Backends whose workers may be on other machines than this one."""
