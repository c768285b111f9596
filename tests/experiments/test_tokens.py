from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from experiments.tokens import PASSAGE_BYTES, Order, Windows, build, check
from planner.errors import DataError, InputError


def everything(corpus: object) -> bytes:
    return bytes(corpus.train()) + bytes(corpus.held_out())  # type: ignore[attr-defined]


def lines(*texts: str) -> bytes:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"some text\n"),
        ("a.MD", b"some text\n"),
        ("a.jsonl", lines("some text\n")),
        ("a.jsonl.gz", gzip.compress(lines("some text\n"))),
        ("a.jsonl.bz2", bz2.compress(lines("some text\n"))),
    ],
    ids=["txt", "md", "jsonl", "gz", "bz2"],
)
def test_every_format_gives_the_same_corpus(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(content)
    of_folder = build(tmp_path / "in", tmp_path / "out")
    of_file = build(tmp_path / "in" / name, tmp_path / "out")
    assert everything(of_folder) == b"some text\n\0"
    assert of_folder.fingerprint == of_file.fingerprint
    assert of_folder.skipped == 0


def test_folders_below_are_read_and_hidden_files_are_not(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.txt").write_text("seen")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "b.txt").write_text("unseen")
    (tmp_path / ".c.txt").write_text("unseen")
    assert everything(build(tmp_path, tmp_path / ".out")) == b"seen\0"


def test_exact_duplicates_count_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the same")
    (tmp_path / "b.md").write_text("the same")
    (tmp_path / "c.txt").write_text("another")
    corpus = build(tmp_path, tmp_path / ".out")
    assert (corpus.documents, corpus.duplicates) == (3, 1)
    assert sorted(everything(corpus).split(b"\0")) == [b"", b"another", b"the same"]


def test_binary_empty_and_unknown_files_are_skipped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("text")
    (tmp_path / "zeros.txt").write_bytes(b"\0\1\2")
    (tmp_path / "latin.txt").write_bytes("né".encode("latin-1"))
    (tmp_path / "empty.md").write_bytes(b" \n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "lines.jsonl").write_bytes(lines("fine") + b'{"body": "no text"}\n[1]\nnot json\n\n')
    corpus = build(tmp_path, tmp_path / ".out")
    assert corpus.documents == 2
    assert corpus.skipped == 7


def test_what_is_held_out_is_never_trained_on_and_depends_on_the_text_alone(tmp_path: Path, text: Path) -> None:
    corpus = build(text, tmp_path / "one")
    train, held_out = (set(bytes(part).split(b"\0")) - {b""} for part in (corpus.train(), corpus.held_out()))
    assert train
    assert held_out
    assert not train & held_out
    (tmp_path / "more").mkdir()
    for path in text.iterdir():
        (tmp_path / "more" / f"z{path.name}").write_bytes(path.read_bytes())
    (tmp_path / "more" / "a.txt").write_text("one document more")
    larger = build(tmp_path / "more", tmp_path / "two")
    assert held_out <= set(bytes(larger.held_out()).split(b"\0"))


def test_a_long_document_is_cut_at_line_ends_so_that_part_of_it_is_held_out(tmp_path: Path) -> None:
    whole = "".join(f"line {number}\n" for number in range(400_000))
    (tmp_path / "book.txt").write_text(whole)
    corpus = build(tmp_path, tmp_path / ".out")
    passages = [part for part in everything(corpus).split(b"\0") if part]
    assert corpus.held_out_bytes > 0
    assert max(map(len, passages)) <= PASSAGE_BYTES
    assert all(part.endswith(b"\n") for part in passages)
    assert sum(map(len, passages)) == len(whole)


def test_the_standard_library_is_several_megabytes_of_text(tmp_path: Path) -> None:
    corpus = build(None, tmp_path)
    assert corpus.train_bytes > 4e6
    assert corpus.held_out_bytes > 1.5e5
    assert corpus.source == "python standard library"


def test_building_again_replaces_what_a_crash_left(tmp_path: Path, text: Path) -> None:
    (tmp_path / "building").mkdir()
    (tmp_path / "building" / "train.u8").write_bytes(b"half")
    first = build(text, tmp_path)
    assert build(text, tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == [first.fingerprint]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        build(tmp_path, tmp_path / ".out")


def test_a_folder_without_readable_text_is_an_error_that_counts_its_files(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.bin").write_bytes(b"\0")
    with pytest.raises(DataError, match=r"No readable text .* 3 files") as caught:
        build(tmp_path, tmp_path / ".out")
    assert ".jsonl" in caught.value.mend


def test_a_missing_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no corpus"):
        build(tmp_path / "nowhere", tmp_path / ".out")


def test_a_truncated_archive_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines("text" * 1000))[:-20])
    with pytest.raises(DataError, match=r"a\.jsonl\.gz cannot be read"):
        build(tmp_path, tmp_path / ".out")


def test_a_corpus_that_is_too_small_says_what_it_has_and_what_is_needed(tmp_path: Path, text: Path) -> None:
    corpus = build(text, tmp_path)
    has = f"{corpus.train_bytes + corpus.held_out_bytes:,} bytes"
    with pytest.raises(DataError, match=f"{has}.*needs about 1,052,632") as caught:
        check(corpus, train_bytes=1_000_000, held_out_bytes=1000, repeats_from=None)
    assert "--allow-repeats" in caught.value.mend
    check(corpus, train_bytes=1_000_000, held_out_bytes=1000, repeats_from=100)
    with pytest.raises(DataError, match="too little even to repeat"):
        check(corpus, train_bytes=1_000_000, held_out_bytes=1000, repeats_from=corpus.held_out_bytes + 1)


def test_windows_overlap_in_the_one_token_that_follows() -> None:
    windows = Windows(np.arange(50, dtype=np.uint8), 10)
    assert len(windows) == 4
    assert windows.take(np.array([0, 3])).tolist() == [list(range(11)), list(range(30, 41))]
    assert windows.spread(2).tolist() == [0, 3]
    assert windows.spread(99).tolist() == [0, 1, 2, 3]


def test_an_epoch_meets_every_window_once_whatever_was_asked_before() -> None:
    order = Order(10, seed=3)
    met = np.concatenate([order.batch(step, 4) for step in range(5)])
    assert sorted(met[:10]) == sorted(met[10:]) == list(range(10))
    assert not np.array_equal(met[:10], met[10:])
    assert np.array_equal(Order(10, seed=3).batch(2, 4), met[8:12])
    assert not np.array_equal(Order(10, seed=4).batch(2, 4), met[8:12])
