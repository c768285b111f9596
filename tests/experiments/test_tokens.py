from __future__ import annotations

import bz2
import gzip
import json
import platform
from pathlib import Path

import numpy as np
import pytest

from experiments.tokens import HELD_OUT_SHARE, PASSAGE_BYTES, Order, Windows, build
from planner.errors import DataError, InputError
from planner.runs import load_runs


def everything(corpus: object) -> bytes:
    return bytes(corpus.train()) + bytes(corpus.held_out())  # type: ignore[attr-defined]


def numbered(size: int) -> bytes:
    """Lines that all differ, `size` bytes or a little less."""
    return b"".join(b"line %07d\n" % number for number in range(size // 13))


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


@pytest.mark.parametrize("size", [30_000, 350_000, 500_000, 700_000, 5_000_000])
def test_of_a_single_file_a_share_is_held_out_whatever_its_size(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.txt").write_bytes(numbered(size))
    corpus = build(tmp_path / "a.txt", tmp_path / "one")
    share = corpus.held_out_bytes / (corpus.train_bytes + corpus.held_out_bytes)
    assert HELD_OUT_SHARE <= share < 2.5 * HELD_OUT_SHARE
    assert not set(bytes(corpus.train()).split(b"\0")) & (set(bytes(corpus.held_out()).split(b"\0")) - {b""})
    (tmp_path / "b.txt").write_bytes(numbered(size))
    again = build(tmp_path / "b.txt", tmp_path / "two")
    assert bytes(again.held_out()) == bytes(corpus.held_out())
    assert again.fingerprint == corpus.fingerprint


def test_of_a_single_passage_nothing_is_held_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("short")
    assert build(tmp_path / "a.txt", tmp_path / "out").held_out_bytes == 0


def test_small_documents_of_a_small_corpus_stay_whole(tmp_path: Path) -> None:
    texts = [f"document {number} " + "and so on " * 150 for number in range(200)]
    (tmp_path / "a.jsonl").write_bytes(lines(*texts))
    corpus = build(tmp_path / "a.jsonl", tmp_path / "out")
    assert sorted(everything(corpus).decode().split("\0")[:-1]) == sorted(texts)


def test_a_large_corpus_keeps_the_split_that_recorded_runs_were_trained_with(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_bytes(numbered(9_000_000))
    corpus = build(tmp_path / "book.txt", tmp_path / "out")
    assert (corpus.fingerprint, corpus.held_out_bytes) == ("92dceaf2ae8da128", 327_670)


def test_the_corpus_of_our_own_runs_is_the_same_today(tmp_path: Path) -> None:
    if platform.python_version() != "3.11.7":
        pytest.skip("data/runs was trained on the library of Python 3.11.7")
    corpus = build(None, tmp_path)
    assert corpus.fingerprint in load_runs("cpu-python-stdlib").frame["source"][0]
    assert (corpus.train_bytes, corpus.held_out_bytes) == (9_504_970, 398_076)


def test_a_corpus_knows_how_far_it_compresses(tmp_path: Path, text: Path) -> None:
    varied = build(text, tmp_path / "varied").compressed_share
    (tmp_path / "a.txt").write_text("nothing new here, " * 100_000)
    repeated = build(tmp_path / "a.txt", tmp_path / "repeated").compressed_share
    assert repeated is not None
    assert varied is not None
    assert repeated < 0.01 < 0.1 < varied < 1


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
