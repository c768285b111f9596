"""adapt_cost(...) -> AdaptCost: what fine-tuning a model and retrieving for one cost, each per unit."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from planner.catalog import Record, records
from planner.costing.calling import api_cost
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.sheet import Row, Sheet
from planner.units import read, show

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOPS_OF_LORA = 4.0
"""FLOPs per parameter and token with frozen weights, which need no weight gradients."""
BYTES_PER_DIMENSION, DIMENSIONS = 4.0, 1536.0
"""32-bit numbers, and the length of common embeddings (text-embedding-3-small)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptCost(Sheet):
    """Unit costs in USD: of one fine-tuning, of an index over documents, and of one answered question."""

    params: float
    tokens: float
    cluster: Cluster
    full_usd: Estimate | None
    lora_usd: Estimate | None
    api_usd: Estimate
    document_tokens: float
    embedding_usd: Estimate
    storage_usd_per_month: Estimate
    question_usd: Estimate
    question_basis: str

    title = "Fine-tuning and retrieval, unit costs"

    def rows(self) -> Iterator[Row]:
        """Each unit cost with its formula and the dates of its prices."""
        price = self.cluster.price_basis
        yield Row("params", "Parameters", self.params, "params")
        yield Row("tokens", "Tokens to tune on", self.tokens, "tokens", "all epochs together")
        yield Row("cluster", "Cluster", str(self.cluster))
        yield Row("full_usd", "Full fine-tuning", self.full_usd, "usd", f"6 x parameters x tokens, {price}")
        yield Row("lora_usd", "LoRA", self.lora_usd, "usd", f"4 to 6 (recomputed) x parameters x tokens, {price}")
        yield Row("api_usd", "Through an API", self.api_usd, "usd", _span("api_tuning"))
        yield Row("document_tokens", "Documents", self.document_tokens, "tokens")
        yield Row("embedding_usd", "Embedding them once", self.embedding_usd, "usd", _span("embedding"))
        yield Row(
            "storage_usd_per_month", "Keeping the index a month", self.storage_usd_per_month, "usd",
            f"{show(DIMENSIONS, 'count')} numbers a chunk, {_span('vector_storage')}",
        )  # fmt: skip
        yield Row("question_usd", "Chunks in one question", self.question_usd, "usd", self.question_basis)


def adapt_cost(
    *,
    params: float | str = "8B",
    tokens: float | str = "10M",
    cluster: Cluster | str = "8x h100",
    document_tokens: float | str = "100M",
    model: str = "gpt-5",
    chunks: float = 5,
    chunk_tokens: float | str = 500,
) -> AdaptCost:
    """What it costs to tune a model, and to retrieve for one.

    Args:
        params: of the model to tune.
        tokens: to tune on, all epochs together.
        cluster: where, with its price.
        document_tokens: text to index.
        model: the API model that reads the chunks.
        chunks: how many go into one question.
        chunk_tokens: the length of one.

    Raises:
        UnknownName: no API model is called so.
    """
    size, data = read(params, "params", name="params"), read(tokens, "tokens", name="tokens")
    text, length = (
        read(document_tokens, "tokens", name="document_tokens"),
        read(chunk_tokens, "tokens", name="chunk_tokens"),
    )
    where = Cluster.parse(cluster)
    full = None if where.price is None else where.usd(FLOPS_PER_PARAM_TOKEN * size * data)
    asked = api_cost(model, input_tokens=read(chunks, "count", name="chunks", zero=True) * length, output_tokens=0)
    gigabytes = text / length * DIMENSIONS * BYTES_PER_DIMENSION / 1e9
    return AdaptCost(
        params=size,
        tokens=data,
        cluster=where,
        full_usd=full,
        lora_usd=None if full is None else _of_lora(full),
        api_usd=_unit("api_tuning").scaled(data / 1e6),
        document_tokens=text,
        embedding_usd=_unit("embedding").scaled(text / 1e6),
        storage_usd_per_month=_unit("vector_storage").times(_unit("index_overhead")).scaled(gigabytes),
        question_usd=asked.usd_per_request,
        question_basis=f"{show(chunks, 'count')} x {show(length, 'tokens')} into {asked.model}, {asked.basis}",
    )


def _of_lora(full: Estimate) -> Estimate:
    """LoRA does 4 to 6 FLOPs where full tuning does 6: recomputing activations takes the saving back."""
    share = FLOPS_OF_LORA / FLOPS_PER_PARAM_TOKEN
    return full.times(Estimate(share, share, 1.0))


def _rows(key: str) -> list[Record]:
    return [row for row in records("unit_costs") if row["key"] == key]


def _unit(key: str) -> Estimate:
    """The median over what is sold under `key`, and its whole span."""
    rows = _rows(key)
    return Estimate(
        median(float(row["value"]) for row in rows),
        min(float(row["low"]) for row in rows),
        max(float(row["high"]) for row in rows),
    )


def _span(key: str) -> str:
    """How many offers stand behind `key` and of when."""
    rows = _rows(key)
    months = sorted({row["as_of"] for row in rows})
    who = f"{show(float(len(rows)), 'count')} offers" if len(rows) > 1 else rows[0]["item"]
    return f"{who}, {months[0] if len(months) == 1 else f'{months[0]} to {months[-1]}'}"
