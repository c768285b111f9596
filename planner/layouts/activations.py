"""Activations: the bytes that one token leaves behind in a layer until the backward pass, before any division."""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.transformer import Transformer

LOGIT_BYTES = 6
"""A logit in bf16 and its copy in fp32 for the loss."""


def stored(shape: Transformer) -> float:
    """Bytes per token and layer of all inputs that the backward pass needs, without attention scores.

    Korthikanti et al. 2022 (arXiv 2205.05198), section 4.1, in bf16: inputs of both norms and both blocks, queries,
    keys, values, the attention's output, the inner values of the feed-forward block, two dropout masks (a reserve
    where there is no dropout). For their shapes it is 34 x width. Beyond the paper: grouped heads, gated blocks,
    latents, and with experts a token's copies on the way to each of them and back.
    """
    queries, keys, values = shape.query_key_value_dims
    inner = shape.ff_width
    copies = 0
    if shape.experts is not None:
        inner = max(inner, (shape.experts.active + shape.experts.shared) * shape.experts.ff_width)
        copies = shape.experts.active
    latents = 0
    if shape.latent is not None:
        latents = shape.latent.query_rank + shape.latent.key_value_rank + shape.latent.rope_dim
    output = queries if shape.latent is None else values
    attention = queries + keys + values + output + latents
    return 2 * (4 * shape.width + attention + (3 if shape.gated else 2) * inner + 2 * copies * shape.width) + (
        2 * shape.width
    )


def scores(shape: Transformer, context: int) -> float:
    """Bytes per token and layer of attention scores, their softmax and its dropout: 5 x heads x context (same source).

    Fused attention kernels (Dao et al. 2022, arXiv 2205.14135) never store them: that is selective recomputation.
    """
    return 5.0 * shape.heads * context


def bytes_per_token(shape: Transformer, context: int, layers: Any, in_flight: Any, recomputation: Any) -> Any:
    """Bytes per token of one micro-batch in a stage of `layers` layers that holds so many micro-batches `in_flight`.

    Fully recomputed, a layer keeps its input, and the one at work all that it needs.
    """
    kept = np.where(recomputation == 0, stored(shape) + scores(shape, context), stored(shape))
    whole = 2 * shape.width * layers * in_flight + stored(shape)
    return np.where(recomputation == 2, whole, kept * layers * in_flight)


def head_bytes_per_token(shape: Transformer) -> float:
    """Bytes per token at the output: logits, and the inputs of the final norm and of the head."""
    return LOGIT_BYTES * shape.vocab + 4 * shape.width
