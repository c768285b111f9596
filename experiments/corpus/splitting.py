"""Which passages are kept, and which of them are held out: hashes of the text alone decide.

In a corpus of many passages each hash decides for itself, so a passage stays on its side whatever is added. In one of
few, chance would decide too much: there the passages of the lowest hashes are held out until they make up their share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HELD_OUT_SHARE = 0.05
DIGEST_BYTES = 16
FEW_PASSAGES = 256
"""A corpus of fewer distinct passages than these counts as small."""

DROPPED, TRAIN, HELD_OUT = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A mark for every passage: dropped as a duplicate of an earlier one, to train on, or held out."""

    marks: NDArray[np.uint8]
    ranked: bool

    @property
    def duplicates(self) -> int:
        """Passages that are dropped."""
        return int((self.marks == DROPPED).sum())


def split(digests: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Split:
    """The split of the passages with these digests (count, DIGEST_BYTES) and lengths in bytes."""
    keys = np.ascontiguousarray(digests).view(">u8")
    by_digest = np.lexsort((keys[:, 1], keys[:, 0]))
    repeated = np.zeros(len(keys), dtype=bool)
    repeated[1:] = (keys[by_digest][1:] == keys[by_digest][:-1]).all(axis=1)
    distinct = by_digest[~repeated]
    chosen = distinct[keys[distinct, 0] < int(HELD_OUT_SHARE * 2**64)]
    total = lengths[distinct].sum()
    ranked = len(distinct) < FEW_PASSAGES or lengths[chosen].sum() < HELD_OUT_SHARE / 2 * total
    if ranked:
        before = lengths[distinct].cumsum() - lengths[distinct]
        chosen = distinct[:-1][before[:-1] < HELD_OUT_SHARE * total]
    marks = np.full(len(keys), DROPPED, dtype=np.uint8)
    marks[distinct] = TRAIN
    marks[chosen] = HELD_OUT
    return Split(marks=marks, ranked=bool(ranked))
