"""Need: how much text a sweep takes, and the error where a corpus has less, which says what would help."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.corpus import HELD_OUT_SHARE, Corpus
from experiments.sweeps import READY, load_sweep
from planner.errors import DataError
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments.config import Sweep

SMALL_CORPUS_SHARE = 0.01
"""In a small corpus up to this much more than its share is held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The fewest tokens to train on and the fewest held out."""

    train_tokens: int
    held_out_tokens: int

    def is_met(self, corpus: Corpus) -> bool:
        """Whether `corpus` has enough of both."""
        return corpus.train_tokens >= self.train_tokens and corpus.held_out_tokens >= self.held_out_tokens


def need(sweep: Sweep, *, allow_repeats: bool) -> Need:
    """What the longest run of `sweep` and its evaluation meet; where text may be met again, one window to train on and
    two to tell how unsure a loss is.

    Each part holds one token more than its windows: the one that follows the last.
    """
    context = max(size.context for size in sweep.sizes)
    if allow_repeats:
        return Need(train_tokens=context + 1, held_out_tokens=2 * context + 1)
    return Need(
        train_tokens=max(max(size.tokens) for size in sweep.sizes) + 1,
        held_out_tokens=sweep.evaluation_windows * context + 1,
    )


def check(sweep: Sweep, corpus: Corpus, *, allow_repeats: bool) -> None:
    """Raise where `corpus` is too small for `sweep`; allow_repeats says whether text may be met again."""
    needed = need(sweep, allow_repeats=allow_repeats)
    if needed.is_met(corpus):
        return
    dropped = f" after {corpus.duplicates:,} duplicates were dropped" if corpus.duplicates else ""
    raise DataError(
        f"The corpus has {corpus.train_tokens + corpus.held_out_tokens:,} tokens of distinct text{dropped}. "
        f"It has too little {' and too little '.join(_shortages(needed, corpus))}.",
        mend=f"{', or '.join(_mends(sweep, corpus, allow_repeats=allow_repeats))}.",
    )


def _shortages(needed: Need, corpus: Corpus) -> Iterator[str]:
    if corpus.train_tokens < needed.train_tokens:
        has, needs = show(corpus.train_tokens, "tokens"), show(needed.train_tokens, "tokens")
        yield f"to train on ({has}; this sweep needs {needs})"
    if corpus.held_out_tokens < needed.held_out_tokens:
        has, needs = show(corpus.held_out_tokens, "tokens"), show(needed.held_out_tokens, "tokens")
        share = show(HELD_OUT_SHARE, "fraction")
        yield f"held out to measure the loss ({has}, since about {share} of a corpus is; this sweep needs {needs})"


def _mends(sweep: Sweep, corpus: Corpus, *, allow_repeats: bool) -> Iterator[str]:
    needed = need(sweep, allow_repeats=allow_repeats)
    missing = _missing(needed, corpus) * corpus.bytes_per_token
    yield f"Add about {math.ceil(missing / 1000) * 1000:,} bytes of other text"
    smaller = [name for name in READY if need(load_sweep(name), allow_repeats=allow_repeats).is_met(corpus)]
    if smaller:
        yield f"choose a smaller sweep: {' or '.join(smaller)}"
    if not allow_repeats and need(sweep, allow_repeats=True).is_met(corpus):
        means = []
        if corpus.train_tokens < needed.train_tokens:
            means.append("train on the same text more than once")
        if corpus.held_out_tokens < needed.held_out_tokens:
            means.append("measure the loss on the little that is held out")
        yield f"pass --allow-repeats to {' and to '.join(means)}"


def _missing(needed: Need, corpus: Corpus) -> float:
    """Tokens to add, of which chance may hold out less than its share, or in a small corpus a little more."""
    has = corpus.train_tokens + corpus.held_out_tokens
    train_share = 1 - HELD_OUT_SHARE - SMALL_CORPUS_SHARE
    return max(
        needed.train_tokens / train_share - has,
        needed.held_out_tokens / HELD_OUT_SHARE - has,
        (needed.train_tokens - corpus.train_tokens) / train_share,
        (needed.held_out_tokens - corpus.held_out_tokens) / HELD_OUT_SHARE,
    )
