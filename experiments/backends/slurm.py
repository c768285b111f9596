"""Slurm jobs through submitit, from a login node; all machines must see the sweep's folder.

Partition, account, time limit and memory are Slurm's own: sbatch reads them from SBATCH_PARTITION, SBATCH_ACCOUNT,
SBATCH_TIMELIMIT, SBATCH_MEM_PER_CPU and their like.
"""

from __future__ import annotations

import getpass
import subprocess
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
    from pathlib import Path

    from experiments.jobs import Job

CLUSTER = "slurm"
"""Which of submitit's executors: Slurm's, or in tests the one that starts processes here."""

MINUTES = 240
"""How long one Slurm job may take where SBATCH_TIMELIMIT says nothing; before it ends its run is held."""

MOST_AT_ONCE = 64

ASK_SECONDS = 5.0
"""How often Slurm is asked which jobs it still has; more often would be a burden to it."""

LOST_SECONDS = 20.0
"""A job that Slurm has had no more for so long, and that left no result, is lost; shared disks can be slow."""

WHY = "Its Slurm job ended again and again without a word: out of memory, over its time limit, or a node was lost."


def run(jobs: Sequence[Job], *, workers: int | None, poll: Callable[[], None]) -> None:
    """Do all jobs as Slurm arrays, of each `workers` at once; None for MOST_AT_ONCE."""
    if find_spec("submitit") is None:
        raise MissingExtra.of("submitit", extra="slurm")
    let_children_import()
    executor = _executor(jobs[0].folder, workers or MOST_AT_ONCE)
    deaths: Counter[tuple[str, int]] = Counter()
    busy, queue = _sent(executor, jobs), Queue()
    try:
        while busy:
            recorded = Ledger(jobs[0].folder).recorded()
            lost = queue.lost({sent.job_id for sent, _ in busy})
            over = [(sent, job) for sent, job in busy if sent.job_id in lost or _has_ended(sent)]
            busy = [pair for pair in busy if pair not in over and pair[1].without(recorded) is not None]
            lefts = [_after(sent, job, deaths) for sent, job in over]
            busy += _sent(executor, [job for job in lefts if job is not None])
            poll()
            time.sleep(POLL_SECONDS)
    except Stop:
        _let_hold(busy)
        raise
    finally:
        for sent, _ in busy:
            sent.cancel(check=False)


def _executor(folder: Path, at_once: int) -> Any:
    """What submits."""
    import submitit

    try:
        executor = submitit.AutoExecutor(folder=folder / "slurm", cluster=CLUSTER)
    except RuntimeError as error:
        raise PlannerError(
            "There is no Slurm here: sbatch is not found.",
            mend="Run this on a login node, or choose another --backend.",
        ) from error
    executor.update_parameters(
        name="planner",
        timeout_min=MINUTES,
        tasks_per_node=1,
        slurm_array_parallelism=at_once,
    )
    return executor


def _sent(executor: Any, jobs: Sequence[Job]) -> list[tuple[Any, Job]]:
    """The jobs, each with what submitit knows of it; those that take as many cores and GPUs are one array."""
    from submitit.core.utils import FailedJobError

    sent: list[tuple[Any, Job]] = []
    try:
        for processes in sorted({job.processes for job in jobs}, reverse=True):
            alike = [job for job in jobs if job.processes == processes]
            gpus = processes if jobs[0].device == "cuda" else 0
            executor.update_parameters(cpus_per_task=processes, gpus_per_node=gpus)
            sent += zip(executor.map_array(work, alike), alike, strict=True)
    except FailedJobError as error:
        raise PlannerError(
            f"Slurm refused the jobs: {str(error).strip().splitlines()[-1]}",
            mend="Choose a partition, an account and a time limit with SBATCH_PARTITION and its like.",
        ) from error
    return sent


class Queue:
    """Which jobs Slurm still has, as squeue says. Not every cluster keeps the accounting that submitit asks."""

    def __init__(self) -> None:
        self._asked = -ASK_SECONDS
        self._missed: dict[str, float] = {}

    def lost(self, jobs: set[str]) -> set[str]:
        """Those of `jobs` that Slurm has had no more for a while."""
        now = time.monotonic()
        if CLUSTER == "slurm" and now - self._asked >= ASK_SECONDS:
            self._asked = now
            if (there := _in_queue()) is not None:
                self._missed = {job: self._missed.get(job, now) for job in jobs - there}
        return {job for job, since in self._missed.items() if now - since > LOST_SECONDS} & jobs


def _in_queue() -> set[str] | None:
    """The jobs of this user that wait or go on; None where Slurm does not answer."""
    asked = ["squeue", "--noheader", "--array", "--format=%i", f"--user={getpass.getuser()}"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return set(answer.stdout.split()) if answer.returncode == 0 else None


def _has_ended(sent: Any) -> bool:
    """Whether a job has left its result, or where it is a process here, is gone."""
    return sent.paths.result_pickle.exists() or (CLUSTER != "slurm" and sent.done())


def _after(sent: Any, job: Job, deaths: Counter[tuple[str, int]]) -> Job | None:
    """What is left to do of `job` once the Slurm job is over."""
    from submitit.core.utils import FailedJobError, UncompletedJobError

    if not _has_ended(sent):
        return after_death(job, deaths, WHY)
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
    while time.monotonic() < deadline and not all(_has_ended(sent) for sent, _ in busy):
        time.sleep(POLL_SECONDS)
