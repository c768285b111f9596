"""Slurm jobs through submitit, from a login node; all machines must see the sweep's folder.

Partition, account, time limit and memory are Slurm's own: sbatch reads them from SBATCH_PARTITION, SBATCH_ACCOUNT,
SBATCH_TIMELIMIT, SBATCH_MEM_PER_CPU and their like.
"""

from __future__ import annotations

import time
from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from experiments.jobs import GRACE_SECONDS, POLL_SECONDS, after_death, work
from experiments.ledger import Ledger, Stop
from experiments.machine import let_children_import
from planner.errors import MissingExtra, PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from experiments.jobs import Job

CLUSTER = "slurm"
"""Which of submitit's executors: Slurm's, or in tests the one that starts processes here."""

MINUTES = 240
"""How long one Slurm job may take where SBATCH_TIMELIMIT says nothing; before it ends its run is held."""

MOST_AT_ONCE = 64

WHY = "Its Slurm job ended again and again without a word: out of memory, over its time limit, or a node was lost."


def run(jobs: Sequence[Job], *, workers: int | None, poll: Callable[[], None]) -> None:
    """Do all jobs as one Slurm array, `workers` of them at once; None for MOST_AT_ONCE."""
    if find_spec("submitit") is None:
        raise MissingExtra.of("submitit", extra="slurm")
    let_children_import()
    executor = _executor(jobs[0], workers or MOST_AT_ONCE)
    deaths: Counter[tuple[str, int]] = Counter()
    busy = _sent(executor, jobs)
    try:
        while busy:
            recorded = Ledger(jobs[0].folder).recorded()
            ended = [(sent, job) for sent, job in busy if sent.done() or job.without(recorded) is None]
            busy = [pair for pair in busy if pair not in ended]
            lefts = [_after(sent, job, deaths) for sent, job in ended if sent.done()]
            busy += _sent(executor, [job for job in lefts if job is not None])
            poll()
            time.sleep(POLL_SECONDS)
    except Stop:
        _let_hold(busy)
        raise
    finally:
        for sent, _ in busy:
            sent.cancel(check=False)


def _executor(job: Job, at_once: int) -> Any:
    """What submits: one core a job, and a whole GPU where it needs one."""
    import submitit

    try:
        executor = submitit.AutoExecutor(folder=job.folder / "slurm", cluster=CLUSTER)
    except RuntimeError as error:
        raise PlannerError(
            "There is no Slurm here: sbatch is not found.",
            mend="Run this on a login node, or choose another --backend.",
        ) from error
    executor.update_parameters(
        name="planner",
        timeout_min=MINUTES,
        tasks_per_node=1,
        cpus_per_task=1,
        gpus_per_node=int(job.device == "cuda"),
        slurm_array_parallelism=at_once,
    )
    return executor


def _sent(executor: Any, jobs: Sequence[Job]) -> list[tuple[Any, Job]]:
    """The jobs, each with what submitit knows of it, handed to Slurm as one array."""
    from submitit.core.utils import FailedJobError

    if not jobs:
        return []
    try:
        return list(zip(executor.map_array(work, jobs), jobs, strict=True))
    except FailedJobError as error:
        raise PlannerError(
            f"Slurm refused the jobs: {str(error).strip().splitlines()[-1]}",
            mend="Choose a partition, an account and a time limit with SBATCH_PARTITION and its like.",
        ) from error


def _after(sent: Any, job: Job, deaths: Counter[tuple[str, int]]) -> Job | None:
    """What is left to do of `job` once the Slurm job is over."""
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        outcome = sent.result()
    except FailedJobError as error:
        raise PlannerError(
            f"A Slurm job could not begin: {str(error).strip().splitlines()[-1]}",
            mend=f"Its log is {sent.paths.stderr}.",
        ) from error
    except UncompletedJobError:
        return after_death(job, deaths, WHY)
    if isinstance(outcome, Exception):
        raise outcome
    return job.left()


def _let_hold(busy: Sequence[tuple[Any, Job]]) -> None:
    """Let every worker hold its run, and wait until all have or have had time enough."""
    for _, job in busy[:1]:
        Ledger(job.folder).stop()
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and not all(sent.done() for sent, _ in busy):
        time.sleep(POLL_SECONDS)
