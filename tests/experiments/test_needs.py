from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from experiments.corpus import Corpus, build
from experiments.needs import check
from experiments.sweeps import load_sweep
from planner.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def having(train_tokens: int, held_out_tokens: int) -> Corpus:
    """A corpus of so many tokens of two bytes, of which nothing else is known."""
    return Corpus(
        source="texts",
        folder="nowhere",
        fingerprint="",
        tokenizer="pairs of bytes",
        vocabulary=256,
        train_tokens=train_tokens,
        held_out_tokens=held_out_tokens,
        train_bytes=2 * train_tokens,
        held_out_bytes=2 * held_out_tokens,
        documents=1,
        passages=1,
        duplicates=0,
        skipped=0,
        skipped_kinds="",
        longest_bytes=1000,
        compressed_share=0.5,
        gives_back=True,
    )


def refusal(sweep: str, corpus: Corpus, *, allow_repeats: bool = False) -> DataError:
    with pytest.raises(DataError) as caught:
        check(load_sweep(sweep), corpus, allow_repeats=allow_repeats)
    return caught.value


@pytest.mark.parametrize("size", [350_000, 500_000, 700_000])
@pytest.mark.parametrize("end", ["\n", " "], ids=["lines", "one line"])
def test_a_single_file_of_some_hundred_kilobytes_suffices_for_smoke(tmp_path: Path, size: int, end: str) -> None:
    (tmp_path / "a.txt").write_text("".join(f"line {number:07}{end}" for number in range(size // 13)))
    check(load_sweep("smoke"), build(tmp_path / "a.txt", tmp_path / "out"), allow_repeats=False)


def test_what_is_said_to_be_missing_is_enough_once_added(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"line {number:07}\n" for number in range(10_000)))
    error = refusal("smoke", build(tmp_path, tmp_path / ".out"))
    missing = int(error.mend.split("about ")[1].split(" bytes")[0].replace(",", ""))
    (tmp_path / "b.txt").write_text("".join(f"more {number:07}\n" for number in range(missing // 13 + 1)))
    check(load_sweep("smoke"), build(tmp_path, tmp_path / ".out"), allow_repeats=False)


def test_the_part_that_is_short_is_named_and_no_other() -> None:
    train, held_out = "too little to train on", "too little held out"
    for corpus, says, silent in (
        (having(10**5, 10**6), train, held_out),
        (having(10**6, 1000), held_out, train),
    ):
        problem = refusal("smoke", corpus).problem
        assert says in problem
        assert silent not in problem
    both = refusal("smoke", having(10**5, 1000)).problem
    assert train in both
    assert held_out in both


def test_duplicates_that_were_dropped_are_told() -> None:
    assert "7 duplicates were dropped" in refusal("smoke", replace(having(10, 10), duplicates=7)).problem


def test_bytes_to_add_are_those_of_the_missing_tokens() -> None:
    missing = int(refusal("smoke", having(10**5, 10**6)).mend.split("about ")[1].split(" bytes")[0].replace(",", ""))
    assert 2 * 28_000 < missing < 2 * 35_000


def test_repeats_are_offered_only_where_they_help() -> None:
    mend = refusal("smoke", having(10**5, 10**6)).mend
    assert "--allow-repeats to train on the same text" in mend
    assert "measure" not in mend
    check(load_sweep("smoke"), having(10**5, 10**6), allow_repeats=True)
    for allow_repeats in (False, True):
        error = refusal("smoke", having(10**6, 0), allow_repeats=allow_repeats)
        assert "held out" in error.problem
        assert "--allow-repeats" not in error.mend


def test_a_smaller_sweep_is_offered_only_where_it_helps() -> None:
    assert "smaller sweep: smoke" in refusal("cpu", having(10**6, 10**5)).mend
    assert "smaller sweep" not in refusal("cpu", having(10**5, 10**4)).mend
    assert "smaller sweep" not in refusal("smoke", having(10**5, 10**4)).mend
    assert "smaller sweep: smoke" in refusal("cpu", having(10**6, 200), allow_repeats=True).mend
