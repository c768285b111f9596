"""Text: everything that was read of a source, on disk in passages, and which of them are held out."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.corpus.reading import LONGEST_PASSAGE_BYTES, cuts
from experiments.corpus.shards import Reading, read
from experiments.corpus.sources import nothing_to_read
from experiments.corpus.splitting import DROPPED, FEW_PASSAGES, TRAIN, Split, split
from experiments.corpus.workers import finish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from experiments.corpus.sources import Listing, Source
    from experiments.corpus.workers import Tell

LEAST_PASSAGE_BYTES = 2_048
SLICE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """All readings in their order, and of all their passages the digest, the length in bytes and the mark.

    `most` is the length from which documents were cut.
    """

    readings: tuple[Reading, ...]
    digests: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    bounds: NDArray[np.int64]
    split: Split
    documents: int
    skipped: Counter[str]
    most: int

    def bytes_of(self, mark: int) -> int:
        """The text with this mark, each passage with one byte for its end."""
        chosen = self.split.marks == mark
        return int(self.lengths[chosen].sum() + chosen.sum())

    def parts(self) -> Iterator[tuple[Reading, slice]]:
        """Every reading with the place of its passages in the arrays."""
        for number, reading in enumerate(self.readings):
            yield reading, slice(int(self.bounds[number]), int(self.bounds[number + 1]))

    def sample(self, size: int) -> Iterator[str]:
        """About `size` bytes of the text to train on: the beginnings of passages that hashes choose, in their order."""
        keys = np.ascontiguousarray(self.digests).view(np.uint64)[:, 1]
        order = np.argsort(keys, kind="stable")
        order = order[self.split.marks[order] == TRAIN]
        taken = np.minimum(self.lengths[order], SLICE_BYTES)
        chosen = np.zeros(len(self.lengths), dtype=bool)
        chosen[order[taken.cumsum() - taken < size]] = True
        for reading, place in self.parts():
            starts = self.lengths[place].cumsum() - self.lengths[place]
            with reading.text.open("rb") as file:
                for number in np.flatnonzero(chosen[place]):
                    file.seek(int(starts[number]))
                    passage = file.read(int(self.lengths[place][number]))
                    yield next(cuts(passage, SLICE_BYTES)).decode()


def read_text(source: Source, listed: Listing, work: Path, tell: Tell) -> Text:
    """All of the text; where it is little, long documents are cut finer, so that enough passages can be held out."""
    text = _read_at(LONGEST_PASSAGE_BYTES, source, listed, work, tell)
    kept = text.lengths[text.split.marks != DROPPED]
    finer = _finer(int(kept.sum()))
    if len(kept) < FEW_PASSAGES and kept.max() > finer:
        return _read_at(finer, source, listed, work, tell)
    return text


def _finer(size: int) -> int:
    """The power of two that cuts `size` bytes into FEW_PASSAGES or more, within the bounds of a passage."""
    return min(max(1 << (size // FEW_PASSAGES).bit_length() >> 1, LEAST_PASSAGE_BYTES), LONGEST_PASSAGE_BYTES)


def _read_at(most: int, source: Source, listed: Listing, work: Path, tell: Tell) -> Text:
    folder = work / f"read-{most}"
    folder.mkdir(parents=True, exist_ok=True)
    readings = tuple(
        Reading(portion=portion, most=most, stem=folder / f"{number:06}")
        for number, portion in enumerate(listed.portions)
    )
    finish(read, readings, stage="Reading the text", tell=tell)
    notes = [reading.note() for reading in readings]
    digests, lengths = (np.concatenate(arrays) for arrays in zip(*(its.index() for its in readings), strict=True))
    skipped = sum((its for _, its in notes), listed.skipped)
    if not len(lengths):
        shutil.rmtree(work)
        raise nothing_to_read(source, skipped)
    return Text(
        readings=readings,
        digests=digests,
        lengths=lengths,
        bounds=np.cumsum([0, *(reading.passages() for reading in readings)]),
        split=split(digests, lengths),
        documents=sum(documents for documents, _ in notes),
        skipped=skipped,
        most=most,
    )
