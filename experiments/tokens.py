"""Corpus: a folder of text as two arrays of bytes on disk, one to train on and one held out. It trains nothing.

Documents longer than a passage are cut at line ends, exact duplicates are dropped, and a hash of its bytes alone
decides whether a passage is held out; so the same text gives the same corpus on every machine.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import os
import shutil
import sysconfig
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from planner.errors import DataError, InputError
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

HELD_OUT_SHARE = 0.05
PASSAGE_BYTES = 65_536
SEPARATOR = b"\0"
"""Ends every passage; text never contains it."""

PLAIN = (".txt", ".md")
LINES = (".jsonl", ".jsonl.gz", ".jsonl.bz2")
NO_PROSE = frozenset({"test", "tests", "site-packages", "dist-packages", "idlelib", "encodings", "__pycache__"})
"""Folders of the standard library that are tests, other people's packages or tables of characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What was read from `source`, and the folder that holds its bytes."""

    source: str
    folder: str
    fingerprint: str
    train_bytes: int
    held_out_bytes: int
    documents: int
    duplicates: int
    skipped: int

    def train(self) -> NDArray[np.uint8]:
        """The bytes to train on, memory-mapped."""
        return _mapped(Path(self.folder) / "train.u8")

    def held_out(self) -> NDArray[np.uint8]:
        """The bytes to evaluate on, memory-mapped."""
        return _mapped(Path(self.folder) / "held-out.u8")


def _mapped(path: Path) -> NDArray[np.uint8]:
    if path.stat().st_size == 0:
        return np.empty(0, dtype=np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r")


@dataclass(frozen=True, slots=True)
class Windows:
    """An array of bytes cut into windows of `context` tokens, each with the tokens that follow them."""

    data: NDArray[np.uint8]
    context: int

    def __len__(self) -> int:
        return max(0, (len(self.data) - 1) // self.context)

    def take(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """The windows (count, context + 1) with these indices."""
        windows: NDArray[np.uint8] = self.data[indices[:, None] * self.context + np.arange(self.context + 1)]
        return windows.astype(np.int64)

    def spread(self, count: int) -> NDArray[np.int64]:
        """Indices of `count` windows, or of all where there are fewer, evenly spaced."""
        return np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64)


class Order:
    """The order in which a seed meets the windows: a permutation per epoch; no step needs the history of another."""

    def __init__(self, windows: int, seed: int) -> None:
        self._windows, self._seed = windows, seed
        self._epoch, self._permutation = -1, np.empty(0, dtype=np.int64)

    def batch(self, step: int, size: int) -> NDArray[np.int64]:
        """Indices of the `size` windows of `step`."""
        places = np.arange(step * size, (step + 1) * size)
        return np.array([self._at(*divmod(int(place), self._windows)) for place in places])

    def _at(self, epoch: int, place: int) -> int:
        if epoch != self._epoch:
            self._epoch = epoch
            self._permutation = np.random.default_rng((self._seed, epoch)).permutation(self._windows)
        return int(self._permutation[place])


def build(source: Path | None, folder: Path) -> Corpus:
    """The corpus of `source`, a file or folder of text (None: Python's standard library), kept under `folder`."""
    building = folder / "building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    seen: set[bytes] = set()
    counts: Counter[str] = Counter()
    whole = hashlib.sha256()
    with (building / "train.u8").open("wb") as train, (building / "held-out.u8").open("wb") as held_out:
        for document in _documents(source, counts):
            counts["documents"] += 1
            for passage in _passages(document):
                digest = hashlib.sha256(passage).digest()
                if digest in seen:
                    counts["duplicates"] += 1
                    continue
                seen.add(digest)
                whole.update(digest)
                kept = int.from_bytes(digest[:8], "big") >= HELD_OUT_SHARE * 2**64
                (train if kept else held_out).write(passage + SEPARATOR)
        sizes = train.tell(), held_out.tell()
    if not counts["documents"]:
        shutil.rmtree(building)
        raise _nothing_to_read(source, counts)
    fingerprint = whole.hexdigest()[:16]
    home = folder / fingerprint
    corpus = Corpus(
        source="python standard library" if source is None else source.name,
        folder=str(home),
        fingerprint=fingerprint,
        train_bytes=sizes[0],
        held_out_bytes=sizes[1],
        documents=counts["documents"],
        duplicates=counts["duplicates"],
        skipped=counts["skipped"],
    )
    shutil.rmtree(home, ignore_errors=True)
    building.rename(home)
    return corpus


def _nothing_to_read(source: Path | None, counts: Counter[str]) -> DataError:
    mend = f"Give a file or folder of UTF-8 text: {', '.join((*PLAIN, *LINES))}; .jsonl needs a field 'text'."
    if counts["skipped"]:
        return DataError(
            f"No readable text in {source}: {counts['skipped']} files or lines are binary, empty or unknown.",
            mend=mend,
        )
    return DataError(f"The corpus folder {source} is empty.", mend=mend)


def _documents(source: Path | None, counts: Counter[str]) -> Iterator[bytes]:
    if source is None:
        yield from _standard_library(counts)
        return
    if not source.exists():
        raise InputError(f"There is no corpus at {source}.", mend="Give an existing file or folder of text.")
    for path in _files(source):
        yield from _read(path, counts)


def _standard_library(counts: Counter[str]) -> Iterator[bytes]:
    for path in _files(Path(sysconfig.get_path("stdlib")), without=NO_PROSE):
        if path.suffix == ".py" and not path.name.startswith("_sysconfigdata"):
            yield from _plain(path.read_bytes(), counts)


def _files(source: Path, *, without: frozenset[str] = frozenset()) -> list[Path]:
    """The files under `source`, or itself, in the same order on every machine; hidden ones are left out."""
    if source.is_file():
        return [source]
    found: list[Path] = []
    for here, folders, names in os.walk(source):
        folders[:] = [folder for folder in folders if folder not in without and not folder.startswith(".")]
        found += [Path(here) / name for name in names if not name.startswith(".")]
    return sorted(found, key=lambda path: path.relative_to(source).as_posix())


def _read(path: Path, counts: Counter[str]) -> Iterator[bytes]:
    name = path.name.lower()
    try:
        if name.endswith(PLAIN):
            yield from _plain(path.read_bytes(), counts)
        elif name.endswith(LINES):
            with _opened(path) as lines:
                yield from _records(lines, counts)
        else:
            counts["skipped"] += 1
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}.", mend="Repair or remove the file.") from error


def _opened(path: Path) -> BinaryIO | gzip.GzipFile | bz2.BZ2File:
    match path.suffix.lower():
        case ".gz":
            return gzip.open(path)
        case ".bz2":
            return bz2.open(path)
    return path.open("rb")


def _records(lines: Iterable[bytes], counts: Counter[str]) -> Iterator[bytes]:
    """The field `text` of every line of JSON."""
    for line in lines:
        if line.strip():
            try:
                text = json.loads(line)["text"]
                yield from _plain(text.encode(), counts)
            except (ValueError, LookupError, TypeError, AttributeError):
                counts["skipped"] += 1


def _plain(raw: bytes, counts: Counter[str]) -> Iterator[bytes]:
    """The document itself, or nothing where it is no text."""
    if _is_text(raw):
        yield raw
    else:
        counts["skipped"] += 1


def _is_text(raw: bytes) -> bool:
    if SEPARATOR in raw or not raw.strip():
        return False
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _passages(document: bytes) -> Iterator[bytes]:
    """The document, cut at the last line end of every PASSAGE_BYTES."""
    start = 0
    while len(document) - start > PASSAGE_BYTES:
        end = document.rfind(b"\n", start, start + PASSAGE_BYTES) + 1 or start + PASSAGE_BYTES
        yield document[start:end]
        start = end
    yield document[start:]


def check(corpus: Corpus, *, train_bytes: int, held_out_bytes: int, repeats_from: int | None) -> None:
    """Raise where the corpus is smaller than a sweep needs.

    Args:
        corpus: what there is.
        train_bytes: what the longest run meets.
        held_out_bytes: what the evaluation meets.
        repeats_from: the bytes of either part that suffice if text may be met again; None if it may not.
    """
    short = corpus.train_bytes < train_bytes or corpus.held_out_bytes < held_out_bytes
    if not short or (repeats_from is not None and min(corpus.train_bytes, corpus.held_out_bytes) >= repeats_from):
        return
    has = corpus.train_bytes + corpus.held_out_bytes
    needs = max(train_bytes / (1 - HELD_OUT_SHARE), held_out_bytes / HELD_OUT_SHARE)
    raise DataError(
        f"The corpus has {has:,} bytes of distinct text ({show(corpus.train_bytes, 'bytes')} to train on, "
        f"{show(corpus.held_out_bytes, 'bytes')} held out); this sweep needs about {needs:,.0f} "
        f"({show(train_bytes, 'bytes')} and {show(held_out_bytes, 'bytes')}).",
        mend="Add text or choose a smaller sweep such as smoke; this is too little even to repeat."
        if repeats_from is not None
        else "Add text, choose a smaller sweep such as smoke, or pass --allow-repeats to meet the same text again.",
    )
