"""Child: a process of this machine that works for this one, is heard through a pipe and never outlives it.

Children are forked from a server that has imported torch once, so that each begins within milliseconds. The pipe's end
here tells when the process is gone, and its end there tells the process that nobody waits.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from typing import TYPE_CHECKING, Any

from experiments.jobs import GRACE_SECONDS, POLL_SECONDS
from planner.errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

    Work = Callable[..., None]

PRELOADED = ["experiments.train", "experiments.watching", "torch._dynamo"]
"""What every process needs, imported once for all; the last is what torch's optimisers import when they are made."""

MOST_STARTS = 5
"""So often a process is tried to be started; the server that forks them may have been killed and is then made anew."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process and this process's end of the pipe to it."""

    process: ForkServerProcess
    pipe: Connection

    @classmethod
    def begin(cls, work: Work, *args: Any) -> Child:
        """A process that calls `work` with its end of the pipe and `args`.

        Raises:
            PlannerError: the system starts no process.
        """
        for _ in range(MOST_STARTS):
            try:
                return _started(work, args)
            except (OSError, EOFError) as error:
                refusal = error
                time.sleep(POLL_SECONDS)
        raise PlannerError(
            f"No process can be started here: {refusal!r}.",
            mend="Close other programs, or run the same command with fewer --workers.",
        ) from refusal

    def said(self) -> Any:
        """The next thing that the process says; None once it is gone."""
        try:
            return self.pipe.recv()
        except (EOFError, ConnectionResetError):
            return None

    def end(self) -> None:
        """Leave no process behind."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


def heard(children: Sequence[Child]) -> list[Child]:
    """The children that have said something or are gone, as soon as there is one, or none after a while."""
    ready = connection.wait([child.pipe for child in children], POLL_SECONDS)
    return [child for child in children if child.pipe in ready]


def let_hold(children: Sequence[Child]) -> None:
    """Tell every child to hold its run, and wait until all are gone or have had time enough."""
    for child in children:
        child.process.terminate()
    deadline, left = time.monotonic() + GRACE_SECONDS, list(children)
    while left and time.monotonic() < deadline:
        for child in heard(left):
            if child.said() is None:
                left.remove(child)


def _started(work: Work, args: tuple[Any, ...]) -> Child:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(work, there, args))
    with _interrupts_held(), there:
        process.start()
    return Child(process, here)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes started here are deaf to Ctrl-C, which their parent handles for them; ours waits until we are done."""
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(work: Work, pipe: Connection, args: tuple[Any, ...]) -> None:
    """Do `work`, and end with whoever waits for it."""
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    work(pipe, *args)


def _end_with(pipe: Connection) -> None:
    pipe.poll(None)
    os._exit(1)
