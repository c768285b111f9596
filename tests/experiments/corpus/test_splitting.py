from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from experiments.corpus.splitting import (
    DIGEST_BYTES,
    DROPPED,
    FEW_PASSAGES,
    HELD_OUT,
    HELD_OUT_SHARE,
    TRAIN,
    Split,
    split,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def split_of(names: Iterable[object], length: int = 100) -> Split:
    digests = b"".join(hashlib.sha256(str(name).encode()).digest()[:DIGEST_BYTES] for name in names)
    array = np.frombuffer(digests, dtype=np.uint8).reshape(-1, DIGEST_BYTES)
    return split(array, np.full(len(array), length))


def test_of_many_passages_about_the_share_is_held_out() -> None:
    found = split_of(range(20_000))
    assert not found.ranked
    assert (found.marks == HELD_OUT).mean() == pytest.approx(HELD_OUT_SHARE, rel=0.1)
    assert found.duplicates == 0


def test_a_passage_of_many_stays_on_its_side_whatever_is_added() -> None:
    few, many = split_of(range(2000)), split_of(range(5000))
    assert np.array_equal(few.marks, many.marks[:2000])
    reordered = split_of(reversed(range(2000)))
    assert np.array_equal(few.marks, reordered.marks[::-1])


@pytest.mark.parametrize("count", [2, 10, 100, FEW_PASSAGES - 1])
def test_of_few_passages_the_share_is_held_out_and_no_more_than_a_passage_beyond(count: int) -> None:
    found = split_of(range(count))
    held_out = (found.marks == HELD_OUT).sum()
    assert found.ranked
    assert HELD_OUT_SHARE * count <= held_out < HELD_OUT_SHARE * count + 1


def test_a_single_passage_is_trained_on() -> None:
    assert split_of([1]).marks.tolist() == [TRAIN]


def test_the_first_of_equal_passages_is_kept_and_the_others_are_dropped() -> None:
    found = split_of([1, 2, 1, 3, 1, 2])
    assert np.flatnonzero(found.marks == DROPPED).tolist() == [2, 4, 5]
    assert found.duplicates == 3
    assert np.array_equal(found.marks[[0, 1, 3]], split_of([1, 2, 3]).marks)


def test_where_the_hashes_of_many_hold_out_too_little_the_lowest_are_taken() -> None:
    many = list(range(2000))
    unlucky = [name for name, mark in zip(many, split_of(many).marks, strict=True) if mark == TRAIN][:1000]
    found = split_of(unlucky)
    assert found.ranked
    assert (found.marks == HELD_OUT).mean() == pytest.approx(HELD_OUT_SHARE)
