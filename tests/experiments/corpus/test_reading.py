from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.corpus import Source, build
from experiments.corpus.reading import LONGEST_PASSAGE_BYTES, cuts
from planner.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.corpus import Corpus

    Lines = Callable[..., bytes]
    Everything = Callable[[Corpus], bytes]


def zst(raw: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(raw)
    return sink.getvalue().to_pybytes()


def parquet(**columns: list[object]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


LINE = b'{"text": "some text\\n"}\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"some text\n"),
        ("a.MD", b"some text\n"),
        ("a.jsonl", LINE),
        ("a.jsonl.gz", gzip.compress(LINE)),
        ("a.jsonl.bz2", bz2.compress(LINE)),
        ("a.jsonl.zst", zst(LINE)),
        ("a.jsonl.zst", zst(LINE) + zst(b"\n")),
        ("a.parquet", parquet(text=["some text\n"], other=[1])),
    ],
    ids=["txt", "md", "jsonl", "gz", "bz2", "zst", "two frames of zst", "parquet"],
)
def test_every_format_gives_the_same_corpus(tmp_path: Path, name: str, content: bytes, everything: Everything) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(content)
    of_folder = build(tmp_path / "in", tmp_path / "out")
    of_file = build(tmp_path / "in" / name, tmp_path / "out")
    assert everything(of_folder) == b"some text\n\0"
    assert of_folder.fingerprint == of_file.fingerprint
    assert (of_folder.documents, of_folder.skipped) == (1, 0)


def test_another_column_is_read_when_asked(tmp_path: Path, everything: Everything) -> None:
    (tmp_path / "a.jsonl").write_text('{"body": "line", "text": 3}\n')
    (tmp_path / "b.parquet").write_bytes(parquet(body=["row", None], text=["no", "no"]))
    corpus = build(Source(place=str(tmp_path), text_column="body"), tmp_path / ".out")
    assert sorted(everything(corpus).split(b"\0")) == [b"", b"line", b"row"]
    assert (corpus.skipped, corpus.skipped_kinds) == (1, "empty passages: 1")


def test_folders_below_are_read_and_hidden_files_are_not(tmp_path: Path, everything: Everything) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.txt").write_text("seen")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "b.txt").write_text("unseen")
    (tmp_path / ".c.txt").write_text("unseen")
    assert everything(build(tmp_path, tmp_path / ".out")) == b"seen\0"


def test_what_is_no_text_is_skipped_and_counted_by_its_kind(tmp_path: Path, lines: Lines) -> None:
    (tmp_path / "good.txt").write_text("text")
    (tmp_path / "zeros.txt").write_bytes(b"\0\1\2")
    (tmp_path / "latin.txt").write_bytes("né".encode("latin-1"))
    (tmp_path / "empty.md").write_bytes(b" \n")
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    (tmp_path / "b.PNG").write_bytes(b"\x89PNG")
    (tmp_path / "README").write_bytes(b"text")
    (tmp_path / "lines.jsonl").write_bytes(lines("fine", "", "\0", "\ud800") + b'\n{"text": null}\n')
    corpus = build(tmp_path, tmp_path / ".out")
    assert corpus.documents == 2
    assert corpus.skipped == 10
    assert corpus.skipped_kinds == (
        "passages that are no UTF-8 text: 4, empty passages: 3, .png files: 2, files without suffix: 1"
    )


def test_links_to_folders_are_followed_and_no_folder_is_read_twice(tmp_path: Path, everything: Everything) -> None:
    (tmp_path / "in" / "below").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "in" / "below" / "a.txt").write_text("own")
    (tmp_path / "elsewhere" / "b.txt").write_text("linked")
    (tmp_path / "in" / "other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "below" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "zagain").symlink_to(tmp_path / "in" / "below")
    (tmp_path / "in" / "lost.txt").symlink_to(tmp_path / "nowhere.txt")
    corpus = build(tmp_path / "in", tmp_path / "out")
    assert sorted(everything(corpus).split(b"\0")) == [b"", b"linked", b"own"]
    assert (corpus.documents, corpus.duplicates) == (2, 0)
    assert corpus.skipped_kinds == "links that lead nowhere: 1"


@pytest.mark.parametrize("size", [1, 10, 99, 100, 101, 1000])
def test_cuts_end_at_line_ends_or_between_characters_and_lose_nothing(size: int) -> None:
    for text in ("a" * size, "zwölf Bögen\n" * (size // 12 + 1), "日本語" * size, "\n" * size):
        raw = text.encode()
        pieces = list(cuts(raw, 100))
        assert b"".join(pieces) == raw
        assert all(len(piece) <= 100 and piece.decode() for piece in pieces)
        if "\n" in text:
            assert all(piece.endswith(b"\n") for piece in pieces[:-1])


def test_a_long_file_is_cut_the_same_whether_read_in_blocks_or_whole(
    tmp_path: Path, lines: Lines, numbered: Callable[[int], bytes]
) -> None:
    text = numbered(3 * LONGEST_PASSAGE_BYTES)
    (tmp_path / "a.txt").write_bytes(text)
    (tmp_path / "a.jsonl").write_bytes(lines(text.decode()))
    first, second = (build(tmp_path / name, tmp_path / "out") for name in ("a.txt", "a.jsonl"))
    assert first.fingerprint == second.fingerprint
    assert first.documents == 1
    assert first.passages > 1


def test_about_as_much_is_read_as_was_asked_for(tmp_path: Path, lines: Lines, numbered: Callable[[int], bytes]) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(*(f"{number} " * 500 for number in range(1000))))
    whole = build(tmp_path, tmp_path / ".out")
    part = build(Source(place=str(tmp_path), max_bytes=100_000), tmp_path / ".out")
    assert whole.train_bytes + whole.held_out_bytes > 1_500_000
    assert 100_000 <= part.train_bytes + part.held_out_bytes < 110_000
    assert "about 100,000 bytes of it" in part.source


def test_the_standard_library_is_several_megabytes_of_text(tmp_path: Path) -> None:
    corpus = build(None, tmp_path)
    assert corpus.train_bytes > 4e6
    assert corpus.held_out_bytes > 1.5e5
    assert corpus.source == "python standard library"


def refusal(place: Path, out: Path, **options: str) -> DataError:
    with pytest.raises(DataError) as caught:
        build(Source(place=str(place), **options), out)
    return caught.value


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    assert "is empty" in refusal(tmp_path, tmp_path / ".out").problem


@pytest.mark.parametrize("name", ["a.txt", "a.bin"])
def test_a_source_without_readable_text_is_an_error_that_counts_what_it_has(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\0\1\2")
    for place in (tmp_path, tmp_path / name):
        error = refusal(place, tmp_path / ".out")
        assert "No readable text" in error.problem
        assert "passages that are no UTF-8 text: 1" in error.problem or ".bin files: 1" in error.problem
        assert ".parquet" in error.mend


@pytest.mark.parametrize("place", ["", " "])
def test_a_corpus_without_a_name_is_an_error(tmp_path: Path, place: str) -> None:
    with pytest.raises(InputError, match="empty name"):
        build(Source(place=place), tmp_path / ".out")


def test_a_missing_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no corpus"):
        build(tmp_path / "nowhere", tmp_path / ".out")


@pytest.mark.parametrize(
    ("name", "pack"), [("a.jsonl.gz", gzip.compress), ("a.jsonl.bz2", bz2.compress), ("a.jsonl.zst", zst)]
)
def test_a_truncated_archive_is_an_error_that_names_it(
    tmp_path: Path, lines: Lines, name: str, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / name).write_bytes(pack(lines(*(str(number) * 50 for number in range(2000))))[:-20])
    assert f"{name} cannot be read" in refusal(tmp_path, tmp_path / ".out").problem


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.bz2", "a.jsonl.zst", "a.parquet"])
def test_a_file_that_is_not_what_its_name_says_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"hello there, I am no such file")
    assert f"{name} cannot be read" in refusal(tmp_path, tmp_path / ".out").problem


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("{broken", "lines that are no JSON"),
        ('{"text": "cut', "lines that are no JSON"),
        ("[" * 100_000, "lines that are no JSON"),
        ('{"body": "text"}', "lines without text in the field"),
        ('{"text": 5}', "lines without text in the field"),
        ('"text"', "lines without text in the field"),
    ],
)
def test_a_broken_line_is_skipped_and_counted_unless_no_line_can_be_read(
    tmp_path: Path, lines: Lines, everything: Everything, line: str, kind: str
) -> None:
    broken = b"\n" + 2 * (line.encode() + b"\n")
    (tmp_path / "a.jsonl").write_bytes(broken + lines("one"))
    corpus = build(tmp_path, tmp_path / ".out")
    assert everything(corpus) == b"one\0"
    assert (corpus.skipped, corpus.skipped_kinds) == (2, f"{kind}: 2")
    (tmp_path / "a.jsonl").write_bytes(broken)
    error = refusal(tmp_path, tmp_path / ".out")
    assert "a.jsonl, line 2" in error.problem
    assert "no other line of the file" in error.problem
    assert ("--text-column" in error.mend) == ("without text" in kind)


def test_a_field_that_is_missing_brings_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"body": "text", "title": "t"}\n')
    assert "Its fields: body, title" in refusal(tmp_path, tmp_path / ".out").mend


def test_a_parquet_file_without_the_column_brings_those_that_it_has(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(parquet(body=["x"], number=[1]))
    error = refusal(tmp_path, tmp_path / ".out")
    assert "The column 'text'" in error.problem
    assert "Its columns: body, number" in error.problem
    assert "Columns with text: body" in error.mend
    assert "holds int64, no text" in refusal(tmp_path, tmp_path / ".out", text_column="number").problem
