"""A disk that fills up while a sweep runs: it is said, nothing is lost, and with room again the sweep goes on."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from experiments import files
from experiments.files import DiskFull
from experiments.ledger import Ledger
from experiments.run_sweep import run_sweep
from tests.experiments.chaos import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from experiments.config import Sweep


@pytest.fixture(scope="module")
def losses(tiny: Sweep, text: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float | None]:
    """Every run's loss where the disk had room."""
    ledger = run_sweep(tiny, text, out=tmp_path_factory.mktemp("roomy"), backend="serial")
    return {record.run: record.loss for record in ledger.records()}


class Full:
    """A disk that refuses the call of this number and every later one."""

    def __init__(self, call: int, real: Callable[[int], None]) -> None:
        self.left, self._real = call, real

    def __call__(self, handle: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._real(handle)


def test_wherever_the_disk_fills_up_a_sweep_says_so_and_can_go_on(
    tiny: Sweep, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, losses: dict[str, float | None]
) -> None:
    real, refused, left = os.fsync, 0, True
    while left:
        before = recorded(tmp_path)
        monkeypatch.setattr(files.os, "fsync", Full(refused, real))
        with suppress(DiskFull):
            run_sweep(tiny, text, out=tmp_path, backend="serial")
            left = False
        monkeypatch.setattr(files.os, "fsync", real)
        refused += left
        assert before.items() <= recorded(tmp_path).items()
    ledger = Ledger(tmp_path)
    assert refused > 10
    assert {record.run: record.loss for record in ledger.records()} == losses


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory with room for the text and little else."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("backend", ["serial", "pool"])
def test_a_disk_that_is_really_full_loses_nothing(
    tiny: Sweep, text: Path, small_disk: Path, backend: str, losses: dict[str, float | None]
) -> None:
    kilobytes, left = 320, True
    while left:
        before = recorded(small_disk)
        try:
            run_sweep(tiny, text, out=small_disk, backend=backend, workers=2)
            left = False
        except (DiskFull, OSError) as error:
            full = isinstance(error, DiskFull) or error.errno == errno.ENOSPC
        assert not left or full
        assert before.items() <= recorded(small_disk).items()
        kilobytes += 60 * left
        subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", small_disk], check=True)
    assert kilobytes > 320
    ledger = Ledger(small_disk)
    assert {record.run: record.loss for record in ledger.records()} == losses
