"""Split: how a model and its batch are divided among GPUs; and every split that a number of GPUs allows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from planner.transformer import Transformer

RECOMPUTATION = ("none", "selective", "full")
"""What is computed again in the backward pass instead of being stored: nothing, attention scores, whole layers."""
MOST_TENSOR = 64
MICRO_BATCHES = 2 ** np.arange(7)
CHUNKS = 2 ** np.arange(4)
BATCH_TOLERANCE = 0.25
"""How far a batch may move so that every GPU gets whole micro-batches: our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Ways of data, tensor and pipeline parallelism, what the data-parallel copies share, and the work of one copy.

    Args:
        sharding: what the copies divide instead of each holding it: 0 nothing, 1 the optimiser, 2 gradients too,
            3 weights too (ZeRO, Rajbhandari et al. 2019, arXiv 1910.02054).
        chunks: parts of a stage that lie apart in the model, which a micro-batch visits in turn: 1 is a plain pipeline,
            more are interleaved (Narayanan et al. 2021, arXiv 2104.04473, section 2.2).
        micro_batch: sequences that one copy computes at once.
        micro_batches: how many of them make one step of one copy.
        recomputation: an index of RECOMPUTATION.

    The fields may be arrays: then it is as many splits.
    """

    data: Any
    tensor: Any
    pipeline: Any
    chunks: Any
    sharding: Any
    micro_batch: Any
    micro_batches: Any
    recomputation: Any

    @property
    def sequences(self) -> Any:
        """Sequences of one step of all copies."""
        return self.data * self.micro_batch * self.micro_batches

    def where(self, allowed: Any) -> Split:
        """Those of several splits that a mask allows."""
        return Split(**{field.name: getattr(self, field.name)[allowed] for field in fields(self)})

    def at(self, index: int) -> Split:
        """One of several splits."""
        return Split(**{field.name: int(getattr(self, field.name)[index]) for field in fields(self)})


def splits(shape: Transformer, gpus: int, domain: int, sequences: int, *, lean: bool = False) -> Split:
    """Every sensible split of `shape` over all `gpus` for about so many `sequences` per step.

    Tensor parallelism stays within the fast `domain` and divides the heads; a pipeline has at most one stage per layer,
    and then only the optimiser is shared, because its stages keep weights and gradients between micro-batches. An
    interleaved one takes its micro-batches in rounds of one per stage. `lean` leaves out what only adds memory: more
    than one sequence at once, and interleaving.
    """
    rows = [
        (gpus // (tensor * pipeline), tensor, pipeline)
        for tensor in _tensors(shape, gpus, domain)
        for pipeline in range(1, min(shape.layers, gpus // tensor) + 1)
        if gpus // tensor % pipeline == 0 and gpus // (tensor * pipeline) <= sequences * (1 + BATCH_TOLERANCE)
    ]
    ways = np.array(rows, dtype=int).reshape(-1, 3)
    most = 1 if lean else None
    choices = np.arange(len(ways)), np.arange(4), MICRO_BATCHES[:most], np.arange(3), CHUNKS[:most]
    row, level, size, again, chunks = (index.ravel() for index in np.meshgrid(*choices))
    data, tensor, pipeline = ways[row].T
    round_of = np.where(chunks > 1, pipeline, 1)
    steps = round_of * np.maximum(np.rint(sequences / (data * size * round_of)).astype(int), 1)
    offered = Split(data=data, tensor=tensor, pipeline=pipeline, chunks=chunks, sharding=level, micro_batch=size,
                    micro_batches=steps, recomputation=again)  # fmt: skip
    off = np.abs(offered.sequences / sequences - 1)
    shared = level <= np.where(data == 1, 0, np.where(pipeline > 1, 1, 3))
    interleaved = (chunks == 1) | ((pipeline > 1) & (chunks * pipeline <= shape.layers))
    return offered.where((off <= BATCH_TOLERANCE) & shared & interleaved)


def _tensors(shape: Transformer, gpus: int, domain: int) -> list[int]:
    most = min(gpus, domain, MOST_TENSOR)
    return [ways for ways in range(1, most + 1) if gpus % ways == 0 and domain % ways == 0 and shape.heads % ways == 0]
