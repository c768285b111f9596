"""Ray tasks, on a cluster or on a local one that is started for the sweep. The ledger, not Ray, knows what is done."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections import Counter
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from experiments.jobs import GRACE_SECONDS, POLL_SECONDS, STOP_SIGNALS, after_death, work
from experiments.ledger import Ledger, Stop
from experiments.machine import cores, gpus, let_children_import
from planner.errors import InputError, MissingExtra, PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from experiments.jobs import Job

ADDRESS = "RAY_ADDRESS"
"""The environment variable that chooses the cluster, as host:port; without it the sweep starts a local one."""

PREFLIGHT_SECONDS = 5.0
"""How long a cluster may take to accept a connection. Ray itself would try for many minutes."""

SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
"""No telemetry, and workers as important as other programs; Ray reads both when it is imported or started."""

WHY = "Its Ray worker ended again and again"

NO_FAULT = ("NodeDiedError", "ObjectLostError", "OwnerDiedError")
"""What ends a task for no fault of its run, which is then sent again however often it happens."""

LOST = ("LocalRayletDiedError", "RaySystemError")
"""What Ray raises once this process has lost the cluster."""


def run(jobs: Sequence[Job], *, workers: int | None, poll: Callable[[], None]) -> None:
    """Do all jobs as Ray tasks; None workers for as many at once as the cluster has room for."""
    if find_spec("ray") is None:
        raise MissingExtra.of("ray", extra="ray")
    with _cluster(workers) as ray:
        _check_gpus(ray, jobs)
        errand = Errand(ray, list(jobs), workers)
        try:
            _do(errand, poll)
        except ray.exceptions.RayError as error:
            raise _lost(error) from error
        finally:
            errand.cancel()


def _do(errand: Errand, poll: Callable[[], None]) -> None:
    try:
        while errand.waiting or errand.busy:
            errand.send()
            errand.collect()
            poll()
    except Stop:
        errand.hold()
        raise


def _lost(error: Exception) -> PlannerError:
    """The error for a cluster that does not answer any more."""
    return PlannerError(
        f"The Ray cluster was lost: {type(error).__name__}.",
        mend="Run the same command again: it does what is missing.",
    )


class Errand:
    """Jobs out on a cluster, those that wait, and how often each run has ended its worker."""

    def __init__(self, ray: Any, waiting: list[Job], most: int | None) -> None:
        self.waiting = waiting
        self.busy: dict[Any, Job] = {}
        self._ray, self._most = ray, most
        self._deaths: Counter[tuple[str, int]] = Counter()
        # A task is sent anew by us, not by Ray, which would repeat one that runs out of memory for ever.
        self._task = ray.remote(max_retries=0)(work)

    def send(self) -> None:
        """Give the cluster as many jobs as it may have."""
        while self.waiting and (self._most is None or len(self.busy) < self._most):
            job = self.waiting.pop(0)
            gpus = job.share if job.device == "cuda" else 0
            task = self._task.options(num_cpus=job.processes, num_gpus=gpus)
            self.busy[task.remote(job)] = job

    def collect(self) -> None:
        """Take note of the tasks that ended, after a short wait for one, and of jobs that are recorded all the same."""
        ended, _ = self._ray.wait(list(self.busy), timeout=POLL_SECONDS)
        for task in ended:
            self._again(self._after(task, self.busy.pop(task)))
        # A worker that is cut off from Ray may still reach the ledger: Ray would give up on it minutes later only.
        recorded = {folder: Ledger(folder).recorded() for folder in {job.folder for job in self.busy.values()}}
        self.busy = {task: job for task, job in self.busy.items() if job.without(recorded[job.folder]) is not None}

    def hold(self) -> None:
        """Let every worker hold its run, and wait until all have or have had time enough."""
        ledgers = {job.folder: Ledger(job.folder) for job in self.busy.values()}
        for ledger in ledgers.values():
            ledger.stop()
        if self.busy:
            self._ray.wait(list(self.busy), num_returns=len(self.busy), timeout=GRACE_SECONDS)

    def cancel(self) -> None:
        """Leave no task behind."""
        for task in self.busy:
            self._ray.cancel(task, force=True)

    def _after(self, task: Any, job: Job) -> Job | None:
        try:
            outcome = self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            return self._after_loss(job, error)
        if isinstance(outcome, Exception):
            raise outcome
        return job.left()

    def _after_loss(self, job: Job, error: Exception) -> Job | None:
        what = type(error).__name__
        if what in LOST:
            raise error
        if isinstance(error, self._ray.exceptions.RayTaskError):
            raise PlannerError(
                f"A Ray worker could not begin: {_last_line(error)}.",
                mend="Every node needs this folder at the same place, and Python packages of the same versions.",
            ) from error
        if what in NO_FAULT:
            return job.left()
        return after_death(job, self._deaths, f"{WHY}: {what}.")

    def _again(self, job: Job | None) -> None:
        if job is not None:
            self.waiting.insert(0, job)


@contextmanager
def _cluster(workers: int | None) -> Iterator[Any]:
    """Ray, connected to the cluster at RAY_ADDRESS or to a local one that ends with the sweep."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    let_children_import()
    import ray

    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get(ADDRESS)
    if address:
        _knock(address)
    here: dict[str, Any] = {"num_cpus": workers or cores(), "num_gpus": len(gpus()), "include_dashboard": False}
    try:
        _join(ray, address or "local", {} if address else here)
        yield ray
    finally:
        ray.shutdown()


def _join(ray: Any, address: str, settings: dict[str, Any]) -> None:
    """Connect to the cluster at `address`; Ray ends the program where what listens there is no cluster."""
    try:
        with _our_signals():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **settings)
    except (ConnectionError, RuntimeError, ValueError, SystemExit) as error:
        raise PlannerError(
            f"No Ray cluster could be used at {address}: {_last_line(error)}.",
            mend="A running cluster needs the port that ray start prints, the same versions of Ray and Python as here, "
            "and where it wants a token RAY_AUTH_MODE=token; a local one needs free memory.",
        ) from error


def _last_line(error: BaseException) -> str:
    """What `error` says in the end, after the traceback of another process."""
    lines = str(error).strip().splitlines()
    return lines[-1].rstrip(".") if lines else type(error).__name__


@contextmanager
def _our_signals() -> Iterator[None]:
    """Leave the handlers of signals as they were, which Ray replaces."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def _knock(address: str) -> None:
    """Raise where nothing listens at `address`."""
    host, _, port = address.rpartition(":")
    wrong = f"{ADDRESS} is {address!r}"
    mend = f"Set {ADDRESS} to host:port of a running cluster (ray start prints it), or unset it for a local one."
    if not host or "/" in host or not port.isdecimal():
        raise InputError(f"{wrong}, which is no host:port.", mend=mend)
    try:
        socket.create_connection((host, int(port)), timeout=PREFLIGHT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise InputError(
            f"{wrong}, but nothing answers there: {getattr(error, 'strerror', None) or error}.", mend=mend
        ) from error


def _check_gpus(ray: Any, jobs: Sequence[Job]) -> None:
    """Raise where a job needs more GPUs than any machine of the cluster has: Ray would wait for them for ever."""
    most = max((node["Resources"].get("GPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    needed = max(job.share for job in jobs)
    if jobs[0].device == "cpu" or needed <= most:
        return
    if not most:
        raise InputError("The Ray cluster has no GPU.", mend="Add a node with one, or give --device cpu.")
    raise InputError(
        f"A run is to take {needed:.0f} GPUs; no machine of the Ray cluster has more than {most:.0f}.",
        mend=f"Give --gpus-per-run {most:.0f}, or add a larger machine.",
    )
