"""Transformer: a model's shape, from which its parameters, training FLOPs and weight bytes are counted exactly.

It counts decoder-only transformers: dense, mixture of experts, and DeepSeek's latent attention. It knows no hardware.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from planner.errors import InputError
from planner.units import read, show

if TYPE_CHECKING:
    from collections.abc import Iterator

Counting = Literal["total", "non_embedding"]

SMALLEST, LARGEST = 1e5, 1e15
"""The range of parameters for which `Transformer.near` proposes a shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experts:
    """The mixture of experts that replaces the feed-forward block in all but the first `dense_layers`."""

    total: int
    active: int
    ff_width: int
    shared: int = 0
    dense_layers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): queries, keys and values through low-rank latents.

    `head_dim` of the transformer is the part of queries and keys without position; `rope_dim` is the part with it.
    """

    query_rank: int
    key_value_rank: int
    rope_dim: int
    value_dim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformer:
    """The shape of a decoder-only transformer; every count follows from it.

    Args:
        ff_width: inner width of the feed-forward block; `gated` blocks (SwiGLU) have three matrices, others two.
        tied: the output head is the transposed input embedding.
        biases: every linear layer but the head has a bias, and every norm has one (LayerNorm), as in GPT-2 and GPT-3.
        positions: rows of learned position embeddings; 0 for rotary ones.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    ff_width: int
    vocab: int
    gated: bool = True
    tied: bool = False
    biases: bool = False
    positions: int = 0
    experts: Experts | None = None
    latent: LatentAttention | None = None

    def __post_init__(self) -> None:
        counts = (self.layers, self.width, self.heads, self.kv_heads, self.head_dim, self.ff_width, self.vocab)
        if min(counts) < 1 or self.positions < 0:
            raise InputError("A transformer needs at least one of everything.", mend="Give positive whole numbers.")
        if self.heads % self.kv_heads:
            raise InputError(
                f"{self.heads} heads cannot share {self.kv_heads} key-value heads evenly.",
                mend="Choose kv_heads that divide heads.",
            )

    @classmethod
    def near(cls, params: float, *, vocab: int | None = None, counting: Counting = "total") -> Transformer:
        """A dense Llama-style shape whose parameters, counted as `counting` says, are within 1 % of `params`.

        Depth and width follow published models; the default vocabulary follows Tao et al. 2024 (`vocab_for`).

        Raises:
            InputError: no such shape: `params` are out of range, or mostly taken by the given `vocab`.
        """
        target = read(params, "params", name="params")
        if not SMALLEST <= target <= LARGEST:
            raise InputError(
                f"No model shape is proposed for {show(target, 'params')}.",
                mend=f"Ask for {show(SMALLEST, 'params')} to {show(LARGEST, 'params')}.",
            )
        if vocab is not None and vocab < 1:
            raise InputError(f"vocab must be positive, not {vocab}.", mend="Leave it out, or give for example 32000.")
        shapes = sorted(_shapes_near(target, vocab, counting), key=lambda shape: shape._oddness(target, counting))
        if not shapes or abs(shapes[0]._count(counting) / target - 1) > 2 * WITHIN:
            raise InputError(
                f"A vocabulary of {vocab:,} leaves no room for layers in {show(target, 'params')}.",
                mend="Take a smaller vocabulary or a larger model.",
            )
        return shapes[0]

    @property
    def params(self) -> int:
        """All parameters, embeddings included."""
        return self.params_non_embedding + self._embedding

    @property
    def params_non_embedding(self) -> int:
        """Parameters without input embedding, output head and learned positions, as Kaplan et al. 2020 count them."""
        return self._total(self._norms, active_only=False)

    @property
    def params_active(self) -> int:
        """Parameters that one token passes through, embeddings included; all of them in a dense model."""
        return self._total(self._norms, active_only=True) + self._embedding

    def flops_per_token(self, context: int, attention: Literal["causal", "full"] = "causal") -> float:
        """Training FLOPs per token, forward and backward, at a `context` of so many tokens.

        6 per matrix weight that a token passes (output head included, input embedding not: it is a lookup), and
        attention's 6 heads x (query-key + value dimensions) x context per layer, half of it where masking is used.
        Llama 3, DeepSeek and Megatron report causal counts; PaLM and llm-foundry full ones.
        """
        _refuse_context(context)
        weights = self._total(0, active_only=True) - self._bias_weights + self.vocab * self.width
        scores = 6 * self.layers * self.heads * sum(self._dims) * context
        return float(6 * weights + (scores / 2 if attention == "causal" else scores))

    def weight_bytes(self, bytes_per_param: float = 2) -> float:
        """Bytes of all weights; 2 per parameter is bf16."""
        return self.params * bytes_per_param

    def describe(self) -> str:
        """One line for a person."""
        parts = [f"{self.layers} layers x width {self.width:,}", f"{self.heads} heads"]
        if self.experts is not None:
            parts.append(f"{self.experts.active} of {self.experts.total} experts")
        return ", ".join([*parts, f"vocabulary {self.vocab:,}"])

    def __str__(self) -> str:
        return self.describe()

    @property
    def _dims(self) -> tuple[int, int]:
        """Per head: the dimension of queries and keys, and that of values."""
        if self.latent is None:
            return self.head_dim, self.head_dim
        return self.head_dim + self.latent.rope_dim, self.latent.value_dim

    @property
    def _embedding(self) -> int:
        return (self.vocab * (1 if self.tied else 2) + self.positions) * self.width

    @property
    def _attention(self) -> int:
        """Weights of one attention block."""
        if self.latent is None:
            return self.width * self.head_dim * 2 * (self.heads + self.kv_heads)
        latent, (query_key, value) = self.latent, self._dims
        queries = latent.query_rank * (self.width + self.heads * query_key)
        down = self.width * (latent.key_value_rank + latent.rope_dim)
        up = latent.key_value_rank * self.heads * (self.head_dim + value)
        return queries + down + up + self.heads * value * self.width

    @property
    def _norms(self) -> int:
        """Weights of all norms: two per layer, a final one, and those of the latents."""
        latents = 0 if self.latent is None else self.layers * (self.latent.query_rank + self.latent.key_value_rank)
        return ((2 * self.layers + 1) * self.width + latents) * (2 if self.biases else 1)

    @property
    def _bias_weights(self) -> int:
        attention = (self.heads + 2 * self.kv_heads) * self.head_dim + self.width
        feed_forward = self.width + self.ff_width * (2 if self.gated else 1)
        return self.layers * (attention + feed_forward) if self.biases else 0

    def _total(self, norms: int, *, active_only: bool) -> int:
        """Weights outside the embeddings."""
        matrices = 3 if self.gated else 2
        dense, routed = self.layers, 0
        if self.experts is not None:
            dense = self.experts.dense_layers
            count = self.experts.shared + (self.experts.active if active_only else self.experts.total)
            router = self.width * self.experts.total
            routed = (self.layers - dense) * (count * matrices * self.width * self.experts.ff_width + router)
        feed_forward = dense * matrices * self.width * self.ff_width + routed
        return self.layers * self._attention + feed_forward + self._bias_weights + norms

    def _count(self, counting: Counting) -> int:
        return self.params if counting == "total" else self.params_non_embedding

    def _oddness(self, target: float, counting: Counting) -> tuple[bool, float]:
        """How far this shape is from what people train: first whether it misses the target by over 1 %, then by how
        much its proportions differ from the usual ones."""
        miss = abs(self._count(counting) / target - 1)
        aspect = math.log(self.width / self.layers / _usual_aspect(target))
        feed_forward = math.log(self.ff_width / self.width / USUAL_FF_RATIO)
        return miss > WITHIN, (miss if miss > WITHIN else aspect**2 + feed_forward**2)


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
    _refuse_context(context)
    aspect = _usual_aspect(params)
    width = (params * aspect / (4 + 3 * USUAL_FF_RATIO)) ** (1 / 3)
    return 6 * params + 6 * context * width**2 / aspect


def _refuse_context(context: int) -> None:
    if context < 1:
        raise InputError(f"context must be positive, not {context}.", mend="Give tokens, for example 4096.")


def _usual_aspect(params: Any) -> Any:
    """Width over layers of published models: 8 at 1e5 parameters, 64 at 1e8 (GPT-2), 128 from 1e10 on (Llama)."""
    size = np.log10(params)
    return 2 ** np.minimum(np.minimum(size - 2, 6 + (size - 8) / 2), 7)


def _shapes_near(target: float, vocab: int | None, counting: Counting) -> Iterator[Transformer]:
    """Shapes of about `target` parameters, one or a few for each sensible width."""
    usual = (target * _usual_aspect(target) / 12) ** (1 / 3)
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
                yield Transformer(layers=layers, width=width, heads=heads, kv_heads=kv_heads, head_dim=head_dim,
                                  ff_width=ff_width, vocab=best_vocab, tied=tied)  # fmt: skip


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
