"""Choosing: the split of least waiting among those that fit, and the fewest GPUs for which there is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.constants import constant
from planner.hardware import Accelerator
from planner.layouts.links import SERVER, links_of
from planner.layouts.memory import Memory, memory_of
from planner.layouts.splits import Split, splits
from planner.layouts.timing import Timing, timing_of
from planner.transformer import Transformer

AS_GOOD = 1.01
"""Splits within 1 % of the fastest count as equal: then the plainest is taken."""
MOST_GPUS = 2**17


@dataclass(frozen=True, slots=True)
class Choice:
    """A split with its memory and its step."""

    split: Split
    memory: Memory
    timing: Timing


@dataclass(frozen=True, slots=True)
class Task:
    """What is trained on which chip: about so many `sequences` of `context` tokens per step."""

    shape: Transformer
    chip: Accelerator
    context: int
    sequences: int

    @property
    def room(self) -> float:
        """Bytes per GPU beside the runtime at its largest."""
        return self.chip.memory_bytes - constant("layouts", "runtime_bytes").value.high


def choose(task: Task, gpus: int) -> Choice | None:
    """The split over `gpus` that waits least, the plainest of equals; None where none fits."""
    links = links_of(task.chip)
    offered = splits(task.shape, gpus, links.domain, task.sequences)
    fitting = offered.where(memory_of(task.shape, offered, task.context).total <= task.room)
    if not np.size(fitting.data):
        return None
    waiting = timing_of(task.shape, fitting, task.chip, links, task.context).overhead
    equal = fitting.where(waiting <= AS_GOOD * waiting.min())
    plainest = np.lexsort(
        (-equal.micro_batch, equal.sharding, equal.chunks, equal.recomputation, equal.tensor, equal.pipeline)
    )[0]
    split = equal.at(plainest)
    return Choice(
        split,
        memory_of(task.shape, split, task.context),
        timing_of(task.shape, split, task.chip, links, task.context),
    )


def leanest(task: Task, gpus: int) -> Memory | None:
    """Memory of the split over `gpus` that needs least; None where the batch allows no split at all."""
    offered = splits(task.shape, gpus, links_of(task.chip).domain, task.sequences, lean=True)
    if not np.size(offered.data):
        return None
    least = int(np.argmin(memory_of(task.shape, offered, task.context).total))
    return memory_of(task.shape, offered.at(least), task.context)


def fewest_gpus(task: Task) -> int | None:
    """The smallest number of GPUs that holds the model: 1, 2, 4 or whole servers; None where no number does.

    Above 32 servers it is found to 3 %: first the power of two that holds it, then what lies below in 32 steps.
    """
    gpus = 1
    while 18 * task.shape.params > 2 * gpus * task.room:
        gpus *= 2
    while not _fits(task, gpus):
        gpus *= 2
        if gpus > MOST_GPUS:
            return None
    if gpus <= SERVER:
        return gpus
    step = SERVER * max(1, gpus // (64 * SERVER))
    return next((fewer for fewer in range(gpus // 2 + step, gpus, step) if _fits(task, fewer)), gpus)


def _fits(task: Task, gpus: int) -> bool:
    needed = leanest(task, gpus)
    return needed is not None and bool(needed.total <= task.room)
