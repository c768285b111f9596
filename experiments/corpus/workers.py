"""finish: the same work on many jobs, in worker processes of one thread that end whenever this process does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from experiments.machine import cores
from planner.errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

    Tell = Callable[[str, int, int], None]
    """Is told of a stage as it goes on: its name, how much of it is done, and how much there is."""


class Job(Protocol):
    """Work that knows its size and whether it is done."""

    @property
    def size(self) -> int: ...

    def is_done(self) -> bool: ...


AnyJob = TypeVar("AnyJob", bound=Job)


def silent(stage: str, done: int, total: int) -> None:
    """Keep progress to itself."""


def finish(work: Callable[[AnyJob], object], jobs: Sequence[AnyJob], *, stage: str, tell: Tell) -> None:
    """Do what is missing of `jobs`, on all cores, and tell how far it is."""
    missing = [job for job in jobs if not job.is_done()]
    total = sum(job.size for job in jobs)
    done = total - sum(job.size for job in missing)
    tell(stage, done, total)
    for job in _each(work, missing, workers=cores()):
        done += job.size
        tell(stage, done, total)


def _each(work: Callable[[AnyJob], object], jobs: Sequence[AnyJob], *, workers: int) -> Iterator[AnyJob]:
    """Every job as it is done, in no order; a single one, or a single worker's, are done in this process."""
    if min(workers, len(jobs)) <= 1:
        for job in jobs:
            work(job)
            yield job
        return
    context = multiprocessing.get_context("spawn")
    leash, hold = context.Pipe(duplex=False)
    try:
        with ProcessPoolExecutor(min(workers, len(jobs)), context, _enter, (leash,)) as pool:
            try:
                with _interrupts_held():
                    pending = {pool.submit(work, job): job for job in jobs}
                for future in as_completed(pending):
                    future.result()
                    yield pending[future]
            except BaseException:
                hold.close()
                raise
    except BrokenProcessPool:
        raise PlannerError(
            "A process that prepares the corpus ended without a word; the system may be out of memory.",
            mend="Run the same command again: it goes on with what is missing.",
        ) from None
    finally:
        hold.close()
        leash.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Children started here are deaf to Ctrl-C, which their parent handles for them; ours waits until we are done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _enter(leash: Connection) -> None:
    """Prepare a worker: it ends when nobody holds the other end of its leash, and its libraries use one thread."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    threading.Thread(target=_end_with, args=(leash,), daemon=True).start()


def _end_with(leash: Connection) -> None:
    leash.poll(None)
    os._exit(1)
