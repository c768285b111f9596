"""Real processes, really killed. tests/benchmarks/faults.py kills far more often, and Ray's in test_ray.py."""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from experiments.ledger import Ledger
from experiments.run_sweep import run_sweep
from experiments.sweeps import load_sweep
from tests.experiments.chaos import PATIENCE_SECONDS, chaos, family, is_gone, poll, recorded, start

if TYPE_CHECKING:
    from pathlib import Path

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

TEMPORARY_FAILURE = 75

LOCAL = ["serial", "pool"]
SLURM = pytest.param(
    "slurm", marks=pytest.mark.skipif(find_spec("submitit") is None, reason="submitit is not installed")
)


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


@pytest.mark.parametrize("backend", LOCAL)
def test_random_kills_lose_nothing_double_nothing_and_change_nothing(
    sweep_file: Path, text: Path, tmp_path: Path, losses: dict[str, float | None], backend: str
) -> None:
    tally = chaos(sweep_file, text, tmp_path, backend, kills=3, seed=1, driver_share=0.3)
    assert tally.kills
    assert (tally.changed, tally.complaints) == ([], [])
    assert {record.run: record.loss for record in Ledger(tmp_path).records()} == losses


@pytest.mark.parametrize("backend", [*LOCAL, SLURM])
def test_told_to_stop_a_sweep_holds_its_runs_and_goes_on_from_there(
    sweep_file: Path, text: Path, tmp_path: Path, losses: dict[str, float | None], backend: str
) -> None:
    process = start(sweep_file, text, tmp_path, backend)
    poll(lambda: bool(recorded(tmp_path)))
    members = family(process)
    os.kill(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == TEMPORARY_FAILURE, said
    assert "The sweep was told to stop." in said
    assert "Traceback" not in said
    poll(lambda: is_gone(members))
    kept = recorded(tmp_path)
    held = [path for path in (tmp_path / "trunks").rglob("*.safetensors") if not path.stem.isdecimal()]
    assert held
    assert len(kept) < len(losses)
    ledger = run_sweep(load_sweep(str(sweep_file)), text, out=tmp_path, backend="serial", allow_repeats=True)
    assert {record.run: record.loss for record in ledger.records()} == losses
    assert kept.items() <= recorded(tmp_path).items()
    assert not any(path.exists() for path in held)


def test_ctrl_c_stops_cleanly_and_keeps_what_is_recorded(
    sweep_file: Path, text: Path, tmp_path: Path, losses: dict[str, float | None]
) -> None:
    process = start(sweep_file, text, tmp_path, "pool")
    poll(lambda: len(recorded(tmp_path)) >= 2)
    members = family(process)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, said
    assert "Interrupted." in said
    assert "Traceback" not in said
    poll(lambda: is_gone(members))
    assert 2 <= len(Ledger(tmp_path).records()) < len(losses)


def test_ctrl_c_before_the_first_step_is_clean_too(sweep_file: Path, text: Path, tmp_path: Path) -> None:
    process = start(sweep_file, text, tmp_path, "pool")
    poll((tmp_path / "sweep.json").exists)
    members = family(process)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    poll(lambda: is_gone(members))


def test_of_two_sweeps_on_one_folder_one_goes_on_and_the_other_says_so(
    tiny_file: Path, text: Path, tmp_path: Path
) -> None:
    both = [start(tiny_file, text, tmp_path, "serial") for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE_SECONDS)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2]
    assert any("Another sweep is running" in words for words in said)
    assert [record.status for record in Ledger(tmp_path).records()] == ["ok"] * 6
