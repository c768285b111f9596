"""Files are whole or not there, whatever goes wrong while they are written."""

from __future__ import annotations

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from experiments import files
from experiments.files import (
    DRAFT,
    STALE_SECONDS,
    DiskFull,
    TooLarge,
    clear_drafts,
    note_bytes,
    reading,
    write_note,
    write_once,
    write_whole,
)
from planner.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_note_comes_back_as_it_was(tmp_path: Path) -> None:
    write_note(tmp_path / "note", {"a": [1, 0.1, None], "b": "x"})
    with reading(tmp_path / "note", mend="") as note:
        assert note == {"a": [1, 0.1, None], "b": "x"}
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


def test_no_changed_or_missing_byte_of_a_note_goes_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "note"
    value = {"loss": 2.125, "run": "abc"}
    raw = note_bytes(value)
    unnoticed = []
    for place in range(len(raw)):
        for damaged in (raw[:place], raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]):
            path.write_bytes(damaged)
            with suppress(DataError), reading(path, mend="") as note:
                unnoticed.append(note)
    # What is left are bytes between the values, which say nothing.
    assert all(note == value for note in unnoticed)


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (KeyError("b"), "it does not say 'b'"),
        (TypeError("unexpected"), "it says other things than this one"),
        (InputError("No such size."), "No such size"),
    ],
)
def test_what_the_reader_cannot_use_is_of_another_version(tmp_path: Path, failure: Exception, says: str) -> None:
    write_note(tmp_path / "note", {"a": 1})
    with pytest.raises(DataError, match=f"written by another version of this program: {says}") as caught:  # noqa: SIM117
        with reading(tmp_path / "note", mend=""):
            raise failure
    assert "Error" not in caught.value.problem


@pytest.mark.parametrize("content", [b"{}", b"[]", b"5", b'{"a": 1}'])
def test_a_note_without_its_checksum_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "note").write_bytes(content)
    with pytest.raises(DataError, match="note is damaged: it has no checksum"), reading(tmp_path / "note", mend=""):
        pass


def test_a_limit_on_the_size_of_files_is_said_with_its_own_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EFBIG, "File too large")

    monkeypatch.setattr(files.os, "fsync", refuse)
    with pytest.raises(TooLarge, match="ulimit -f"):
        write_whole(tmp_path / "kept", lambda file: file.write(b"new"))
    assert not list(tmp_path.iterdir())


def test_of_many_writers_at_once_one_succeeds(tmp_path: Path) -> None:
    def write(number: int) -> bool:
        return write_once(tmp_path / "one", lambda file: file.write(str(number).encode()))

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(write, range(32)))
    assert sum(won) == 1
    assert (tmp_path / "one").read_text() == str(won.index(True))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_system_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert write_once(tmp_path / "one", lambda file: file.write(b"first"))
    assert not write_once(tmp_path / "one", lambda file: file.write(b"second"))
    assert (tmp_path / "one").read_bytes() == b"first"


@pytest.mark.parametrize(
    ("write", "call"),
    [(write_whole, call) for call in ("fsync", "open", "replace")]
    + [(write_once, call) for call in ("fsync", "open", "link")],
)
def test_a_full_disk_is_said_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Any], call: str
) -> None:
    path = tmp_path / "kept"
    if write is write_whole:
        path.write_bytes(b"old")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, call, refuse)
    with pytest.raises(DiskFull, match="The disk is full") as caught:
        write(path, lambda file: file.write(b"new"))
    monkeypatch.undo()
    assert "run the same command again" in caught.value.mend
    assert [file.name for file in tmp_path.iterdir() if file.read_bytes() != b"old"] in ([], ["kept"])
    write(tmp_path / "other", lambda file: file.write(b"new"))


def test_only_drafts_without_a_writer_are_cleared(tmp_path: Path) -> None:
    young, old = (tmp_path / f"{name}{DRAFT}" for name in ("young", "old"))
    for draft in (young, old):
        draft.write_text("")
    before = time.time() - STALE_SECONDS - 1
    os.utime(old, (before, before))
    clear_drafts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [young.name]
