"""Corpus: a folder of text as two arrays of bytes on disk, one to train on and one held out. It trains nothing.

Documents longer than a passage are cut at line ends, exact duplicates are dropped, and hashes of the bytes alone
decide which passages are held out; so the same text gives the same corpus on every machine. In a large corpus each
hash decides for itself. In a small one chance would decide too much: it is cut finer, and the passages of the lowest
hashes are held out until they make up their share.
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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from planner.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

HELD_OUT_SHARE = 0.05
PASSAGE_BYTES = 65_536
LEAST_PASSAGE_BYTES = 2_048
FEW_PASSAGES = 128
"""A corpus of fewer passages than these counts as small, and is cut into about as many."""

SEPARATOR = b"\0"
"""Ends every passage; text never contains it."""

PLAIN = (".txt", ".md")
LINES = (".jsonl", ".jsonl.gz", ".jsonl.bz2")
NO_PROSE = frozenset({"test", "tests", "site-packages", "dist-packages", "idlelib", "encodings", "__pycache__"})
"""Folders of the standard library that are tests, other people's packages or tables of characters."""

SAMPLES = 16
"""Slices of PASSAGE_BYTES, evenly spread, from which it is told how far a corpus compresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What was read from `source`, and the folder that holds its bytes.

    `compressed_share` is how much of the text to train on zlib leaves; None where no one has looked.
    """

    source: str
    folder: str
    fingerprint: str
    train_bytes: int
    held_out_bytes: int
    documents: int
    duplicates: int
    skipped: int
    compressed_share: float | None = None

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
    counts: Counter[str] = Counter()
    fingerprint, sizes = _split_by_hash(source, building, counts)
    if not counts["documents"]:
        shutil.rmtree(building)
        raise _nothing_to_read(source, counts)
    if sum(sizes) < FEW_PASSAGES * PASSAGE_BYTES or sizes[1] < HELD_OUT_SHARE / 2 * sum(sizes):
        counts.clear()
        fingerprint, sizes = _split_by_rank(source, building, counts, passage_bytes=_finer(sum(sizes)))
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
        compressed_share=_compressed_share(_mapped(building / "train.u8")),
    )
    shutil.rmtree(home, ignore_errors=True)
    building.rename(home)
    return corpus


def _split_by_hash(source: Path | None, building: Path, counts: Counter[str]) -> tuple[str, tuple[int, int]]:
    """The fingerprint and the sizes of both parts, where each passage's own hash decides."""
    whole = hashlib.sha256()
    with _parts(building) as (train, held_out):
        for digest, passage in _distinct(source, counts, PASSAGE_BYTES):
            whole.update(digest)
            kept = int.from_bytes(digest[:8], "big") >= HELD_OUT_SHARE * 2**64
            (train if kept else held_out).write(passage)
        return whole.hexdigest()[:16], (train.tell(), held_out.tell())


def _split_by_rank(
    source: Path | None, building: Path, counts: Counter[str], *, passage_bytes: int
) -> tuple[str, tuple[int, int]]:
    """The fingerprint and the sizes of both parts, where the lowest hashes are held out; one passage is always left."""
    passages = list(_distinct(source, counts, passage_bytes))
    wanted = HELD_OUT_SHARE * sum(len(passage) for _, passage in passages)
    chosen: set[bytes] = set()
    for digest, passage in sorted(passages)[:-1]:
        if wanted <= 0:
            break
        chosen.add(digest)
        wanted -= len(passage)
    whole = hashlib.sha256(b"ranked")
    with _parts(building) as (train, held_out):
        for digest, passage in passages:
            whole.update(digest)
            (held_out if digest in chosen else train).write(passage)
        return whole.hexdigest()[:16], (train.tell(), held_out.tell())


@contextmanager
def _parts(building: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    with (building / "train.u8").open("wb") as train, (building / "held-out.u8").open("wb") as held_out:
        yield train, held_out


def _distinct(source: Path | None, counts: Counter[str], passage_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    """Every passage once, with its separator, after its hash."""
    seen: set[bytes] = set()
    for document in _documents(source, counts):
        counts["documents"] += 1
        for passage in _passages(document, passage_bytes):
            digest = hashlib.sha256(passage).digest()
            if digest in seen:
                counts["duplicates"] += 1
                continue
            seen.add(digest)
            yield digest, passage + SEPARATOR


def _finer(size: int) -> int:
    """The power of two that cuts `size` bytes into FEW_PASSAGES or more, within the bounds of a passage."""
    return min(max(1 << (size // FEW_PASSAGES).bit_length() >> 1, LEAST_PASSAGE_BYTES), PASSAGE_BYTES)


def _compressed_share(data: NDArray[np.uint8]) -> float | None:
    if not len(data):
        return None
    sample = data.tobytes() if len(data) <= SAMPLES * PASSAGE_BYTES else _sample(data)
    return len(zlib.compress(sample)) / len(sample)


def _sample(data: NDArray[np.uint8]) -> bytes:
    starts = np.linspace(0, len(data) - PASSAGE_BYTES, SAMPLES).astype(np.int64)
    return b"".join(data[start : start + PASSAGE_BYTES].tobytes() for start in starts)


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


def _passages(document: bytes, most: int) -> Iterator[bytes]:
    """The document, cut at the last line end of every `most` bytes."""
    start = 0
    while len(document) - start > most:
        end = document.rfind(b"\n", start, start + most) + 1 or start + most
        yield document[start:end]
        start = end
    yield document[start:]
