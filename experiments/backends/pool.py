"""A fresh process on this machine for every job, with one thread each, several side by side on cores or on GPUs.

The processes are forked from a server that has imported torch once, so that each begins within milliseconds. Each is
held by a pipe: its end here tells when the process is gone, and its end there tells the process that nobody waits.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from typing import TYPE_CHECKING

from experiments.jobs import GRACE_SECONDS, POLL_SECONDS, after_death, work
from experiments.ledger import Stop
from experiments.machine import cores, gpus
from planner.errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

    from experiments.jobs import Job, Outcome

WHY = "Its process ended without a word, again and again; the system may be out of memory. Try fewer --workers."

PRELOADED = ["experiments.train", "experiments.watching", "torch._dynamo"]
"""What every process needs, imported once for all; the last is what torch's optimisers import when they are made."""

ROUNDING = 1e-6
"""Shares of a GPU that add up to so little above one still fit."""

MOST_STARTS = 5
"""So often a process is tried to be started; the server that forks them may have been killed and is then made anew."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that does `job`, on the GPU with this number or on a core."""

    job: Job
    gpu: int | None
    process: ForkServerProcess
    pipe: Connection


def run(jobs: Sequence[Job], *, workers: int | None, poll: Callable[[], None]) -> None:
    """Do all jobs in at most `workers` processes at once; None for one per core, or for as many as fit on the GPUs."""
    waiting, busy = deque(jobs), list[Worker]()
    deaths: Counter[tuple[str, int]] = Counter()
    room = Room(len(gpus()) if jobs[0].device == "cuda" else 0, workers)
    try:
        while waiting or busy:
            for job, gpu in room.fill(waiting, busy):
                busy.append(_begin(job, gpu))
            for worker in _ended(busy):
                busy.remove(worker)
                left = _after(worker, deaths)
                if left is not None:
                    waiting.appendleft(left)
            poll()
    except Stop:
        _let_hold(busy)
        raise
    finally:
        for worker in busy:
            _end(worker)


class Room:
    """Who fits where: as many jobs as there are workers, or as the shares of the GPUs allow."""

    def __init__(self, gpus: int, workers: int | None) -> None:
        self._gpus = gpus
        self._workers = workers or (cores() if not gpus else None)

    def fill(self, waiting: deque[Job], busy: Sequence[Worker]) -> Iterator[tuple[Job, int | None]]:
        """The jobs to begin beside the `busy` ones, each taken from `waiting` and with its GPU."""
        taken = [sum(worker.job.share for worker in busy if worker.gpu == gpu) for gpu in range(self._gpus)]
        free = len(waiting) if self._workers is None else self._workers - len(busy)
        for job in list(waiting):
            if free <= 0:
                return
            gpu = min(range(self._gpus), key=taken.__getitem__) if self._gpus else None
            if gpu is not None and taken[gpu] + job.share > 1 + ROUNDING:
                continue
            if gpu is not None:
                taken[gpu] += job.share
            free -= 1
            waiting.remove(job)
            yield job, gpu


def _begin(job: Job, gpu: int | None) -> Worker:
    """A process that does `job`."""
    for _ in range(MOST_STARTS):
        try:
            return _started(job, gpu)
        except (OSError, EOFError) as error:
            refusal = error
            time.sleep(POLL_SECONDS)
    raise PlannerError(
        f"No process can be started here: {refusal!r}.",
        mend="Close other programs, or run the same command with fewer --workers.",
    ) from refusal


def _started(job: Job, gpu: int | None) -> Worker:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(job, gpu, there))
    with _interrupts_held(), there:
        process.start()
    return Worker(job, gpu, process, here)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes started here are deaf to Ctrl-C, which their parent handles for them; ours waits until we are done."""
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(job: Job, gpu: int | None, pipe: Connection) -> None:
    """Do `job`, say what became of it, and end with whoever waits for it."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = _visible(gpu)
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    pipe.send(work(job))


def _visible(gpu: int) -> str:
    """What names the GPU with this number among those that this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[gpu] if named else str(gpu)


def _end_with(pipe: Connection) -> None:
    pipe.poll(None)
    os._exit(1)


def _ended(busy: Sequence[Worker]) -> list[Worker]:
    """The workers that have said something or are gone, as soon as there is one, or none after a while."""
    ready = connection.wait([worker.pipe for worker in busy], POLL_SECONDS)
    return [worker for worker in busy if worker.pipe in ready]


def _after(worker: Worker, deaths: Counter[tuple[str, int]]) -> Job | None:
    """What is left to do of what `worker` did."""
    try:
        outcome: Outcome | None = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        outcome = None
    _end(worker)
    if outcome is None:
        return after_death(worker.job, deaths, WHY)
    if isinstance(outcome, Exception):
        raise outcome
    return worker.job.left()


def _let_hold(busy: Sequence[Worker]) -> None:
    """Let every worker hold its run, and wait until all have or have had time enough."""
    for worker in busy:
        worker.process.terminate()
    deadline, left = time.monotonic() + GRACE_SECONDS, list(busy)
    while left and time.monotonic() < deadline:
        for worker in _ended(left):
            left.remove(worker)


def _end(worker: Worker) -> None:
    """Leave no process behind."""
    worker.pipe.close()
    worker.process.kill()
    worker.process.join()
