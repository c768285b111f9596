"""A real process, really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from experiments.ledger import Ledger
from experiments.run_sweep import run_sweep
from experiments.sweeps import load_sweep

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60

SWEEP = """
title = "Long enough to be interrupted"
context = 32
batch = 4
tokens = [4096, 8192, 12288, 16384, 32768]
sizes = [{ layers = 2, width = 32 }, { layers = 3, width = 32 }]
learning_rate = 0.02
warmup_steps = 5
decay_share = 0.2
evaluation_windows = 32
seeds = [0]
"""


@pytest.fixture(scope="module")
def sweep_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweep") / "long.toml"
    path.write_text(SWEEP)
    return path


@pytest.fixture(scope="module")
def losses(sweep_file: Path, text: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float | None]:
    """Every run's loss where nothing was interrupted."""
    out = tmp_path_factory.mktemp("undisturbed")
    ledger = run_sweep(load_sweep(str(sweep_file)), text, out=out, backend="serial", allow_repeats=True)
    return {record.run: record.loss for record in ledger.records()}


def start(sweep: Path, text: Path, out: Path, backend: str) -> subprocess.Popen[str]:
    words = ["run", sweep, "--corpus", text, "--out", out, "--backend", backend, "--workers", "2", "--allow-repeats"]
    return subprocess.Popen(
        [sys.executable, "-m", "experiments", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def poll(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def recorded(out: Path) -> dict[str, int]:
    """The recorded runs with the moment at which each was written."""
    return {path.stem: path.stat().st_mtime_ns for path in (out / "runs").glob("*.json")}


def is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("backend", ["serial", "pool"])
def test_a_killed_sweep_loses_only_the_runs_in_flight_and_repeats_nothing(
    sweep_file: Path, text: Path, tmp_path: Path, losses: dict[str, float | None], backend: str
) -> None:
    process = start(sweep_file, text, tmp_path, backend)
    poll(lambda: len(recorded(tmp_path)) >= 4)
    process.kill()
    process.communicate()
    poll(lambda: is_gone(process.pid))
    kept = recorded(tmp_path)
    assert 4 <= len(kept) < len(losses)
    ledger = run_sweep(load_sweep(str(sweep_file)), text, out=tmp_path, backend="serial", allow_repeats=True)
    assert {record.run: record.loss for record in ledger.records()} == losses
    assert kept.items() <= recorded(tmp_path).items()


@pytest.mark.parametrize("backend", ["serial", "pool"])
def test_ctrl_c_stops_cleanly_and_keeps_what_is_recorded(
    sweep_file: Path, text: Path, tmp_path: Path, losses: dict[str, float | None], backend: str
) -> None:
    process = start(sweep_file, text, tmp_path, backend)
    poll(lambda: len(recorded(tmp_path)) >= 2)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert "Interrupted." in said
    assert "Traceback" not in said
    poll(lambda: is_gone(process.pid))
    assert 2 <= len(Ledger(tmp_path).records()) < len(losses)


def test_ctrl_c_before_the_first_step_is_clean_too(sweep_file: Path, text: Path, tmp_path: Path) -> None:
    process = start(sweep_file, text, tmp_path, "pool")
    poll((tmp_path / "sweep.json").exists)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in said
    poll(lambda: is_gone(process.pid))
