from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from experiments.board import Board
from experiments.following import Ended, Went
from experiments.ledger import Progress, record_of
from planner.errors import MissingExtra

if TYPE_CHECKING:
    from pathlib import Path

    from experiments.config import Config


def test_a_run_becomes_a_curve(config: Config, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    record = record_of(
        config,
        "abc",
        loss=2.0,
        loss_error=0.1,
        bits_per_byte=1.0,
        unique_tokens=1,
        tokens_done=1,
        seconds=1.0,
        status="ok",
        reason="",
    )
    with Board(tmp_path) as board:
        board(Went(config, Progress(run="abc", step=3, loss=2.5, tokens_per_second=1e3, device="cpu")))
        board(Ended(config, record))
    (folder,) = (tmp_path / "board").iterdir()
    assert folder.name == "2x16, 8.19K tokens, seed 0"
    raw = b"".join(path.read_bytes() for path in folder.iterdir())
    for curve in (b"loss/held_out", b"loss/training", b"tokens_per_second"):
        assert curve in raw


def test_without_its_package_a_board_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.board.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"planner\[board\]"):
        Board(tmp_path)
