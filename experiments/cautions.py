"""What to know about a sweep on a corpus before anything is spent: what it was asked for and does not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.sheet import Finding
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from experiments.config import Sweep
    from experiments.corpus import Corpus

MOST_DECAY_SHARE = 0.5
"""Runs that decay for more of their steps share few of them with others; 0.1 to 0.2 is usual (Haegele et al. 2024)."""

NOTED_SHARE = 0.02
"""A size that differs from the one asked for by more than this share is told."""

SIZES_TOLD = 6


def cautions(sweep: Sweep, corpus: Corpus) -> Iterator[Finding]:
    """Text that is met again, a loss measured on less than was asked for, and sizes that are others."""
    yield from _repeats(sweep, corpus)
    yield from _few_windows(sweep, corpus)
    yield from _long_decay(sweep)
    yield from _other_sizes(sweep, corpus)


def _repeats(sweep: Sweep, corpus: Corpus) -> Iterable[Finding]:
    longest, there = max(max(size.tokens) for size in sweep.sizes), corpus.train_tokens
    if longest > there:
        yield Finding(
            "note",
            "Some runs read the text more than once.",
            f"The longest takes {show(longest, 'tokens')}, and there are {show(there, 'tokens')}: "
            f"{show(longest / there, 'epochs')}.",
            "Each records its unique tokens. Up to 4 epochs cost little (Muennighoff et al. 2023).",
        )


def _few_windows(sweep: Sweep, corpus: Corpus) -> Iterable[Finding]:
    there = min((corpus.held_out_tokens - 1) // size.context for size in sweep.sizes)
    if there < sweep.evaluation_windows:
        yield Finding(
            "warning",
            "The loss is measured on less text than the sweep asks for.",
            f"It asks for {show(sweep.evaluation_windows, 'count')} windows, and {show(there, 'count')} are held out.",
            "The standard error of each loss is larger for it. More text gives more windows.",
        )


def _long_decay(sweep: Sweep) -> Iterable[Finding]:
    if sweep.decay_share > MOST_DECAY_SHARE:
        yield Finding(
            "warning",
            f"Runs decay for {show(sweep.decay_share, 'fraction')} of their steps.",
            "Only the steps before the decay are shared by the runs of a size, so that most are done again.",
            "Give a decay_share of 0.1 to 0.2.",
        )


def _other_sizes(sweep: Sweep, corpus: Corpus) -> Iterable[Finding]:
    """Sizes given by their parameters have those of the nearest shape, which two of them may share."""
    asked = [(size.params, size.shape(corpus.vocabulary)) for size in sweep.sizes if size.params is not None]
    others = [
        f"{show(params, 'params')} is {show(shape.params, 'params')} ({shape.label})"
        for params, shape in asked
        if abs(shape.params / params - 1) > NOTED_SHARE
    ]
    if others:
        more = f", and {len(others) - SIZES_TOLD} more" if len(others) > SIZES_TOLD else ""
        yield Finding(
            "note",
            "Some sizes are not quite those asked for.",
            f"{', '.join(others[:SIZES_TOLD])}{more}.",
            "Each is the nearest shape; what is recorded are its own parameters.",
        )
    wanted = len(sweep.seeds) * sum(len(size.tokens) for size in sweep.sizes)
    different = len(sweep.configs(corpus.vocabulary))
    if different < wanted:
        yield Finding(
            "note",
            f"{show(wanted - different, 'count')} of {show(wanted, 'count')} runs are the same as others.",
            "Sizes so near to one another have the same shape.",
            "Each run is done once.",
        )
