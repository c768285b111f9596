"""RMSNorm and the turn of queries and keys, with gradients written out: half the passes over memory of autograd's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

EPSILON = 1e-6


def scaled(raw: Tensor, gains: Tensor) -> Tensor:
    """`raw` (..., width), each vector brought to a mean square of 1, times `gains` (width)."""
    result: Tensor = _Scaled.apply(raw, gains)  # type: ignore[no-untyped-call]
    return result


def turned(raw: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """`raw` (..., head width), each vector brought to a mean square of 1, then turned by its position.

    Channel i and channel i + half of them are turned together; `cosine` and `sine` say by how much, and in the first
    half the sine is negative.
    """
    result: Tensor = _Turned.apply(raw, cosine, sine)  # type: ignore[no-untyped-call]
    return result


class _Scaled(Function):
    @staticmethod
    def forward(ctx: Any, raw: Tensor, gains: Tensor) -> Tensor:
        scale = _scale(raw)
        level = raw * scale
        ctx.save_for_backward(level, scale, gains)
        return level * gains

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        level, scale, gains = ctx.saved_tensors
        (gradient,) = gradients
        each = gradient * level
        along = (each @ gains).div_(-level.shape[-1])
        return (gradient * gains).addcmul_(level, along[..., None]).mul_(scale), each.flatten(0, -2).sum(0)


class _Turned(Function):
    @staticmethod
    def forward(ctx: Any, raw: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        scale = _scale(raw)
        level = raw * scale
        ctx.save_for_backward(level, scale, cosine, sine)
        return (level * cosine).addcmul_(_other(level), sine)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        level, scale, cosine, sine = ctx.saved_tensors
        (gradient,) = gradients
        back = (gradient * cosine).addcmul_(_other(gradient), sine, value=-1)
        along = (back * level).sum(-1, keepdim=True).div_(-level.shape[-1])
        return back.addcmul_(level, along).mul_(scale), None, None


def _scale(raw: Tensor) -> Tensor:
    """What brings each vector to a mean square of 1; the gradient of raw * scale = level is
    scale (gradient - level <gradient, level> / width)."""
    kind = torch.promote_types(raw.dtype, torch.float32)
    lengths: Tensor = torch.linalg.vector_norm(raw, dim=-1, keepdim=True, dtype=kind)
    return lengths.square_().div_(raw.shape[-1]).add_(EPSILON).rsqrt_()


def _other(vectors: Tensor) -> Tensor:
    """For every channel the one that it is turned with."""
    return vectors.roll(vectors.shape[-1] // 2, -1)
