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
    from multiprocessing.queues import SimpleQueue
    from multiprocessing.synchronize import Event as Flag

    from experiments.jobs import Event, Job

POLL_SECONDS = 0.1


def run(jobs: Sequence[Job], *, workers: int, emit: Callable[[Event], None]) -> None:
    """Do all jobs in at most `workers` processes; on an error or Ctrl-C the workers stop after the step they are in."""
    context = multiprocessing.get_context("spawn")
    events: SimpleQueue[Event] = context.SimpleQueue()
    stop = context.Event()
    with ProcessPoolExecutor(min(workers, len(jobs)), context, _enter, (events, stop)) as pool:
        try:
            with _interrupts_held():
                pending = {pool.submit(_work, job) for job in jobs}
            while pending:
                done, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                _drain(events, emit)
                for future in done:
                    future.result()
        except BrokenProcessPool:
            raise PlannerError(
                "A worker process ended without a word; the system may be out of memory.",
                mend="Run the same command again: it goes on with what is missing. Try fewer --workers.",
            ) from None
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            while any(future.running() for future in pending):
                wait(pending, timeout=POLL_SECONDS)
                _drain(events, lambda event: None)


def _drain(events: SimpleQueue[Event], emit: Callable[[Event], None]) -> None:
    while not events.empty():
        emit(events.get())


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Children started here are deaf to Ctrl-C, which their parent handles for them; ours waits until we are done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_channel: tuple[SimpleQueue[Event], Flag]


def _enter(events: SimpleQueue[Event], stop: Flag) -> None:
    """Prepare a worker: where its events go, what stops it, and that it ends with its parent."""
    global _channel
    _channel = events, stop
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _Stopped(Exception):
    """The parent asked this worker to stop."""


def _work(job: Job) -> None:
    events, stop = _channel

    def emit(event: Event) -> None:
        events.put(event)
        if stop.is_set():
            raise _Stopped

    do(job, emit)
