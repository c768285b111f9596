"""Layouts: what fits, what must change, and what bounds the number of GPUs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InfeasiblePlan, InputError, PlannerError
from planner.hardware import Cluster
from planner.layouts import critical_batch, default_batch, lay_out, memory_of, time_against_gpus, tokens_at, usual_batch
from planner.layouts.choosing import Task, fewest_gpus
from planner.layouts.links import links_of
from planner.layouts.splits import splits
from planner.layouts.timing import timing_of
from planner.layouts.verb import expected_loss
from planner.transformer import Transformer, shape_of

SEVENTY = shape_of("llama-3.1-70b")


@settings(max_examples=40)
@given(
    st.sampled_from(["llama-3.2-1b", "llama-3.1-8b", "mixtral-8x7b", "llama-3.1-70b", "deepseek-v3", "gpt-neox-20b"]),
    st.sampled_from(["a100", "h100", "b200", "gb200", "rtx-4090", "tpu-v5e", "mi300x"]),
    st.sampled_from([1, 3, 8, 12, 64, 96, 512, 1000, 4096]),
    st.sampled_from([1024, 4096, 32768]),
)
def test_every_layout_fits_and_uses_all_gpus_or_is_refused(name: str, chip: str, gpus: int, context: int) -> None:
    shape, cluster = shape_of(name), Cluster(chip, gpus)
    try:
        layout = lay_out(shape, cluster, context=context)
    except InfeasiblePlan:
        return
    split = layout.split
    assert split.data * split.tensor * split.pipeline == gpus
    assert layout.memory_bytes.high <= cluster.accelerator.memory_bytes
    assert split.tensor <= links_of(cluster.accelerator).domain
    assert shape.heads % split.tensor == 0
    assert split.pipeline <= shape.layers
    assert split.data * split.micro_batch <= split.sequences
    asked = default_batch(layout.tokens, expected_loss(shape, layout.tokens))
    assert layout.tokens_per_batch == pytest.approx(asked, rel=0.3)
    assert layout.tokens_per_batch <= layout.critical_batch
    assert layout.fewest_gpus <= gpus


def test_the_layout_waits_no_longer_than_any_other_that_fits() -> None:
    layout = lay_out(SEVENTY, "64x h100", tokens="1.4T")
    chip, links = layout.cluster.accelerator, links_of(layout.cluster.accelerator)
    others = splits(SEVENTY, 64, links.domain, round(usual_batch(1.4e12) / 4096))
    fitting = others.where(memory_of(SEVENTY, others, 4096).total + layout.runtime_bytes.high <= chip.memory_bytes)
    best = np.min(timing_of(SEVENTY, fitting, chip, links, 4096).overhead)
    assert best <= layout.timing.overhead <= 1.01 * best


def test_blooms_layout_is_found_again() -> None:
    """BLOOM (arXiv 2211.05100, section 3.4): 384 A100 80 GB as 8 copies of 4 tensor x 12 pipeline with ZeRO-1, 2,048
    sequences of 2,048 tokens. They ran two sequences at once and one chunk per stage."""
    bloom = shape_of("bloom-176b")
    split = lay_out(bloom, "384x a100", tokens="366B", tokens_per_batch=2048 * 2048, context=2048).split
    assert (split.data, split.tensor, split.pipeline, split.sharding) == (8, 4, 12, 1)


def test_a_model_that_fits_one_gpu_is_simply_copied() -> None:
    layout = lay_out(Transformer.near(1e9), "8x h100")
    assert (layout.split.data, layout.split.tensor, layout.split.pipeline) == (8, 1, 1)
    assert layout.fewest_gpus == 1
    assert layout.recomputation != "full"


def test_the_fewest_gpus_hold_the_model_and_half_of_them_do_not() -> None:
    layout = lay_out(SEVENTY, "64x h100")
    assert lay_out(SEVENTY, f"{layout.fewest_gpus}x h100").split
    with pytest.raises(InfeasiblePlan, match="fit no layout"):
        lay_out(SEVENTY, f"{layout.fewest_gpus // 2}x h100")
    state = 18 * SEVENTY.params / Cluster("h100").accelerator.memory_bytes
    assert state < layout.fewest_gpus < 2 * state


def test_more_memory_needs_fewer_gpus() -> None:
    tasks = [Task(SEVENTY, Cluster(chip).accelerator, 4096, 1000) for chip in ("a100-40", "a100-80", "h200", "mi355x")]
    counts = [fewest_gpus(task) or math.inf for task in tasks]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_a_refusal_names_the_number_of_gpus_that_would_do() -> None:
    with pytest.raises(InfeasiblePlan) as caught:
        lay_out(SEVENTY, "8x h100")
    enough = lay_out(SEVENTY, "64x h100").fewest_gpus
    assert f"Use {enough} GPUs or more" in caught.value.mend


def test_a_context_that_no_gpu_holds_is_refused() -> None:
    with pytest.raises(InfeasiblePlan, match="fit no layout") as caught:
        lay_out(SEVENTY, "512x h100", context=2**20)
    assert "No number of these GPUs" in caught.value.mend
    assert "context" in caught.value.mend


def test_a_batch_too_small_for_the_gpus_is_refused() -> None:
    with pytest.raises(InfeasiblePlan, match="divided evenly") as caught:
        lay_out(Transformer.near(1e8), "65536x h100", tokens_per_batch="500K")
    assert "larger batch" in caught.value.mend


@pytest.mark.parametrize(
    ("cluster", "options"),
    [
        ("0x h100", {}),
        ("1.5x h100", {}),
        ("8x h1000", {}),
        ("8x h100", {"tokens": 0}),
        ("8x h100", {"tokens": -1}),
        ("8x h100", {"tokens": math.nan}),
        ("8x h100", {"tokens": 0.5}),
        ("8x h100", {"tokens_per_batch": 100}),
        ("8x h100", {"tokens_per_batch": "lots"}),
        ("8x h100", {"context": 0}),
        ("8x h100", {"context": 1.5}),
        ("8x h100", {"context": 1e12}),
        ("8x h100", {"loss": 0}),
    ],
)
def test_bad_input_is_refused_with_a_mend(cluster: str, options: dict[str, float]) -> None:
    with pytest.raises(PlannerError) as caught:
        lay_out(Transformer.near(1e9), cluster, **options)
    assert caught.value.mend
    assert not isinstance(caught.value, InfeasiblePlan)


def test_the_usual_batch_is_that_of_the_step_law() -> None:
    """arXiv 2503.04715: 0.58 D^0.571; LLaMA's 4M tokens for 1.4T lie within a factor of 1.5."""
    assert usual_batch(1e12) == pytest.approx(0.58 * 1e12**0.571)
    assert 4e6 / 1.5 < usual_batch(1.4e12) < 4e6 * 1.5


def test_the_critical_batch_doubles_tokens_and_grows_as_the_loss_falls() -> None:
    """Kaplan et al. 2020, equation 5.3 with B* = 2e8 and alpha_B = 0.21: 2e8 tokens at a loss of 1 nat."""
    assert critical_batch(1.0) == 2e8
    assert critical_batch(2.0) == pytest.approx(2e8 / 2 ** (1 / 0.21), rel=0.01)
    assert critical_batch(2.0) > critical_batch(3.0)
    batch = float(critical_batch(2.0))
    tiny = tokens_at(0.0, tokens=1e12, usual=1e6, critical=batch)
    assert tokens_at(batch, tokens=1e12, usual=1e6, critical=batch) == pytest.approx(2 * tiny)
    assert tokens_at(1e6, tokens=1e12, usual=1e6, critical=batch) == pytest.approx(1e12)


def test_a_batch_above_the_critical_one_is_called_wasteful() -> None:
    titles = [finding.title for finding in lay_out(SEVENTY, "512x h100", tokens_per_batch="40M").findings]
    assert any("above the critical batch" in title for title in titles)
    titles = [finding.title for finding in lay_out(SEVENTY, "512x h100", tokens_per_batch="2M").findings]
    assert not any("above the critical batch" in title for title in titles)


def test_more_gpus_take_fewer_days_but_help_less_and_less() -> None:
    curve = time_against_gpus(SEVENTY, "64x h100", tokens="1.4T")
    days = np.array([float(point.days) for point in curve.points])
    gpus = np.array([point.gpus for point in curve.points])
    best = int(np.argmin(days))
    assert (np.diff(days[: best + 1]) < 0).all()
    assert curve.fastest.gpus == gpus[best]
    assert curve.worthwhile.gpus <= curve.fastest.gpus
    assert curve.fastest.tokens_per_batch > usual_batch(1.4e12)
    assert curve.fastest.tokens > 1.4e12
    spent = days * gpus
    assert spent[best] > 1.5 * spent.min()
    assert list(curve.to_frame()["gpus"]) == list(gpus)
    assert (curve.to_frame()["low"] < curve.to_frame()["high"]).all()


def test_the_curve_starts_at_the_fewest_gpus() -> None:
    curve = time_against_gpus(SEVENTY, "64x h100", tokens="1.4T")
    assert curve.points[0].gpus == lay_out(SEVENTY, "64x h100", tokens="1.4T").fewest_gpus
    with pytest.raises(InfeasiblePlan, match="No number"):
        time_against_gpus(SEVENTY, "64x t4", context=2**18)


def test_slow_links_and_few_micro_batches_cost_time() -> None:
    shape, chip = SEVENTY, Cluster("h100").accelerator
    offered = splits(shape, 64, 8, 1024)
    timing = timing_of(shape, offered, chip, links_of(chip), 4096)
    assert timing.bubble[offered.pipeline == 1] == pytest.approx(0)
    assert (timing.bubble[offered.pipeline > 1] > 0).all()
    assert (timing.recomputation[offered.recomputation == 2] == pytest.approx(
        timing.arithmetic[offered.recomputation == 2] / 3))  # fmt: skip
    slow = timing_of(shape, offered, chip, links_of(Cluster("rtx-4090").accelerator), 4096)
    assert (slow.links >= timing.links).all()


def test_a_bubble_is_that_of_its_paper() -> None:
    """arXiv 2104.04473, section 2.2: (p - 1) / (v m) of the arithmetic."""
    shape, chip = SEVENTY, Cluster("h100").accelerator
    offered = splits(shape, 64, 8, 1024)
    even = offered.where((offered.pipeline == 8) & (offered.recomputation == 0) & (offered.chunks <= 2))
    timing = timing_of(shape, even, chip, links_of(chip), 4096)
    assert set(even.chunks) == {1, 2}
    assert timing.bubble / timing.arithmetic == pytest.approx(7 / (even.chunks * even.micro_batches))


def test_the_sheet_shows_every_assumption_as_ours() -> None:
    text = str(lay_out(SEVENTY, "64x h100"))
    assert text.count("our assumption") >= 3
    assert "our reckoning" in text


def test_json_of_a_layout_has_plain_numbers() -> None:
    record = lay_out(SEVENTY, "64x h100").to_dict()
    assert record["fewest_gpus"] == 24.0
    assert record["memory"]["low"] < record["memory"]["value"] < record["memory"]["high"]
    parts = ("weights", "gradients", "optimiser", "activations", "logits")
    assert sum(record[part] for part in parts) + record["runtime"]["value"] == pytest.approx(record["memory"]["value"])


def test_experts_are_said_to_be_divided_like_other_weights() -> None:
    findings = lay_out(shape_of("deepseek-v3"), "2048x h800", tokens="14.8T").findings
    assert any("Experts" in finding.title for finding in findings)
    with pytest.raises(InputError, match="sequence"):
        lay_out(SEVENTY, "8x h100", tokens_per_batch=1000)


@pytest.mark.parametrize("options", [{"tokens": 0}, {"tokens": "much"}, {"context": 0}, {"context": 2.5}])
def test_bad_input_for_the_curve_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError) as caught:
        time_against_gpus(SEVENTY, "64x h100", **options)
    assert caught.value.mend


def test_a_given_utilisation_sets_the_days_of_the_curve() -> None:
    slow, fast = (time_against_gpus(SEVENTY, Cluster("h100", 64, utilisation=share)) for share in (0.2, 0.4))
    assert [float(point.days) for point in slow.points] == pytest.approx([2 * float(p.days) for p in fast.points])
    plain = 6 * SEVENTY.params * fast.points[0].tokens / (0.4 * 989.4e12 * fast.points[0].gpus * 86400)
    assert fast.points[0].days >= plain
