"""The proportions of published models: what width, depth and vocabulary a model of some size usually has."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from planner.errors import InputError

Counting = Literal["total", "non_embedding"]
Sizes = dict[str, int]
"""Layers, width, heads, kv_heads, head_dim, ff_width and vocab of a dense Transformer."""

SMALLEST, LARGEST = 1e5, 1e15
"""The range of parameters for which `Transformer.near` proposes a shape."""
WITHIN = 0.01
USUAL_FF_RATIO = 3.0
"""Inner over outer width of gated feed-forward blocks: 2.7 in Llama 1 and 2, 3.5 in Llama 3."""
TIED_BELOW = 4e9
"""Llama 3.2 ties the embeddings at 1B and 3B; Llama 3.1 does not at 8B."""
GROUPED_FROM = 4096
"""Width from which 8 key-value heads serve all heads, as in Llama 3."""
VOCAB_STEP, VOCAB_CAP, BYTES = 128, 256_000, 256

_STEPS = ((4096, 128, 1024, 256), (2048, 128, 256, 128), (1024, 64, 128, 64), (256, 64, 64, 64), (128, 32, 32, 32),
          (16, 16, 16, 8))  # fmt: skip
"""From which width on: the head dimension, the step of widths, the step of feed-forward widths."""


def vocab_for(params_non_embedding: float, width: int) -> int:
    """The compute-optimal vocabulary, a multiple of 128 between 256 (bytes) and 256,000.

    Tao et al. 2024 (arXiv 2407.13623), derivative approach as in the authors' code sail-sg/scaling-with-vocab:
    vocabulary parameters are 3145728 (params / 33e6)^0.8354.
    """
    best: float = 3145728 * (params_non_embedding / 33e6) ** 0.8354 / width
    return min(max(VOCAB_STEP * round(best / VOCAB_STEP), BYTES), VOCAB_CAP)


def ladder_flops_per_token(params: Any, context: int) -> Any:
    """Training FLOPs per token of our shapes of `params` parameters at a `context` of so many tokens, without steps.

    6 per parameter, and causal attention's 6 x layers x width x context in the usual proportions: a smooth stand-in for
    `Transformer.near(params).flops_per_token(context)`, within 7 % from 100M parameters on at a context of 4096 tokens.
    Takes arrays.
    """
    refuse_context(context)
    aspect = usual_aspect(params)
    width = (params * aspect / (4 + 3 * USUAL_FF_RATIO)) ** (1 / 3)
    return 6 * params + 6 * context * width**2 / aspect


def refuse_context(context: float) -> None:
    """Raise where `context` is no positive number of tokens."""
    if context < 1:
        raise InputError(f"context must be positive, not {context}.", mend="Give tokens, for example 4096.")


def usual_aspect(params: Any) -> Any:
    """Width over layers of published models: 8 at 1e5 parameters, 64 at 1e8 (GPT-2), 128 from 1e10 on (Llama)."""
    size = np.log10(params)
    return 2 ** np.minimum(np.minimum(size - 2, 6 + (size - 8) / 2), 7)


def oddness(counted: float, target: float, *, layers: int, width: int, ff_width: int) -> tuple[bool, float]:
    """How far a shape is from what people train: first whether its count misses the target by over 1 %, then by how
    much its proportions differ from the usual ones."""
    miss = abs(counted / target - 1)
    aspect = math.log(width / layers / usual_aspect(target))
    feed_forward = math.log(ff_width / width / USUAL_FF_RATIO)
    return miss > WITHIN, (miss if miss > WITHIN else aspect**2 + feed_forward**2)


def sizes_near(target: float, vocab: int | None, counting: Counting) -> Iterator[tuple[Sizes, bool]]:
    """Sizes of shapes of about `target` parameters, one or a few for each sensible width; and whether to tie."""
    usual = (target * usual_aspect(target) / 12) ** (1 / 3)
    narrowest = usual / 2 if vocab is None else 0
    tied = target < TIED_BELOW
    for width in _widths(narrowest, 2 * usual):
        head_dim, _, ff_step = _steps(width)
        heads = width // head_dim
        kv_heads = 8 if width >= GROUPED_FROM else heads
        best_vocab = vocab or _vocab_in(target, width, tied, counting)
        body = target
        if counting == "total":
            body -= best_vocab * width * (1 if tied else 2)
        attention = 2 * width * head_dim * (heads + kv_heads)
        per_layer = attention + 3 * width * width * USUAL_FF_RATIO
        for layers in (math.floor(body / per_layer), math.ceil(body / per_layer)):
            room = (body - width) / layers - attention - 2 * width if layers > 0 else 0
            ff_width = ff_step * round(room / (3 * width * ff_step))
            if ff_width > 0:
                sizes = {"layers": layers, "width": width, "heads": heads, "kv_heads": kv_heads, "head_dim": head_dim,
                         "ff_width": ff_width, "vocab": best_vocab}  # fmt: skip
                yield sizes, tied


def _vocab_in(target: float, width: int, tied: bool, counting: Counting) -> int:
    """The compute-optimal vocabulary of a model of `target` parameters."""
    if counting == "non_embedding":
        return vocab_for(target, width)
    body = target
    for _ in range(4):
        body = max(target - vocab_for(body, width) * width * (1 if tied else 2), target / 10)
    return vocab_for(body, width)


def _steps(width: float) -> tuple[int, int, int]:
    return next((head_dim, step, ff_step) for least, head_dim, step, ff_step in _STEPS if width >= least)


def _widths(low: float, high: float) -> Iterator[int]:
    """The widths on our grid from `low` to `high`."""
    width = _STEPS[-1][0]
    while width <= max(high, _STEPS[-1][0]):
        if width >= low:
            yield width
        width += _steps(width)[1]
