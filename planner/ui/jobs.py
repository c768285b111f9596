"""Jobs: fits that take long, each in a process of its own, so that the page stays quick and can stop them.

A job is known by a name that nobody can guess; whoever has it sees the job. Between the processes pass texts alone, no
pickles. All jobs end with the server, and the oldest are forgotten.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import planner
from planner.errors import DataError, FitError, InputError, PlannerError
from planner.fitting import Fit, fit
from planner.runs import Runs
from planner.runs.checking import RULES

MOST_AT_ONCE = 2
MOST_WAITING = 20
MOST_KEPT = 40
LONGEST_SECONDS = 600.0

State = Literal["waiting", "running", "done", "failed", "stopped"]
_ENDED = ("done", "failed", "stopped")
_CARRIED = (*RULES, "trunk", "source_row", "flops_measured", "loss_unit", "counting")
_OF_RUNS = ("counting", "loss_unit", "source", "failed")
_STAGES = {
    "starting": ("Starting", 0.05),
    "reading": ("Reading the runs", 0.15),
    "fitting": ("Choosing the form, and fitting it to 1,000 resamples of the runs", 0.3),
    "saving": ("Writing the law", 0.95),
}
"""What is said of each stage, and the share of the work that usually lies before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a job stands: its state, what it does, the share of work before that, whole seconds so far, its error."""

    state: State
    doing: str = ""
    share: float = 0.0
    seconds: int = 0
    error: PlannerError | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in _ENDED


@dataclass(slots=True)
class _Job:
    folder: Path
    state: State = "waiting"
    began: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    error: PlannerError | None = None


@dataclass(slots=True, weakref_slot=True, eq=False)
class Jobs:
    """All jobs of one server. At most `MOST_AT_ONCE` run; the others wait their turn."""

    _home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="planner-")))
    _jobs: dict[str, _Job] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        weakref.finalize(self, _close, self._home, self._jobs)

    def __contains__(self, name: str) -> bool:
        return name in self._jobs

    def start(self, runs: Runs) -> str:
        """The name of a new job that fits `runs`.

        Raises:
            InputError: too many jobs are waiting.
        """
        with self._lock:
            self._go_on()
            if sum(job.state == "waiting" for job in self._jobs.values()) >= MOST_WAITING:
                raise InputError("Too many fits are waiting on this server.", mend="Try again in some minutes.")
            name = secrets.token_urlsafe(16)
            folder = self._home / name
            folder.mkdir()
            (folder / "runs.json").write_text(_text_of(runs), encoding="utf-8")
            self._jobs[name] = _Job(folder)
            self._forget()
            self._go_on()
            return name

    def status(self, name: str) -> Status:
        """Where the job stands.

        Raises:
            DataError: this server knows no such job.
        """
        with self._lock:
            self._go_on()
            job = self._job(name)
            seconds = int(time.monotonic() - job.began) if job.began else 0
            doing, share = _doing(job)
            return Status(state=job.state, doing=doing, share=share, seconds=seconds, error=job.error)

    def stop(self, name: str) -> None:
        """End the job if it has not ended."""
        with self._lock:
            job = self._job(name)
            if job.state in ("waiting", "running"):
                _end(job)
                job.state = "stopped"
            self._go_on()

    def result(self, name: str) -> Fit:
        """What the job found.

        Raises:
            DataError: there is no such job, or it has no result.
        """
        with self._lock:
            job = self._job(name)
        if job.state != "done":
            raise DataError("This fit has no result.", mend="Fit the runs again.")
        return Fit.load(job.folder / "fit.json")

    def _job(self, name: str) -> _Job:
        if name not in self._jobs:
            raise DataError(
                "This server does not know the fit that the link names.",
                mend="It was restarted, or did many others since. Upload the runs and fit them again.",
            )
        return self._jobs[name]

    def _go_on(self) -> None:
        """Note which jobs have ended, and begin those whose turn it is."""
        running = [job for job in self._jobs.values() if job.state == "running"]
        for job in running:
            _look_at(job)
        free = MOST_AT_ONCE - sum(job.state == "running" for job in running)
        waiting = [job for job in self._jobs.values() if job.state == "waiting"]
        for job in waiting[: max(0, free)]:
            _begin(job)

    def _forget(self) -> None:
        ended = [name for name, job in self._jobs.items() if job.state in _ENDED]
        for name in ended[: max(0, len(self._jobs) - MOST_KEPT)]:
            shutil.rmtree(self._jobs.pop(name).folder, ignore_errors=True)


def _close(home: Path, jobs: dict[str, _Job]) -> None:
    for job in jobs.values():
        _end(job)
    shutil.rmtree(home, ignore_errors=True)


def _begin(job: _Job) -> None:
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    job.process = subprocess.Popen(
        [sys.executable, "-m", "planner.ui.jobs", str(job.folder)],
        cwd=Path(planner.__file__).parents[1],
        env=os.environ | one_thread,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    job.state, job.began = "running", time.monotonic()


def _look_at(job: _Job) -> None:
    if job.process is not None and job.process.poll() is None:
        if time.monotonic() - job.began > LONGEST_SECONDS:
            _end(job)
            job.state = "failed"
            job.error = FitError("The fit took too long and was ended.", mend="Give fewer runs.")
        return
    job.state = "done" if (job.folder / "fit.json").is_file() else "failed"
    if job.state == "failed":
        job.error = _error_of(job.folder)


def _error_of(folder: Path) -> PlannerError:
    try:
        said = json.loads((folder / "error.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return FitError("The fit ended without a result.", mend="Fit the runs again; give fewer if memory is short.")
    return FitError(said["problem"], mend=said["mend"])


def _end(job: _Job) -> None:
    if job.process is not None and job.process.poll() is None:
        job.process.kill()
        job.process.wait()


def _doing(job: _Job) -> tuple[str, float]:
    if job.state != "running":
        return "", 0.0
    try:
        stage = (job.folder / "stage").read_text(encoding="utf-8")
    except OSError:
        stage = ""
    return _STAGES.get(stage, _STAGES["starting"])


def _text_of(runs: Runs) -> str:
    """The runs as JSON, with the columns that a fit reads; what is empty becomes null."""
    frame = runs.frame[[name for name in _CARRIED if name in runs.frame]]
    cells = {name: _plain(frame[name].tolist()) for name in frame}
    return json.dumps({**{name: getattr(runs, name) for name in _OF_RUNS}, "left_out": runs.left_out, "frame": cells})


def _plain(cells: Sequence[Any]) -> list[Any]:
    return [
        None if cell is None or cell != cell else cell if isinstance(cell, float | int) else str(cell) for cell in cells
    ]


def _runs_of(text: str) -> Runs:
    import pandas as pd

    record = json.loads(text)
    frame = pd.DataFrame(record.pop("frame"))
    numbers = {name: frame[name].astype(float) for name in RULES if name in frame}
    return Runs(frame=frame.assign(**numbers), left_out=tuple(record.pop("left_out")), **record)


def work(folder: Path) -> None:
    """Fit the runs in `folder` and write the fit there, or why there is none."""

    def tell(stage: str) -> None:
        (folder / "stage").write_text(stage, encoding="utf-8")

    tell("reading")
    try:
        runs = _runs_of((folder / "runs.json").read_text(encoding="utf-8"))
        tell("fitting")
        found = fit(runs)
        tell("saving")
        found.save(folder / "draft")
    except PlannerError as error:
        said = {"problem": error.problem, "mend": error.mend}
        (folder / "error.json").write_text(json.dumps(said), encoding="utf-8")
        return
    (folder / "draft").rename(folder / "fit.json")


if __name__ == "__main__":
    os.nice(5)
    work(Path(sys.argv[1]))
