"""Memory: what training keeps on one GPU, part by part."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from planner.layouts.activations import bytes_per_token, head_bytes_per_token
from planner.layouts.splits import Split
from planner.transformer import Transformer

WEIGHT_BYTES, GRADIENT_BYTES, OPTIMISER_BYTES = 2, 4, 12
"""Per parameter: bf16 weights, fp32 gradients, fp32 master weights and both moments of Adam; together 18.

Gradients kept in bf16 make it 16 (Rajbhandari et al. 2019, arXiv 1910.02054, section 3.1).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes on the fullest GPU; the fields may be arrays."""

    weights: Any
    gradients: Any
    optimiser: Any
    activations: Any
    logits: Any

    @property
    def total(self) -> Any:
        """All parts; the runtime comes on top."""
        return self.weights + self.gradients + self.optimiser + self.activations + self.logits


def memory_of(shape: Transformer, split: Split, context: int) -> Memory:
    """Memory of the fullest GPU: of the first stage with most micro-batches, or the last with its head."""
    first, last = (_stage(shape, split, context, last=last) for last in (False, True))
    fuller = np.asarray(first.total) >= np.asarray(last.total)
    parts = {
        part.name: np.where(fuller, getattr(first, part.name), getattr(last, part.name)) for part in fields(Memory)
    }
    return Memory(**{name: part if part.ndim else float(part) for name, part in parts.items()})


def stage_layers(shape: Transformer, split: Split) -> Any:
    """Layers of the longest stage."""
    return split.chunks * -(-shape.layers // (split.pipeline * split.chunks))


def stage_params(shape: Transformer, split: Split, *, last: bool) -> Any:
    """Parameters of the first stage with the embedding, or the last with the head; all where there is one stage."""
    end = shape.vocab * shape.width if last else shape.params_embedding
    return np.where(split.pipeline == 1, shape.params, stage_layers(shape, split) * shape.params_largest_layer + end)


def _stage(shape: Transformer, split: Split, context: int, *, last: bool) -> Memory:
    held = stage_params(shape, split, last=last) / split.tensor
    in_flight = np.minimum(_in_flight(split, last=last), split.micro_batches)
    tokens = split.micro_batch * context / split.tensor
    layers = stage_layers(shape, split)
    has_head = 1 if last else np.where(split.pipeline == 1, 1, 0)
    return Memory(
        weights=WEIGHT_BYTES * np.where(split.sharding == 3, held / split.data + _gathered(shape) / split.tensor, held),
        gradients=GRADIENT_BYTES * held / np.where(split.sharding >= 2, split.data, 1),
        optimiser=OPTIMISER_BYTES * held / np.where(split.sharding >= 1, split.data, 1),
        activations=tokens * bytes_per_token(shape, context, layers, in_flight, split.recomputation),
        logits=has_head * tokens * head_bytes_per_token(shape),
    )


def _in_flight(split: Split, *, last: bool) -> Any:
    """Micro-batches whose activations a stage holds at once, whole ones however its chunks lie.

    One per stage yet to come; interleaved p + (p - 1) / v in the first of p stages with v chunks (Korthikanti et al.
    2022, arXiv 2205.05198, section 4.2.3), and less in later ones.
    """
    stages, chunks = split.pipeline, split.chunks
    ahead = 0 if last else 2 * (stages - 1)
    return np.where(chunks > 1, (ahead + (chunks - 1) * stages + 1) / chunks, 1 if last else stages)


def _gathered(shape: Transformer) -> int:
    """Weights collected at a time where copies share them: the layer at work and the next one, or the head."""
    return shape.params_largest_layer + max(shape.params_largest_layer, shape.vocab * shape.width)
