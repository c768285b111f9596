"""What the reader of a layout must know: assumptions, batches that waste tokens, slow links, experts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.layouts.batches import tokens_at
from planner.sheet import Finding
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.layouts.bills import Layout

MUCH_WAITING = 0.3
"""Share of a step lost to the pipeline or to links from which on a layout is called wasteful: our choice."""


def findings_about(layout: Layout, *, tokens_assumed: bool) -> Iterator[Finding]:
    """All findings about `layout`; `tokens_assumed` says that nobody gave the length of the run."""
    if tokens_assumed:
        yield Finding(
            "note",
            f"A run of {show(layout.tokens, 'tokens')} is our assumption.",
            "None was given: 20 tokens per parameter (arXiv 2203.15556).",
            "Give the training tokens: batch and critical batch follow from them.",
        )
    yield from _batch(layout)
    yield from _waiting(layout)
    if layout.recomputation == "full":
        yield Finding(
            "note",
            "Whole layers are computed twice.",
            "Stored, their activations would not fit, or cost more time elsewhere; it is a third more work.",
            "More GPUs, more memory or a shorter context avoid it.",
        )
    if layout.shape.experts is not None:
        yield Finding(
            "note",
            "Experts are divided like any other weights here.",
            "Expert parallelism, which sends tokens to experts instead, is not laid out.",
            "Trainers of large mixtures of experts use it; memory per GPU comes out similar, links differ.",
        )


def _batch(layout: Layout) -> Iterator[Finding]:
    batch, critical = layout.tokens_per_batch, layout.critical_batch
    if batch > critical:
        extra = tokens_at(batch, tokens=1.0, usual=0.0, critical=float(critical)) - 1
        yield Finding(
            "warning" if batch > critical.high else "note",
            f"{show(batch, 'tokens')} per step are above the critical batch of {show(critical, 'tokens')}.",
            f"The run needs {show(extra, 'fraction')} more tokens than with tiny batches (arXiv 1812.06162).",
            "Take a smaller batch, and fewer GPUs if it no longer feeds them.",
        )


def _waiting(layout: Layout) -> Iterator[Finding]:
    timing = layout.timing
    parts = {"the pipeline": timing.bubble, "links": timing.links}
    worst, seconds = max(parts.items(), key=lambda part: float(part[1]))
    if seconds / timing.seconds > MUCH_WAITING:
        yield Finding(
            "warning",
            f"{show(seconds / timing.seconds, 'fraction')} of each step would be lost to {worst}.",
            "By our reckoning no layout on this cluster loses less.",
            "Use fewer GPUs, a larger batch, or GPUs with faster links and more memory.",
        )
