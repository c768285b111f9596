"""Decoder: the small language model that every run trains. It knows its arithmetic, not how it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from experiments.config import Shape

ROTARY_BASE = 10_000.0


class Decoder(nn.Module):
    """A causal transformer: rotary positions, QK-norm, RMSNorm before each part, squared-ReLU MLP, tied embedding.

    Equal-shaped matrices are stored stacked, so that the optimiser orthogonalises all of them in one batched product:
    `attention[layer]` holds the query, key, value and output matrices, `mlp[layer]` the rising matrix and the
    transpose of the falling one.
    """

    rotation: Tensor

    def __init__(self, shape: Shape, generator: torch.Generator) -> None:
        super().__init__()
        layers, width, hidden = shape.layers, shape.width, shape.hidden
        self.heads = shape.heads
        self.attention = nn.Parameter(torch.empty(layers, 4, width, width))
        self.mlp = nn.Parameter(torch.empty(layers, 2, hidden, width))
        self.embedding = nn.Parameter(torch.empty(shape.vocabulary, width))
        self.gains = nn.Parameter(torch.ones(2 * layers + 1, width))
        self.register_buffer("rotation", _rotation(shape.context, width // shape.heads), persistent=False)
        self._start(generator)

    @torch.no_grad()
    def _start(self, generator: torch.Generator) -> None:
        """Random matrices, but each block starts as the identity: what it adds to the stream is zero."""
        width = self.embedding.shape[1]
        self.attention.normal_(std=width**-0.5, generator=generator)
        self.mlp.normal_(std=width**-0.5, generator=generator)
        self.embedding.normal_(std=width**-0.5, generator=generator)
        self.attention[:, 3] = 0
        self.mlp[:, 1] = 0

    def forward(self, tokens: Tensor) -> Tensor:
        """The logits (batch, time, vocabulary) of the token after each of `tokens` (batch, time)."""
        batch, time = tokens.shape
        width = self.embedding.shape[1]
        gains = self.gains.unbind()
        stream = F.embedding(tokens, self.embedding) * width**0.5
        for layer, (attention, mlp) in enumerate(zip(self.attention.unbind(), self.mlp.unbind(), strict=True)):
            seen = F.rms_norm(stream, (width,), gains[2 * layer])
            pairs = F.linear(seen, attention[:2].reshape(2 * width, width)).view(batch, time, 2, self.heads, -1)
            value = F.linear(seen, attention[2]).view(batch, time, self.heads, -1)
            stream = stream + F.linear(self._attend(pairs, value), attention[3])
            seen = F.rms_norm(stream, (width,), gains[2 * layer + 1])
            stream = stream + squared_relu(F.linear(seen, mlp[0])) @ mlp[1]
        return F.linear(F.rms_norm(stream, (width,), gains[-1]), self.embedding)

    def _attend(self, pairs: Tensor, value: Tensor) -> Tensor:
        """Causal attention: queries and keys lie side by side in `pairs` (batch, time, 2, heads, head width)."""
        batch, time, _, heads, head_width = pairs.shape
        even = F.rms_norm(pairs, (head_width,)).view(batch, time, 2, heads, head_width // 2, 2)
        turned = torch.view_as_real(torch.view_as_complex(even) * self.rotation[:time, None, None]).flatten(-2)
        query, key = turned.permute(2, 0, 3, 1, 4).unbind()
        heard = F.scaled_dot_product_attention(query, key, value.transpose(1, 2), is_causal=True)
        return heard.transpose(1, 2).reshape(batch, time, heads * head_width)


class _SquaredReLU(torch.autograd.Function):
    """max(x, 0)^2, whose gradient 2 max(x, 0) needs the rectified input only: two passes over memory, not five."""

    @staticmethod
    def forward(ctx: Any, raw: Tensor) -> Tensor:
        rectified = F.relu(raw)
        ctx.save_for_backward(rectified)
        return rectified * rectified

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (rectified,) = ctx.saved_tensors
        gradient: Tensor = gradients[0] * rectified
        return gradient.mul_(2)


def squared_relu(raw: Tensor) -> Tensor:
    """max(raw, 0)^2 elementwise."""
    squared: Tensor = _SquaredReLU.apply(raw)  # type: ignore[no-untyped-call]
    return squared


def _rotation(context: int, head_width: int) -> Tensor:
    """The unit complex numbers (context, head_width / 2) that turn each pair of channels with its position."""
    rates = ROTARY_BASE ** -(torch.arange(0, head_width, 2) / head_width)
    angles = torch.outer(torch.arange(context, dtype=torch.float32), rates)
    return torch.polar(torch.ones_like(angles), angles)
