"""Shapes: published parameter and FLOP counts, and the laws that a proposed shape keeps."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog import records
from planner.errors import InputError, UnknownName
from planner.transformer import (
    LARGEST,
    SMALLEST,
    Transformer,
    ladder_flops_per_token,
    shape_names,
    shape_of,
    vocab_for,
)
from planner.transformer.published import transformer_in

PUBLISHED = Path(__file__).parent / "published"


def read(name: str) -> list[dict[str, str]]:
    with (PUBLISHED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


MODELS = {row["name"]: row for row in read("transformers")}
SHAPES = {name: transformer_in(row) for name, row in MODELS.items()}

sizes = st.floats(math.log10(SMALLEST), math.log10(LARGEST)).map(lambda x: min(max(10**x, SMALLEST), LARGEST))


@pytest.mark.parametrize("name", MODELS)
def test_parameters_match_the_published_weights_exactly(name: str) -> None:
    assert SHAPES[name].params == int(MODELS[name]["params"])
    assert SHAPES[name].params_active == int(MODELS[name]["params_active"])


@pytest.mark.parametrize("row", read("train_flops"), ids=lambda row: row["name"])
def test_training_flops_match_published_counts(row: dict[str, str]) -> None:
    flops = SHAPES[row["name"]].flops_per_token(int(row["context"]), row["attention"])
    assert flops == pytest.approx(float(row["flops_per_token"]), rel=float(row["tolerance"]))


@pytest.mark.parametrize("row", read("throughput"), ids=lambda row: f"{row['name']} {row['tokens_per_second']}")
def test_tokens_per_second_give_the_published_flops_per_second(row: dict[str, str]) -> None:
    rate = SHAPES[row["name"]].flops_per_token(int(row["context"])) * float(row["tokens_per_second"])
    assert rate == pytest.approx(float(row["flops_per_second"]), rel=float(row["tolerance"]))


def test_kaplan_count_of_gpt3_leaves_embeddings_out() -> None:
    """Kaplan et al. 2020, table 1: 12 layers x width^2, plus norms and biases."""
    assert SHAPES["GPT-3 175B"].params_non_embedding == pytest.approx(12 * 96 * 12288**2, rel=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_causal_attention_halves_only_the_attention(name: str) -> None:
    shape = SHAPES[name]
    weights = 2 * shape.flops_per_token(4096) - shape.flops_per_token(4096, "full")
    assert weights == pytest.approx(2 * shape.flops_per_token(1) - shape.flops_per_token(1, "full"))
    assert shape.flops_per_token(4096) > weights > 0


@pytest.mark.parametrize("name", ["Llama 3 8B", "Llama 3.1 405B", "DeepSeek-V3"])
def test_weights_take_six_flops_each_beside_embedding_lookup_and_norms(name: str) -> None:
    shape = SHAPES[name]
    weights = 2 * shape.flops_per_token(1) - shape.flops_per_token(1, "full")
    assert weights == pytest.approx(6 * (shape.params_active - shape.vocab * shape.width), rel=1e-4)


def test_biases_and_positions_take_no_matrix_flops() -> None:
    """GPT-2 124M: 12 layers x 12 width^2 and the output head."""
    shape = SHAPES["GPT-2 124M"]
    weights = 2 * shape.flops_per_token(1) - shape.flops_per_token(1, "full")
    assert weights == 6 * (12 * 12 * 768**2 + 50257 * 768)


def test_bf16_weights_of_llama_3_8b_take_16_gb() -> None:
    assert SHAPES["Llama 3 8B"].weight_bytes() == 2 * 8030261248


@given(sizes)
def test_a_proposed_shape_is_within_one_percent_of_any_size(params: float) -> None:
    assert Transformer.near(params).params == pytest.approx(params, rel=0.01)
    shape = Transformer.near(params, counting="non_embedding")
    assert shape.params_non_embedding == pytest.approx(params, rel=0.01)


@given(sizes)
def test_a_proposed_shape_has_the_proportions_of_published_models(params: float) -> None:
    """Width over layers: 64 in GPT-2 124M, 102 to 130 in Llama, 205 in Gopher; small models are narrower."""
    shape = Transformer.near(params)
    assert shape.heads * shape.head_dim == shape.width
    assert shape.heads % shape.kv_heads == 0
    assert 1.5 <= shape.ff_width / shape.width <= 5
    narrow, wide = (80, 205) if params >= 1e10 else (40, 205) if params >= 1e8 else (3, 100)
    assert narrow <= shape.width / shape.layers <= wide
    assert shape.ff_width % (8 if shape.width < 128 else 32) == 0


@given(sizes, st.sampled_from([256, 32000, 50257, 128256]))
def test_a_given_vocabulary_is_kept_or_refused(params: float, vocab: int) -> None:
    try:
        shape = Transformer.near(params, vocab=vocab)
    except InputError:
        assert vocab * 16 > params / 10, "refused although the vocabulary leaves room"
    else:
        assert shape.vocab == vocab
        assert shape.params == pytest.approx(params, rel=0.02)


def test_the_vocabulary_law_reproduces_its_paper() -> None:
    """Tao et al. 2024 (arXiv 2407.13623), abstract: 43K for their 3B model, at least 216K for Llama 2 70B."""
    assert vocab_for(3e9, 3200) == pytest.approx(43_000, rel=0.02)
    assert 216_000 <= vocab_for(69e9, 8192) <= 256_000


@given(sizes)
def test_the_default_vocabulary_grows_with_size_and_stays_in_bounds(params: float) -> None:
    shape = Transformer.near(params)
    assert shape.vocab % 128 == 0
    assert 256 <= shape.vocab <= 256_000
    assert vocab_for(params, 1024) <= vocab_for(2 * params, 1024)


def test_seven_billion_looks_like_llama() -> None:
    shape = Transformer.near(7e9)
    assert (shape.width, shape.head_dim, shape.kv_heads, shape.tied) == (4096, 128, 8, False)
    assert 28 <= shape.layers <= 36


def test_a_shape_says_itself_in_one_line() -> None:
    assert str(SHAPES["Llama 3 8B"]) == "32 layers x width 4,096, 32 heads, vocabulary 128,256"
    assert "2 of 8 experts" in SHAPES["Mixtral 8x7B"].describe()


@pytest.mark.parametrize("params", [0, -1, 99e3, 1.1e15, math.nan, math.inf, "seven", None, True])
def test_sizes_out_of_range_are_refused_with_a_mend(params: object) -> None:
    with pytest.raises(InputError) as caught:
        Transformer.near(params)  # type: ignore[arg-type]
    assert caught.value.mend


def test_impossible_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="key-value"):
        Transformer(layers=2, width=96, heads=6, kv_heads=4, head_dim=16, ff_width=256, vocab=256)
    with pytest.raises(InputError, match="at least one"):
        Transformer(layers=0, width=96, heads=6, kv_heads=6, head_dim=16, ff_width=256, vocab=256)
    with pytest.raises(InputError, match="context"):
        SHAPES["Llama 3 8B"].flops_per_token(0)
    with pytest.raises(InputError, match="context"):
        ladder_flops_per_token(1e9, 0)


@given(st.floats(8, math.log10(LARGEST)).map(lambda x: 10**x))
def test_the_smooth_ladder_costs_what_its_shapes_cost(params: float) -> None:
    shape = Transformer.near(params)
    assert ladder_flops_per_token(shape.params, 4096) == pytest.approx(shape.flops_per_token(4096), rel=0.07)


@pytest.mark.parametrize("context", [1, 4096, 131072])
def test_the_smooth_ladder_rises_with_size_and_takes_arrays(context: int) -> None:
    params = np.logspace(3, 17, 2001)
    assert (np.diff(ladder_flops_per_token(params, context)) > 0).all()


@pytest.mark.parametrize("row", read("kv_cache"), ids=lambda row: row["name"])
def test_the_cache_of_a_token_takes_the_published_bytes(row: dict[str, str]) -> None:
    assert shape_of(row["name"]).kv_cache_bytes_per_token() == int(row["bytes_per_token"])


def test_grouped_heads_shrink_the_cache_and_nothing_else_does() -> None:
    shape = SHAPES["Llama 3 8B"]
    assert SHAPES["Llama 2 7B"].kv_cache_bytes_per_token() == 4 * shape.kv_cache_bytes_per_token()
    assert shape.kv_cache_bytes_per_token(1) == shape.kv_cache_bytes_per_token() / 2


@pytest.mark.parametrize("name", MODELS)
def test_reading_takes_a_third_of_training_and_writing_sees_the_whole_context(name: str) -> None:
    shape = SHAPES[name]
    assert 3 * shape.prefill_flops_per_token(2048) == pytest.approx(shape.flops_per_token(2048))
    if shape.latent is None:
        assert 3 * shape.decode_flops_per_token(2048) == pytest.approx(shape.flops_per_token(2048, "full"))
    else:
        assert 3 * shape.decode_flops_per_token(2048) > shape.flops_per_token(2048, "full")


def test_latent_attention_decodes_on_the_latents() -> None:
    """DeepSeek-V3: 128 heads x (2 x 512 + 64) dimensions in each of 61 layers, 2 FLOPs each per cached token."""
    shape = SHAPES["DeepSeek-V3"]
    step = shape.decode_flops_per_token(1001) - shape.decode_flops_per_token(1)
    assert step == 2 * 61 * 128 * (2 * 512 + 64) * 1000


@pytest.mark.parametrize("name", MODELS)
def test_layers_and_ends_make_up_the_whole_model(name: str) -> None:
    """Exact where all layers are alike: DeepSeek-V3 starts with three dense ones."""
    shape = SHAPES[name]
    norm = shape.width * (2 if shape.biases else 1)
    head = 0 if shape.tied else shape.vocab * shape.width
    built = shape.layers * shape.params_largest_layer + shape.params_embedding + head + norm
    assert built == shape.params or (name == "DeepSeek-V3" and built > shape.params)


@pytest.mark.parametrize("name", shape_names())
def test_shipped_shapes_have_the_size_that_their_makers_state(name: str) -> None:
    stated = next(row for row in records("models") if row["name"] == name)
    assert shape_of(name).params == pytest.approx(float(stated["params"]), rel=0.06)
    active = float(stated["active_params"] or stated["params"])
    assert shape_of(name).params_active == pytest.approx(active, rel=0.06)


def test_an_unknown_shape_is_refused_with_the_closest_name() -> None:
    with pytest.raises(UnknownName, match=r"llama-3\.1-70b"):
        shape_of("llama-3.1-77b")
