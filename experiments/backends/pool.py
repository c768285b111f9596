"""A fresh process on this machine for every job, with one thread each, several side by side on cores or on GPUs."""

from __future__ import annotations

import os
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.jobs import after_death, work
from experiments.ledger import Stop
from experiments.machine import cores, gpus
from experiments.processes import Child, heard, let_hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

    from experiments.jobs import Job, Outcome

WHY = "Its process ended without a word, again and again; the system may be out of memory. Try fewer --workers."

ROUNDING = 1e-6
"""Shares of a GPU that add up to so little above one still fit."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that does `job`, on the GPUs with these numbers or on a core."""

    job: Job
    gpus: tuple[int, ...]
    child: Child


def run(jobs: Sequence[Job], *, workers: int | None, poll: Callable[[], None]) -> None:
    """Do all jobs in at most `workers` processes at once; None for one per core, or for as many as fit on the GPUs."""
    waiting, busy = deque(jobs), list[Worker]()
    deaths: Counter[tuple[str, int]] = Counter()
    room = Room(len(gpus()) if jobs[0].device == "cuda" else 0, workers)
    try:
        while waiting or busy:
            for job, taken in room.fill(waiting, busy):
                busy.append(Worker(job, taken, Child.begin(_serve, job, taken)))
            ready = heard([worker.child for worker in busy])
            for worker in [worker for worker in busy if worker.child in ready]:
                busy.remove(worker)
                left = _after(worker, deaths)
                if left is not None:
                    waiting.appendleft(left)
            poll()
    except Stop:
        let_hold([worker.child for worker in busy])
        raise
    finally:
        for worker in busy:
            worker.child.end()


class Room:
    """Who fits where: as many jobs as there are workers, or as the shares of the GPUs allow."""

    def __init__(self, gpus: int, workers: int | None) -> None:
        self._gpus = gpus
        self._workers = workers or (cores() if not gpus else None)

    def fill(self, waiting: deque[Job], busy: Sequence[Worker]) -> Iterator[tuple[Job, tuple[int, ...]]]:
        """The jobs to begin beside the `busy` ones, each taken from `waiting` and with its GPUs.

        A job that takes several GPUs is not overtaken, or smaller ones would keep it waiting for ever.
        """
        taken = [sum(min(1.0, worker.job.share) for worker in busy if gpu in worker.gpus) for gpu in range(self._gpus)]
        free = len(waiting) if self._workers is None else self._workers - len(busy)
        for job in list(waiting):
            if free <= 0:
                return
            each = min(1.0, job.share)
            chosen = sorted(range(self._gpus), key=taken.__getitem__)[: job.processes]
            if any(taken[gpu] + each > 1 + ROUNDING for gpu in chosen):
                if job.processes > 1:
                    return
                continue
            for gpu in chosen:
                taken[gpu] += each
            free -= 1
            waiting.remove(job)
            yield job, tuple(chosen)


def _serve(pipe: Connection, job: Job, gpus: tuple[int, ...]) -> None:
    """Do `job` on the GPUs with these numbers, and say what became of it."""
    if gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = _visible(gpus)
    pipe.send(work(job))


def _visible(gpus: Sequence[int]) -> str:
    """What names the GPUs with these numbers among those that this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return ",".join(named.split(",")[gpu] if named else str(gpu) for gpu in gpus)


def _after(worker: Worker, deaths: Counter[tuple[str, int]]) -> Job | None:
    """What is left to do of what `worker` did."""
    outcome: Outcome | None = worker.child.said()
    worker.child.end()
    if outcome is None:
        return after_death(worker.job, deaths, WHY)
    if isinstance(outcome, Exception):
        raise outcome
    return worker.job.left()
