"""Serving: published services, the roofline that every speed keeps, and refusals."""

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InfeasiblePlan, PlannerError
from planner.hardware import Accelerator, Cluster
from planner.serving import Serving, serve
from planner.serving.speeds import Service
from planner.transformer import Transformer, shape_of

with (Path(__file__).parent / "published" / "serving.csv").open(encoding="utf-8", newline="") as published:
    PUBLISHED = list(csv.DictReader(published))

names = st.sampled_from(["llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b", "deepseek-v3"])


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row['name']} {row['cluster']} {row['kind']}")
def test_published_services_lie_within_the_range(row: dict[str, str]) -> None:
    prompt, answer = int(row["prompt_tokens"]), int(row["answer_tokens"])
    served = serve(
        shape_of(row["name"]), row["cluster"], prompt_tokens=prompt, answer_tokens=answer,
        bytes_per_param=float(row["bytes_per_param"]),
    )  # fmt: skip
    both = served.tokens_per_gpu_hour.scaled(answer / (prompt + answer) / 3600)
    rate = {"both": both, "read": served.input_rate, "write": served.output_rate}[row["kind"]]
    assert rate.low <= float(row["tokens_per_second_per_gpu"]) <= rate.high


@given(names, st.integers(1, 20_000), st.integers(1, 4000))
def test_no_speed_exceeds_arithmetic_or_bandwidth(name: str, prompt: int, answer: int) -> None:
    shape, chip = shape_of(name), Accelerator.of("h200")
    try:
        served = serve(shape, Cluster("h200", 64), prompt_tokens=prompt, answer_tokens=answer)
    except InfeasiblePlan:
        return
    assert served.input_rate.high <= chip.flops_per_second / (2 * (shape.params_active - shape.vocab * shape.width))
    per_step = served.output_rate.high * served.gpus / served.batch
    least = shape.weight_bytes() * shape.params_active / shape.params + served.batch * prompt * (
        shape.kv_cache_bytes_per_token()
    )
    assert per_step * least <= served.gpus * chip.memory_bytes_per_second


@given(names)
def test_weights_and_cache_of_a_full_batch_fit(name: str) -> None:
    served = serve(shape_of(name), "64x h200", prompt_tokens=2000, answer_tokens=500)
    cache = served.batch * 2500 * served.shape.kv_cache_bytes_per_token()
    assert served.shape.weight_bytes() + cache <= 0.9 * served.gpus * 141e9
    assert served.fewest_gpus <= served.gpus
    fewer = served.fewest_gpus // 2
    assert served.shape.weight_bytes() + 2500 * served.shape.kv_cache_bytes_per_token() > 0.9 * fewer * 141e9


def test_a_lone_request_is_bound_by_memory() -> None:
    """Each token of a dense model reads all weights once: 3.35 TB/s over 16 GB at 60 %."""
    service = Service(shape=shape_of("llama-3.1-8b"), chip=Accelerator.of("h100"), prompt_tokens=1, answer_tokens=1,
                      bytes_per_param=2)  # fmt: skip
    lone = 3.35e12 * 0.6 / 16.06e9
    assert service.steps_per_second(1) < lone
    one = Service(shape=shape_of("llama-3.1-70b"), chip=Accelerator.of("h200"), prompt_tokens=800_000,
                  answer_tokens=1, bytes_per_param=0.5)  # fmt: skip
    assert one.batch(4) == 3
    cache = one.batch(4) * one.usual_context * one.cache_bytes
    assert one.steps_per_second(4) == pytest.approx(4 * 4.8e12 * 0.6 / (one.shape.params * 0.5 + cache))


def test_half_of_the_answer_is_written_on_average() -> None:
    service = Service(shape=shape_of("llama-3.1-8b"), chip=Accelerator.of("h100"), prompt_tokens=1000,
                      answer_tokens=400, bytes_per_param=2)  # fmt: skip
    assert (service.usual_context, service.longest) == (1200, 1400)


def test_experts_are_read_only_where_a_token_chose_them() -> None:
    service = Service(shape=shape_of("mixtral-8x7b"), chip=Accelerator.of("h100"), prompt_tokens=1000,
                      answer_tokens=10, bytes_per_param=2)  # fmt: skip
    assert service._weights_read(1) == pytest.approx(service.shape.params_active)
    assert service._weights_read(2) < service._weights_read(8) < service.shape.params
    assert service._weights_read(500) == pytest.approx(service.shape.params)


def test_longer_prompts_slow_writing_and_leave_room_for_fewer() -> None:
    short, long = (serve(shape_of("llama-3.1-70b"), "8x h100", prompt_tokens=n, answer_tokens=300) for n in (500, 8000))
    assert long.output_rate < short.output_rate
    assert long.batch / long.gpus < short.batch / short.gpus
    assert long.usd_per_mtok_out > short.usd_per_mtok_out


def test_dollars_are_the_price_over_busy_tokens() -> None:
    served = serve(shape_of("llama-3.1-8b"), Cluster("h100", price=3.6))
    assert served.usd_per_mtok_in == pytest.approx(3.6 / (served.input_rate * 0.5 * 3600) * 1e6)
    assert served.usd_per_mtok_out == pytest.approx(3.6 / (served.output_rate * 0.5 * 3600) * 1e6)
    assert served.usd_per_mtok_out.low < served.usd_per_mtok_out < served.usd_per_mtok_out.high
    hours = 1000 / served.input_rate + 300 / served.output_rate
    assert served.tokens_per_gpu_hour == pytest.approx(1300 * 3600 / hours)


def test_fewer_bytes_per_parameter_need_fewer_gpus_and_read_faster() -> None:
    wide, narrow = (serve(shape_of("llama-3.1-405b"), "64x h100", bytes_per_param=size) for size in (2, 1))
    assert (wide.fewest_gpus, narrow.fewest_gpus) == (16, 8)
    assert narrow.input_rate == pytest.approx(2 * wide.input_rate, rel=0.01)
    old = [serve(shape_of("llama-3.1-8b"), "8x a100", bytes_per_param=size).input_rate for size in (2, 1)]
    assert old[0] == old[1], "an A100 has no fp8 rate"


def test_without_a_price_no_dollars_are_shown() -> None:
    served = serve(shape_of("llama-3.1-8b"), "8x tpu-v3")
    assert served.cluster.price is None
    assert served.usd_per_mtok_in is None
    assert any("No price" in finding.title for finding in served.findings)
    assert "not known" in str(served)


@pytest.mark.parametrize(
    "options",
    [
        {"prompt_tokens": 0},
        {"answer_tokens": -1},
        {"prompt_tokens": math.inf},
        {"answer_tokens": "many"},
        {"bytes_per_param": 0},
        {"bytes_per_param": 16},
    ],
)
def test_bad_input_is_refused_with_a_mend(options: dict[str, float]) -> None:
    with pytest.raises(PlannerError) as caught:
        serve(Transformer.near(1e9), "8x h100", **options)
    assert caught.value.mend


def test_a_model_that_does_not_fit_is_refused_with_a_number() -> None:
    with pytest.raises(InfeasiblePlan, match="do not fit") as caught:
        serve(shape_of("llama-3.1-405b"), "8x h100")
    assert "16 GPUs or more" in caught.value.mend
    with pytest.raises(InfeasiblePlan) as caught:
        serve(shape_of("llama-3.1-405b"), "8x h100", prompt_tokens=1e12)
    assert "more memory" in caught.value.mend


def test_the_sheet_marks_every_assumption() -> None:
    served = serve(shape_of("llama-3.1-8b"), "8x h100")
    assert isinstance(served, Serving)
    assert str(served).count("our assumption") >= 4
    assert any("our assumption" in finding.title for finding in served.findings)
    record = served.to_dict()
    assert record["output_rate"]["low"] < record["output_rate"]["value"] < record["output_rate"]["high"]
