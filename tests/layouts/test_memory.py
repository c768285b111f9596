"""Memory per GPU: published formulas, published layouts, and the laws that division keeps."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.hardware import Accelerator
from planner.layouts import Split, memory_of
from planner.layouts.activations import scores, stored
from planner.transformer import Transformer, shape_of

with (Path(__file__).parent.parent / "published" / "layouts.csv").open(encoding="utf-8", newline="") as published:
    LAYOUTS = list(csv.DictReader(published))

ALONE = Split(data=1, tensor=1, pipeline=1, chunks=1, sharding=0, micro_batch=1, micro_batches=1, recomputation=1)


def gpt(row: dict[str, str]) -> Transformer:
    width, heads = int(row["width"]), int(row["heads"])
    return Transformer(layers=int(row["layers"]), width=width, heads=heads, kv_heads=heads, head_dim=width // heads,
                       ff_width=4 * width, vocab=int(row["vocab"]), gated=False, tied=True, biases=True,
                       positions=int(row["context"]))  # fmt: skip


def split_of(row: dict[str, str], recomputation: int) -> Split:
    copies = int(row["gpus"]) // (int(row["tensor"]) * int(row["pipeline"]))
    size = int(row["micro_batch"])
    return replace(
        ALONE, data=copies, tensor=int(row["tensor"]), pipeline=int(row["pipeline"]), micro_batch=size,
        micro_batches=int(row["batch"]) // (copies * size), recomputation=recomputation,
    )  # fmt: skip


@pytest.mark.parametrize("row", LAYOUTS, ids=lambda row: row["name"])
def test_activations_follow_korthikanti(row: dict[str, str]) -> None:
    """arXiv 2205.05198, equations 1 and 4: 34 x width and 5 x heads x context bytes per token and layer."""
    shape = gpt(row)
    assert stored(shape) == 34 * shape.width
    assert scores(shape, 2048) == 5 * shape.heads * 2048


def test_gated_blocks_grouped_heads_and_experts_are_counted_by_what_they_keep() -> None:
    """By hand, in bf16 values per token: four residuals, queries, keys, values and output, three inner ones; masks."""
    llama = 4 * 4096 + 2 * 4096 + 2 * 1024 + 3 * 14336
    assert stored(shape_of("llama-3.1-8b")) == 2 * llama + 2 * 4096
    mixtral = 4 * 4096 + 2 * 4096 + 2 * 1024 + 3 * 2 * 14336 + 2 * 2 * 4096
    assert stored(shape_of("mixtral-8x7b")) == 2 * mixtral + 2 * 4096


@pytest.mark.parametrize("row", LAYOUTS, ids=lambda row: row["name"])
def test_published_layouts_fit_their_gpus_only_without_stored_scores(row: dict[str, str]) -> None:
    """arXiv 2205.05198, figure 1: with selective recomputation all four fit into 80 GB, with all stored none."""
    shape, room = gpt(row), Accelerator.of(row["accelerator"]).memory_bytes
    assert memory_of(shape, split_of(row, 1), 2048).total < room
    assert memory_of(shape, split_of(row, 0), 2048).total > room


def test_training_state_takes_18_bytes_per_parameter() -> None:
    """2 + 4 + 12 with fp32 gradients; ZeRO (arXiv 1910.02054, section 3.1) counts 2 + 2 + 12 with those in fp16."""
    shape = shape_of("llama-3.1-8b")
    held = memory_of(shape, ALONE, 4096)
    assert held.weights + held.gradients + held.optimiser == 18 * shape.params
    assert held.weights + held.gradients / 2 + held.optimiser == 16 * shape.params


@given(st.sampled_from([2, 8, 64, 512]))
def test_each_level_of_sharding_divides_its_part(copies: int) -> None:
    """ZeRO (arXiv 1910.02054), figure 1."""
    shape = shape_of("llama-3.1-8b")
    held = [memory_of(shape, replace(ALONE, data=copies, sharding=level), 4096) for level in range(4)]
    assert held[1].optimiser == held[0].optimiser / copies
    assert held[1].gradients == held[0].gradients
    assert held[2].gradients == held[0].gradients / copies
    assert held[2].weights == held[0].weights
    assert held[3].weights < held[2].weights / copies + 2 * 3 * shape.params_largest_layer + 2 * shape.vocab * 4096


@pytest.mark.parametrize("name", ["llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "gpt-neox-20b"])
def test_recomputation_trades_memory_for_work(name: str) -> None:
    shape = shape_of(name)
    none, selective, full = (
        memory_of(shape, replace(ALONE, recomputation=again), 4096).activations for again in range(3)
    )
    assert none - selective == pytest.approx(shape.layers * 4096 * 5 * shape.heads * 4096)
    assert full < selective / 4


@pytest.mark.parametrize("name", ["llama-3.1-8b", "mixtral-8x7b", "gpt-neox-20b"])
@pytest.mark.parametrize("ways", [2, 4, 8])
def test_tensor_parallelism_divides_everything(name: str, ways: int) -> None:
    shape = shape_of(name)
    whole, part = memory_of(shape, ALONE, 2048), memory_of(shape, replace(ALONE, tensor=ways), 2048)
    assert part.total == pytest.approx(whole.total / ways)


def test_a_pipeline_divides_state_but_the_first_stage_holds_as_many_activations() -> None:
    shape = shape_of("llama-3.1-70b")
    whole = memory_of(shape, replace(ALONE, micro_batches=64), 4096)
    staged = memory_of(shape, replace(ALONE, pipeline=8, micro_batches=64), 4096)
    assert staged.activations == whole.activations
    assert staged.optimiser == 12 * (shape.layers / 8 * shape.params_largest_layer + shape.params_embedding)
    assert staged.optimiser < whole.optimiser / 7
    few = memory_of(shape, replace(ALONE, pipeline=8, micro_batches=2), 4096)
    assert few.activations == whole.activations / 4


def test_interleaving_holds_more_activations_by_the_published_factor() -> None:
    """arXiv 2205.05198, section 4.2.3: 1 + (p - 1) / (p v)."""
    shape = shape_of("llama-3.1-70b")
    plain, apart = (
        memory_of(shape, replace(ALONE, pipeline=8, chunks=chunks, micro_batches=64), 4096) for chunks in (1, 5)
    )
    assert apart.activations == pytest.approx(plain.activations * (1 + 7 / (8 * 5)))
    assert apart.weights == plain.weights


def test_a_large_vocabulary_makes_the_last_stage_the_fullest() -> None:
    small = Transformer(layers=8, width=512, heads=8, kv_heads=8, head_dim=64, ff_width=1536, vocab=256_000)
    held = memory_of(small, replace(ALONE, pipeline=2, micro_batch=8, micro_batches=1), 4096)
    assert held.logits == 8 * 4096 * (6 * 256_000 + 4 * 512)
    assert held.logits > held.activations
