"""What workers do for a corpus: read a portion of text to disk, and turn a stretch of it into tokens.

Both leave a note as their last act; work whose note is there is finished and is not done again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import numpy as np

from experiments.corpus.reading import Tally, passages
from experiments.corpus.splitting import DIGEST_BYTES, HELD_OUT, TRAIN
from experiments.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from experiments.corpus.encoding import Encoding
    from experiments.corpus.sources import Portion

STRETCH_BYTES = 16 << 20
"""A worker turns about this much text into tokens in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A portion to read in passages of at most `most` bytes; `stem` is where its files go."""

    portion: Portion
    most: int
    stem: Path

    @property
    def text(self) -> Path:
        """Its passages, one after the other."""
        return self.stem.with_suffix(".text")

    @property
    def size(self) -> int:
        """About how many bytes of text there are, or 1 where no one knows."""
        return self.portion.size or 1

    def is_done(self) -> bool:
        """Whether its note is there."""
        return self.stem.with_suffix(".json").exists()

    def passages(self) -> int:
        """How many passages it has."""
        return self.stem.with_suffix(".index").stat().st_size // _INDEX.itemsize

    def note(self) -> tuple[int, Counter[str]]:
        """How many documents it has, and what was skipped."""
        note = json.loads(self.stem.with_suffix(".json").read_text())
        return note["documents"], Counter(note["skipped"])

    def index(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The digest and the length of every passage."""
        raw: NDArray[Any] = np.fromfile(self.stem.with_suffix(".index"), dtype=_INDEX)
        return raw["digest"], raw["length"]


_INDEX = np.dtype([("digest", np.uint8, DIGEST_BYTES), ("length", np.int64)])


def read(job: Reading) -> None:
    """Write the passages of a portion, their index and the note."""
    tally, entries = Tally(), []

    def write(file: IO[bytes]) -> None:
        for passage in passages(job.portion, job.most, tally):
            file.write(passage)
            entries.append((hashlib.sha256(passage).digest()[:DIGEST_BYTES], len(passage)))

    write_whole(job.text, write)
    index = np.empty(len(entries), dtype=_INDEX)
    index["digest"] = np.frombuffer(b"".join(digest for digest, _ in entries), np.uint8).reshape(-1, DIGEST_BYTES)
    index["length"] = [length for _, length in entries]
    _write(job.stem.with_suffix(".index"), index.tobytes())
    _note(job.stem, {"documents": tally.documents, "skipped": dict(tally.skipped)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Passages in a file of text from the byte `start` on, with their marks, to be turned into tokens."""

    text: Path
    start: int
    lengths: NDArray[np.int64]
    marks: NDArray[np.uint8]
    encoding: Encoding
    stem: Path

    @property
    def size(self) -> int:
        """Bytes of text."""
        return int(self.lengths.sum())

    def part(self, mark: int) -> Path:
        """The tokens of the passages with this mark."""
        return self.stem.with_suffix(f".{mark}")

    def is_done(self) -> bool:
        """Whether its note is there."""
        return self.stem.with_suffix(".json").exists()

    def passages(self, mark: int) -> list[bytes]:
        """The passages with this mark."""
        with self.text.open("rb") as file:
            file.seek(self.start)
            return [text for text, its in zip(self._all(file), self.marks, strict=True) if its == mark]

    def _all(self, file: BinaryIO) -> Iterator[bytes]:
        for length in self.lengths:
            yield file.read(int(length))


def stretches(
    reading: Reading, marks: NDArray[np.uint8], lengths: NDArray[np.int64], encoding: Encoding, folder: Path
) -> Iterator[Stretch]:
    """The passages of one reading in stretches of STRETCH_BYTES or a little more."""
    ends = lengths.cumsum()
    numbers = (ends - lengths) // STRETCH_BYTES
    for number in np.unique(numbers):
        these = numbers == number
        first = int(these.argmax())
        yield Stretch(
            text=reading.text,
            start=int(ends[first] - lengths[first]),
            lengths=lengths[these],
            marks=marks[these],
            encoding=encoding,
            stem=folder / f"{reading.stem.name}-{number:06}",
        )


def encode(job: Stretch) -> None:
    """Write the tokens of both parts of a stretch, then the note."""
    for mark in (TRAIN, HELD_OUT):
        write_whole(job.part(mark), partial(_write_tokens, job, mark))
    _note(job.stem, {})


def _write_tokens(job: Stretch, mark: int, file: IO[bytes]) -> None:
    for tokens in job.encoding.tokens(job.passages(mark)):
        file.write(tokens.tobytes())


def _note(stem: Path, note: dict[str, Any]) -> None:
    _write(stem.with_suffix(".json"), json.dumps(note).encode())


def _write(path: Path, content: bytes) -> None:
    write_whole(path, lambda file: file.write(content))
