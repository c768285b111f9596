"""Transformer: a model's shape, from which its parameters, training FLOPs and weight bytes are counted exactly.

It counts decoder-only transformers: dense, mixture of experts, and DeepSeek's latent attention. It knows no hardware.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.errors import InputError
from planner.transformer.proportions import LARGEST, SMALLEST, WITHIN, Counting, oddness, refuse_context, sizes_near
from planner.units import read, show

Masking = Literal["causal", "full"]


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
    def near(cls, params: float | str, *, vocab: int | None = None, counting: Counting = "total") -> Transformer:
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
        shapes = sorted(
            (
                cls(**sizes, gated=True, tied=tied, biases=False, positions=0, experts=None, latent=None)
                for sizes, tied in sizes_near(target, vocab, counting)
            ),
            key=lambda shape: shape._oddness(target, counting),
        )
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

    def flops_per_token(self, context: int, attention: Masking = "causal") -> float:
        """Training FLOPs per token, forward and backward, at a `context` of so many tokens.

        6 per matrix weight that a token passes (output head included, input embedding not: it is a lookup), and
        attention's 6 heads x (query-key + value dimensions) x context per layer, half of it where masking is used.
        Llama 3, DeepSeek and Megatron report causal counts; PaLM and llm-foundry full ones.
        """
        refuse_context(context)
        scores = 6 * self.layers * self.heads * sum(self._dims) * context
        return float(6 * self._matrix_weights + (scores / 2 if attention == "causal" else scores))

    def prefill_flops_per_token(self, context: int) -> float:
        """FLOPs per token to read a prompt of `context` tokens: the forward third of training, causal."""
        return self.flops_per_token(context) / 3

    def decode_flops_per_token(self, context: int) -> float:
        """FLOPs to write one token after `context` cached ones.

        2 per matrix weight, and per layer and head 2 per cached token and dimension of keys and values. Latent
        attention works on the latents themselves (DeepSeek-V2, arXiv 2405.04434, section 2.1.2), wider than a head.
        """
        refuse_context(context)
        dims = sum(self._dims)
        if self.latent is not None:
            dims = 2 * self.latent.key_value_rank + self.latent.rope_dim
        return float(2 * self._matrix_weights + 2 * self.layers * self.heads * dims * context)

    def kv_cache_bytes_per_token(self, bytes_per_value: float = 2) -> float:
        """Bytes of keys and values that one token leaves in the cache; 2 per value is bf16.

        Keys and values of every key-value head and layer (Shazeer 2019, arXiv 1911.02150), or with latent attention one
        latent and the part with position (DeepSeek-V2, arXiv 2405.04434).
        """
        values = 2 * self.kv_heads * self.head_dim
        if self.latent is not None:
            values = self.latent.key_value_rank + self.latent.rope_dim
        return self.layers * values * bytes_per_value

    def weight_bytes(self, bytes_per_param: float = 2) -> float:
        """Bytes of all weights; 2 per parameter is bf16."""
        return self.params * bytes_per_param

    @property
    def params_embedding(self) -> int:
        """Weights of the input embedding and learned positions."""
        return (self.vocab + self.positions) * self.width

    @property
    def params_largest_layer(self) -> int:
        """Weights of the heaviest layer: with experts all of them count, active or not."""
        dense = 0 if self.experts is None else self.experts.dense_layers
        layer_norms = (self._norms - self._final_norm) // self.layers
        biases = self._bias_weights // self.layers
        blocks = [self._feed_forward] * (dense > 0 or self.experts is None)
        if self.experts is not None and dense < self.layers:
            blocks.append(self._routed(self.experts.total + self.experts.shared))
        return self._attention + max(blocks) + layer_norms + biases

    @property
    def query_key_value_dims(self) -> tuple[int, int, int]:
        """Numbers that attention makes of each token in a layer: of queries, of keys, of values, over all heads."""
        query_key, value = self._dims
        kv_heads = self.heads if self.latent is not None else self.kv_heads
        return self.heads * query_key, kv_heads * query_key, kv_heads * value

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
        latents = 0 if self.latent is None else self.latent.query_rank + self.latent.key_value_rank
        return self.layers * (2 * self.width + latents) * (2 if self.biases else 1) + self._final_norm

    @property
    def _final_norm(self) -> int:
        return self.width * (2 if self.biases else 1)

    @property
    def _bias_weights(self) -> int:
        attention = (self.heads + 2 * self.kv_heads) * self.head_dim + self.width
        feed_forward = self.width + self.ff_width * (2 if self.gated else 1)
        return self.layers * (attention + feed_forward) if self.biases else 0

    @property
    def _feed_forward(self) -> int:
        """Matrix weights of one dense feed-forward block."""
        return self.width * self.ff_width * (3 if self.gated else 2)

    def _routed(self, count: int) -> int:
        """Weights of the router and of `count` experts of one layer."""
        if self.experts is None:
            return 0
        return self.width * (count * self.experts.ff_width * (3 if self.gated else 2) + self.experts.total)

    @property
    def _matrix_weights(self) -> int:
        """Weights that one token is multiplied with, output head included."""
        return self._total(0, active_only=True) - self._bias_weights + self.vocab * self.width

    def _total(self, norms: int, *, active_only: bool) -> int:
        """Weights outside the embeddings."""
        dense, routed = self.layers, 0
        if self.experts is not None:
            dense = self.experts.dense_layers
            count = self.experts.shared + (self.experts.active if active_only else self.experts.total)
            routed = (self.layers - dense) * self._routed(count)
        return self.layers * self._attention + dense * self._feed_forward + routed + self._bias_weights + norms

    def _count(self, counting: Counting) -> int:
        return self.params if counting == "total" else self.params_non_embedding

    def _oddness(self, target: float, counting: Counting) -> tuple[bool, float]:
        return oddness(self._count(counting), target, layers=self.layers, width=self.width, ff_width=self.ff_width)
