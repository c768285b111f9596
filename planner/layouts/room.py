"""Room: whether a cluster holds a model at all, for those who plan or price a run without laying it out."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from planner.layouts.batches import default_batch
from planner.layouts.choosing import Task, fewest_gpus, leanest
from planner.layouts.verb import USUAL_CONTEXT, expected_loss
from planner.sheet import Finding
from planner.transformer import LARGEST, SMALLEST, Transformer
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.hardware import Accelerator, Cluster

AMPLE = 0.1
"""Share of the memory that weights, gradients and optimiser may take of what is free for the model to fit for sure."""
STATE_BYTES = 18
"""Bytes per parameter of weights, gradients and optimiser in mixed precision, gradients in 32 bits."""


def findings_about_room(params: float, cluster: Cluster, tokens: float) -> Iterator[Finding]:
    """That a model of `params`, experts included, does not fit on `cluster` to train on `tokens`."""
    if not SMALLEST <= params <= LARGEST or _fits(params, cluster.accelerator, cluster.gpus, tokens):
        return
    fewest = fewest_gpus(_task(params, cluster.accelerator, tokens))
    if fewest is not None and fewest <= cluster.gpus:
        return
    least = "no number of them holds it" if fewest is None else f"it takes {show(fewest, 'gpus')} or more to train them"
    yield Finding(
        "problem",
        f"{show(params, 'params')} do not fit on {cluster}: {least}.",
        f"By our reckoning, for a dense model of that size at {USUAL_CONTEXT:,} tokens per sequence; time and cost are"
        " counted as if it fitted.",
        f"Use {'' if fewest is None else 'more GPUs, '}GPUs with more memory, or a smaller model.",
    )


@lru_cache(maxsize=1024)
def _fits(params: float, chip: Accelerator, gpus: int, tokens: float) -> bool:
    """Whether some layout on all of the GPUs holds it."""
    if STATE_BYTES * params < AMPLE * gpus * chip.memory_bytes:
        return True
    task = _task(params, chip, tokens)
    needed = leanest(task, gpus)
    return needed is not None and bool(needed.total <= task.room)


def _task(params: float, chip: Accelerator, tokens: float) -> Task:
    shape = Transformer.near(params)
    batch = default_batch(tokens, expected_loss(shape, tokens))
    return Task(shape, chip, USUAL_CONTEXT, max(1, round(batch / USUAL_CONTEXT)))
