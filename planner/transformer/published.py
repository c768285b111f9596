"""Shapes of open models, as their published configurations state them, from shapes.csv."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from planner.catalog import record, records
from planner.transformer.shapes import Experts, LatentAttention, Transformer

if TYPE_CHECKING:
    from planner.catalog import Record

_SIZES = ("layers", "width", "heads", "kv_heads", "head_dim", "ff_width", "vocab")


@cache
def shape_of(name: str) -> Transformer:
    """The shape of the open model `name`, such as "llama-3.1-70b".

    Raises:
        UnknownName: shapes.csv has no such model.
    """
    return transformer_in(record("shapes", "name", name, kind="model shape"))


def shape_names() -> tuple[str, ...]:
    """The open models whose shapes are known."""
    return tuple(row["name"] for row in records("shapes"))


def transformer_in(row: Record) -> Transformer:
    """The shape that a row with the columns of shapes.csv describes."""
    count = {name: int(cell) for name, cell in row.items() if cell.isdigit()}
    experts = latent = None
    if row["experts"]:
        experts = Experts(
            total=count["experts"],
            active=count["active_experts"],
            ff_width=count["expert_ff_width"],
            shared=count["shared_experts"],
            dense_layers=count["dense_layers"],
        )
    if row["query_rank"]:
        latent = LatentAttention(
            query_rank=count["query_rank"],
            key_value_rank=count["key_value_rank"],
            rope_dim=count["rope_dim"],
            value_dim=count["value_dim"],
        )
    return Transformer(
        **{name: count[name] for name in _SIZES},
        gated=row["gated"] == "yes",
        tied=row["tied"] == "yes",
        biases=row["biases"] == "yes",
        positions=count["positions"],
        experts=experts,
        latent=latent,
    )
