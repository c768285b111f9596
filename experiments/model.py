"""Decoder: the small language model that every run trains. It knows its arithmetic, not how it is trained."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from experiments.norms import scaled, turned

if TYPE_CHECKING:
    from experiments.config import Shape

ROTARY_BASE = 10_000.0

MOST_LOGITS = 1 << 28
"""So many logits are held at once (1 GB of float32); beyond, the loss is taken in chunks."""


class Decoder(nn.Module):
    """A causal transformer: rotary positions, QK-norm, RMSNorm before each part, SwiGLU, tied embedding and head.

    Equal-shaped matrices are stored stacked, so that the optimiser orthogonalises all of them in one batched product:
    `attention[layer]` holds the query, key and value matrices and the transpose of the output matrix, so that the rows
    of all four belong to heads; `mlp[layer]` holds the gate, the rising matrix and the transpose of the falling one.
    """

    cosine: Tensor
    sine: Tensor

    def __init__(self, shape: Shape, generator: torch.Generator) -> None:
        super().__init__()
        layers, width = shape.layers, shape.width
        self.heads = shape.heads
        self.attention = nn.Parameter(torch.empty(layers, 4, width, width))
        self.mlp = nn.Parameter(torch.empty(layers, 3, shape.hidden, width))
        self.embedding = nn.Parameter(torch.empty(shape.vocabulary, width))
        self.gains = nn.Parameter(torch.ones(2 * layers + 1, width))
        cosine, sine = _rotation(shape.context, width // shape.heads)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)
        self._start(generator)

    @torch.no_grad()
    def _start(self, generator: torch.Generator) -> None:
        """Random matrices, but each block starts as the identity: what it adds to the stream is zero."""
        width = self.embedding.shape[1]
        self.attention.normal_(std=width**-0.5, generator=generator)
        self.mlp.normal_(std=width**-0.5, generator=generator)
        self.embedding.normal_(std=width**-0.5, generator=generator)
        self.attention[:, 3] = 0
        self.mlp[:, 2] = 0

    def forward(self, tokens: Tensor) -> Tensor:
        """The logits (batch, time, vocabulary) of the token after each of `tokens` (batch, time)."""
        return F.linear(self.stream(tokens), self.embedding)

    def losses(self, windows: Tensor) -> Tensor:
        """Cross-entropy in nats of every token of `windows` (batch, time + 1) but the first, given those before it."""
        wanted = windows[:, 1:]
        each = cross_entropy(self.stream(windows[:, :-1]).flatten(0, 1), self.embedding, wanted.flatten(), MOST_LOGITS)
        return each.view_as(wanted)

    def stream(self, tokens: Tensor) -> Tensor:
        """What the head reads for each of `tokens` (batch, time): a tensor (batch, time, width)."""
        width = self.embedding.shape[1]
        gains = self.gains.unbind()
        hearing, telling = torch.split(self.attention, [3, 1], 1)
        mlp = self.mlp.flatten(0, 1).unbind()
        stream = F.embedding(tokens, self.embedding) * width**0.5
        for layer, (hear, tell) in enumerate(zip(hearing.unbind(), telling.unbind(), strict=True)):
            heard = self._attend(scaled(stream, gains[2 * layer]), hear.reshape(3 * width, width))
            stream = stream + heard @ tell.squeeze(0)
            gate, rising, falling = mlp[3 * layer : 3 * layer + 3]
            seen = scaled(stream, gains[2 * layer + 1])
            stream = stream + (F.silu(F.linear(seen, gate)) * F.linear(seen, rising)) @ falling
        return scaled(stream, gains[-1])

    def _attend(self, seen: Tensor, matrices: Tensor) -> Tensor:
        """What each head hears, side by side (batch, time, width): `matrices` hold queries over keys over values."""
        batch, time, width = seen.shape
        parts = F.linear(seen, matrices).view(batch, time, 3, self.heads, -1)
        pairs, value = torch.split(parts, [2, 1], 2)
        level = turned(pairs, self.cosine[:time], self.sine[:time]).to(value.dtype)
        query, key, value = (part.transpose(1, 2) for part in (*level.unbind(2), value.squeeze(2)))
        heard = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return heard.transpose(1, 2).reshape(batch, time, width)


def cross_entropy(stream: Tensor, head: Tensor, wanted: Tensor, most_logits: int) -> Tensor:
    """Cross-entropy in nats of each `wanted` token, for logits that are `stream` (tokens, width) times `head`.

    Beyond `most_logits` the logits are never held whole: they are made, and for the gradient made again, in chunks.
    """
    rows = max(1, most_logits // len(head))
    if len(stream) <= rows:
        return _cross_entropy(stream, head, wanted)
    chunks = zip(torch.split(stream, rows), torch.split(wanted, rows), strict=True)
    again = partial(checkpoint, _cross_entropy, use_reentrant=False, preserve_rng_state=False)
    return torch.cat([again(part, head, goal) for part, goal in chunks])


def _cross_entropy(stream: Tensor, head: Tensor, wanted: Tensor) -> Tensor:
    return F.cross_entropy(F.linear(stream, head).float(), wanted, reduction="none")


def _rotation(context: int, head_width: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine (context, 1, 1, head width) that turn channel i together with channel i + head_width / 2."""
    rates = ROTARY_BASE ** -(torch.arange(0, head_width, 2) / head_width)
    angles = torch.outer(torch.arange(context, dtype=torch.float32), rates)
    cosine = torch.cat((angles.cos(), angles.cos()), -1)
    sine = torch.cat((-angles.sin(), angles.sin()), -1)
    return cosine[:, None, None], sine[:, None, None]
