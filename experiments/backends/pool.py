"""Worker processes on this machine, one thread each: side by side they beat one process with as many threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING

from experiments.jobs import do
from planner.errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.queues import SimpleQueue

    from experiments.jobs import Event, Job

POLL_SECONDS = 0.1


def run(jobs: Sequence[Job], *, workers: int, emit: Callable[[Event], None]) -> None:
    """Do all jobs in at most `workers` processes, which end at once where this one fails, is interrupted or dies."""
    context = multiprocessing.get_context("spawn")
    events: SimpleQueue[Event] = context.SimpleQueue()
    leash, hold = context.Pipe(duplex=False)
    try:
        with ProcessPoolExecutor(min(workers, len(jobs)), context, _enter, (events, leash)) as pool:
            try:
                with _interrupts_held():
                    pending = {pool.submit(do, job, _emit) for job in jobs}
                while pending:
                    done, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                    while not events.empty():
                        emit(events.get())
                    for future in done:
                        future.result()
            except BaseException:
                hold.close()
                raise
    except BrokenProcessPool:
        raise PlannerError(
            "A worker process ended without a word; the system may be out of memory.",
            mend="Run the same command again: it goes on with what is missing. Try fewer --workers.",
        ) from None
    finally:
        for end in (hold, leash, events):
            end.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Children started here are deaf to Ctrl-C, which their parent handles for them; ours waits until we are done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_events: SimpleQueue[Event]


def _enter(events: SimpleQueue[Event], leash: Connection) -> None:
    """Prepare a worker: where its events go, and that it ends when nobody holds the other end of its leash."""
    global _events
    _events = events
    threading.Thread(target=_end_with, args=(leash,), daemon=True).start()


def _end_with(leash: Connection) -> None:
    leash.poll(None)
    os._exit(1)


def _emit(event: Event) -> None:
    _events.put(event)
