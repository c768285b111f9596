"""Sweeps as real processes that are really killed, and the tally of what that cost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 240
MOST_COMPLAINTS = 5

RAY_WORKERS = ("ray::work", "ray::IDLE")
"""What Ray calls its processes that do tasks or wait for one; its others keep a node, which dies with them."""

LOCAL_SLURM = """
import sys
from experiments.backends import slurm
from experiments.__main__ import run_main
slurm.CLUSTER = "local"
run_main()
"""


def start(
    sweep: Path,
    text: Path,
    out: Path,
    backend: str,
    *,
    workers: int | None = 2,
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[str]:
    """`python -m experiments run` in a session of its own; Slurm's jobs are then processes of this machine."""
    program = ["-c", LOCAL_SLURM] if backend == "slurm" else ["-m", "experiments"]
    words = ["run", sweep, "--corpus", text, "--out", out, "--backend", backend, "--allow-repeats"]
    words += ["--workers", workers] if workers else []
    return subprocess.Popen(
        [sys.executable, *program, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def poll(reached: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def recorded(out: Path) -> dict[str, int]:
    """The recorded runs with the moment at which each was written."""
    return {path.stem: path.stat().st_mtime_ns for path in (out / "runs").glob("*.json")}


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The process and all that it started, as far as they still are its descendants."""
    try:
        driver = psutil.Process(process.pid)
        return [driver, *driver.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def workers_of(backend: str, members: list[psutil.Process]) -> list[psutil.Process]:
    """Those that work for a driver: what Ray calls its workers, or with other backends all that keep no others."""
    found = []
    for member in members:
        with suppress(psutil.NoSuchProcess, IndexError):
            if member.cmdline()[0].startswith(RAY_WORKERS) if backend == "ray" else not member.children():
                found.append(member)
    return found


def kill(process: psutil.Process) -> bool:
    """Kill a process, and say whether it was there."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def is_gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them is left; nobody here collects those that lost their parent."""
    return not any(map(_is_alive, processes))


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


@dataclass
class Tally:
    """What chaos did: kills of drivers and of workers, and records that changed after they were first seen."""

    drivers: int = 0
    workers: int = 0
    changed: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.drivers + other.drivers,
            self.workers + other.workers,
            self.changed + other.changed,
            self.complaints + other.complaints,
        )

    @property
    def kills(self) -> int:
        """All kills."""
        return self.drivers + self.workers


def chaos(sweep: Path, text: Path, out: Path, backend: str, *, kills: int, seed: int, driver_share: float) -> Tally:
    """Run a sweep to its end, with `kills` SIGKILLs at random moments, a `driver_share` of them to the driver itself.

    Moments are random in the work: the next kill comes some records, or some tenths of a second, after the last one.
    """
    chance, tally, seen = random.Random(seed), Tally(), dict[str, int]()
    while True:
        process = start(sweep, text, out, backend)
        while process.poll() is None and tally.kills < kills:
            _wait(process, out, chance)
            _note(tally, seen, out)
            _strike(process, backend, tally, chance, driver_share)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        _note(tally, seen, out)
        if process.returncode == 0 and not any((out / "failures").iterdir()):
            return tally
        if process.returncode != -signal.SIGKILL:
            tally.complaints.append(said)
            assert len(tally.complaints) <= MOST_COMPLAINTS, said


def _wait(process: subprocess.Popen[str], out: Path, chance: random.Random) -> None:
    """Wait for some new records and a little longer."""
    more = len(recorded(out)) + chance.choice((0, 0, 1))
    poll(lambda: process.poll() is not None or ((out / "sweep.json").exists() and len(recorded(out)) >= more))
    time.sleep(chance.uniform(0, 0.7))


def _strike(
    process: subprocess.Popen[str], backend: str, tally: Tally, chance: random.Random, driver_share: float
) -> None:
    members = family(process)
    workers = workers_of(backend, members[1:])
    if not members:
        return
    if backend == "serial" or chance.random() < driver_share:
        tally.drivers += kill(members[0])
        process.wait()
        poll(lambda: is_gone(members[1:]))
    elif workers:
        tally.workers += kill(chance.choice(workers))


def _note(tally: Tally, seen: dict[str, int], out: Path) -> None:
    now = recorded(out)
    tally.changed += [run for run, moment in seen.items() if now.get(run) != moment]
    seen.update(now)
