"""Utilisation: what published runs achieved, what an unseen one will, and what a user may say instead."""

import csv
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from planner import catalog
from planner.errors import InputError
from planner.hardware import Accelerator, Cluster
from planner.hardware.utilisation import (
    Facts,
    Kind,
    Precision,
    highest_mfu,
    highest_published,
    predicted,
    published_runs,
    steady_figures,
)
from planner.hardware.utilisation.fitting import regress, without
from planner.hardware.utilisation.predicting import forecast, lines_of, shipped
from planner.hardware.utilisation.published import ceiling
from planner.hardware.utilisation.terms import TERMS, design

CHIPS = catalog.records("accelerators")
RUNS = catalog.records("published_runs")
H100 = Facts(accelerator=Accelerator.of("h100"), active_params=7e9, tokens=1e12, gpus=256, month="2024-06")


def test_the_shipped_coefficients_are_those_of_the_shipped_runs() -> None:
    """Else: python tests/benchmarks/utilisation.py --write."""
    fitted = {line[:3]: line[3] for line in lines_of(regress(published_runs(), steady_figures()))}
    with (catalog.data_folder() / "utilisation.csv").open(encoding="utf-8", newline="") as file:
        table = {(row["quantity"], row["term"], row["other"]): float(row["value"]) for row in csv.DictReader(file)}
    assert table == pytest.approx(fitted, rel=1e-5, abs=1e-9)


def test_covariance_is_that_of_a_distribution() -> None:
    assert np.linalg.eigvalsh(shipped().covariance).min() > 0


@pytest.mark.parametrize("key", [row["key"] for row in CHIPS])
def test_no_cluster_is_ever_assumed_to_be_fully_used(key: str) -> None:
    for kind in ("dense", "moe"):
        used = Cluster(key, 64, kind=kind).utilisation  # type: ignore[arg-type]
        assert 0.03 < used.low < used < used.high <= 1
        assert 0.1 < used < 0.6


@pytest.mark.parametrize("key", [row["key"] for row in CHIPS])
def test_the_whole_is_the_product_of_its_factors(key: str) -> None:
    used = Cluster(key, 64).training(active_params=7e9, tokens=1e12).used
    assert used.mfu is not None
    assert used.goodput is not None
    assert used.value == pytest.approx(used.mfu.value * used.goodput.value)
    assert used.value < used.mfu.value
    assert used.goodput.value.high <= 1


def test_goodput_lies_where_the_field_puts_it() -> None:
    """0.65 (PaLM) to 0.95, human causes included; Llama 3 states more than 0.90 of effective time."""
    goodput = Cluster("h100", 512).goodput
    assert goodput is not None
    assert 0.6 < goodput.low < 0.8 < goodput < 0.92 < goodput.high


def test_what_is_known_moves_the_prediction_as_it_should() -> None:
    base = predicted(H100).value
    assert predicted(replace(H100, kind="moe")).value < base
    assert predicted(replace(H100, precision="fp8")).value > predicted(replace(H100, precision="bf16")).value
    assert predicted(replace(H100, gpus=4096)).value < base < predicted(replace(H100, gpus=16)).value
    assert predicted(replace(H100, active_params=7e8, tokens=1e11)).value < base
    assert predicted(replace(H100, tokens=15e12)).value == base
    assert predicted(replace(H100, month="2023-01")).value < base
    assert predicted(replace(H100, accelerator=Accelerator.of("a100"))).value > base


def test_more_gpus_never_raise_utilisation() -> None:
    used = [predicted(replace(H100, gpus=gpus)).value for gpus in (16, 32, 64, 256, 1024, 16384)]
    assert all(more <= fewer for fewer, more in pairwise(used))


def test_what_is_not_known_widens_the_range() -> None:
    known = predicted(H100).value
    for name in ("active_params", "gpus", "precision"):
        facts = replace(H100, month="2025-06", precision="bf16")
        unknown = predicted(replace(facts, **{name: None})).value
        assert math.log(unknown.high / unknown.low) > math.log(predicted(facts).value.high / predicted(facts).value.low)
    assert known.high / known.low < 3.5


@pytest.mark.parametrize("gpus", [1, 8, 16, 64, 4096])
@pytest.mark.parametrize("name", ["h100", "a100", "h20", "t4", "tpu-v5e", "b200", "mi300x"])
def test_cost_on_one_cluster_is_proportional_to_work(name: str, gpus: int) -> None:
    """However long it takes: the GPUs are the user's own statement."""
    chip = Accelerator.of(name)
    used = [predicted(replace(H100, accelerator=chip, gpus=gpus, active_params=7e9, tokens=tokens)).value
            for tokens in (1e10, 3e11, 4e11, 1e15)]  # fmt: skip
    assert len({(float(it), it.low, it.high) for it in used}) == 1


@pytest.mark.parametrize("key", [row["key"] for row in CHIPS])
@pytest.mark.parametrize("kind", ["dense", "moe"])
@pytest.mark.parametrize("precision", [None, "bf16", "fp8"])
def test_no_steady_mfu_is_expected_above_the_record(key: str, kind: Kind, precision: Precision | None) -> None:
    chip = Accelerator.of(key)
    if precision == "fp8" and chip.fp8_flops_per_second is None:
        return
    record = highest_mfu(chip.family, precision, kind)
    for gpus in (1, 8, 64, 1024):
        for size in (1e8, 1e10, 1e12):
            facts = Facts(accelerator=chip, kind=kind, precision=precision, active_params=size, gpus=gpus)
            used = predicted(facts)
            assert used.mfu is not None
            assert used.mfu.value <= (record.mfu if record else 0.9) * (1 + 1e-12)
            assert used.value < used.value.high < 1
            assert used.mfu.value.high < 1


def test_a_prediction_held_at_the_record_says_so() -> None:
    assert "lowered to what was published at best (our assumption)" in predicted(replace(H100, gpus=8)).basis
    assert "lowered" not in predicted(replace(H100, gpus=4096)).basis


def test_the_ceiling_of_a_run_left_out_knows_nothing_of_it() -> None:
    """GPT-3 is the only run on V100: without it, the ceiling is the middle of the other families'."""
    every = frozenset(run.key for run in published_runs())
    known = ceiling("nvidia-v100", None, "dense", every)
    assert known == pytest.approx(0.213)
    assert ceiling("nvidia-v100", None, "dense", every - {"gpt3-175b"}) > known


def test_a_month_before_all_published_runs_counts_as_their_first() -> None:
    assert predicted(replace(H100, month="2010-01")).value == predicted(replace(H100, month="2019-06")).value


def test_hardware_that_no_published_run_used_is_said_to_be_assumed() -> None:
    assert "our assumption" in Cluster("gaudi3", 8).utilisation_basis
    assert "35 of them dense on A100" in Cluster("a100", 8).utilisation_basis
    assert "any size" in Cluster("a100", 8).utilisation_basis
    assert "any size" not in Cluster("a100", 8).training(active_params=1e9).utilisation_basis
    wide, narrow = Cluster("l40s", 8).utilisation, Cluster("a100", 8).utilisation
    assert wide.high / wide.low > narrow.high / narrow.low


def test_a_run_left_out_leaves_nothing_of_itself_behind() -> None:
    runs, figures = without({"palm-540b"}, published_runs(), steady_figures())
    assert len(runs) == len(published_runs()) - 1
    assert len(figures) == len(steady_figures()) - 1
    run = next(run for run in published_runs() if run.key == "palm-540b")
    assert forecast(regress(runs, figures), run.facts).value != forecast(shipped(), run.facts).value


def test_without_runs_only_the_prior_speaks() -> None:
    """One run is not enough to learn from: the coefficients stay close to what was assumed."""
    few = regress(published_runs()[:2], ())
    assert few.mean[TERMS.index("goodput")] == pytest.approx(-0.14, abs=0.05)
    assert few.mean[TERMS.index("tpu")] == 0


def test_the_regression_recovers_what_made_its_runs() -> None:
    """Synthetic runs with the facts of the published ones and known coefficients."""
    rng = np.random.default_rng(0)
    truth, customs = shipped().mean.copy(), shipped().customs
    truth[TERMS.index("mixture")] = -0.6
    made = []
    for _ in range(30):
        for run in published_runs():
            steady = float(design(run.facts, customs)[0] @ truth[:-1])
            made.append(replace(run, key="", utilisation=math.exp(steady + truth[-1] + 0.26 * rng.standard_normal())))
    found = regress(made, ())
    error = found.mean - truth
    assert abs(error[TERMS.index("mixture")]) < 0.05
    expected = error @ np.linalg.solve(found.covariance, error)
    assert expected < 40


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"mfu": 0}, "mfu must be positive"), ({"mfu": 1.2}, "mfu must be above 0"), ({"mfu": "fast"}, "not understood"),
     ({"goodput": -0.1}, "goodput must be positive"), ({"goodput": "90"}, "goodput must be above 0"),
     ({"mfu": 0.4, "utilisation": 0.3}, "utilisation and mfu both"), ({"mfu": math.nan}, "no finite number"),
     ({"goodput": 0.9, "utilisation": 0.3}, "utilisation and goodput both"),
     ({"precision": "int4"}, "precision must be"),
     ({"accelerator": "a100", "precision": "fp8"}, "does not compute in FP8")],
    ids=str,
)  # fmt: skip
def test_bad_factors_are_refused_with_a_mend(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        Cluster(**({"accelerator": "h100", "gpus": 8} | arguments))  # type: ignore[arg-type]
    assert caught.value.mend


def test_either_factor_may_be_given() -> None:
    cluster = Cluster("h100", 8, mfu="40 %", goodput=0.9)
    assert cluster.utilisation == pytest.approx(0.36)
    assert cluster.utilisation.is_exact
    one = Cluster("h100", 8, mfu=0.4)
    assert one.mfu == 0.4
    assert not one.utilisation.is_exact
    assert one.goodput == Cluster("h100", 8).goodput
    assert one.at(utilisation=0.3).mfu is None
    assert one.at(utilisation=0.3).at(mfu=0.5).mfu == 0.5
    assert one.at(gpus=16).mfu == 0.4


def test_records_are_those_of_the_hardware_and_the_precision() -> None:
    hopper, fp8 = highest_mfu("nvidia-hopper", None), highest_mfu("nvidia-hopper", "fp8")
    assert hopper is not None
    assert fp8 is not None
    assert 0.45 < hopper.mfu < 0.5 < fp8.mfu
    assert hopper.source
    assert highest_mfu("amd", None) is None
    assert highest_mfu("nvidia-blackwell", "bf16", "moe") is not None
    assert highest_mfu("nvidia-blackwell", "bf16", "dense") is None


def test_no_published_run_comes_near_its_peak() -> None:
    assert 0.5 < highest_published().utilisation < 0.6


@pytest.mark.parametrize("row", [row for row in RUNS if row["flops"]], ids=lambda row: row["key"])
def test_flops_of_published_runs_are_six_times_active_parameters_times_tokens(row: dict[str, str]) -> None:
    size = float(row["params_active"] or row["params"])
    assert float(row["flops"]) == pytest.approx(6 * size * float(row["tokens"]), rel=0.005)


@pytest.mark.parametrize("row", RUNS, ids=lambda row: row["key"])
def test_published_runs_agree_with_themselves(row: dict[str, str]) -> None:
    Accelerator.of(row["accelerator"])
    assert row["source"]
    assert row["use_in_fit"] in {"yes", "no"}
    if row["use_in_fit"] == "yes" and row["gpus"] and row["days"]:
        assert float(row["gpu_hours"]) <= 1.05 * float(row["gpus"]) * float(row["days"]) * 24


def test_traps_of_published_runs_are_kept_out() -> None:
    """Quoted figures that would mislead: a planning budget, distilled, contradictory and estimated runs."""
    rows = {row["key"]: row for row in RUNS}
    assert float(rows["bloomberggpt-50b"]["gpu_hours"]) == pytest.approx(512 * 53 * 24)
    assert float(rows["falcon-180b"]["gpu_hours"]) == 7e6
    assert float(rows["gpt3-175b"]["tokens"]) == 300e9
    for key in ("llama3.2-1b", "llama3.2-3b", "phi2-2.7b", "phi15-1.3b", "openba-15b", "gpt4", "gemini-ultra"):
        assert rows[key]["use_in_fit"] == "no"
    for key in ("opt-175b", "bloom-176b", "neox-20b"):
        assert rows[key]["reported_mfu"] == "", "counts recomputation"


@pytest.mark.parametrize("row", catalog.records("mfu"), ids=lambda row: f"{row['model']} {row['accelerator']}")
def test_stated_mfus_are_plausible_and_sourced(row: dict[str, str]) -> None:
    Accelerator.of(row["accelerator"])
    assert row["source"]
    assert row["as_of"]
    assert row["mfu"] or row["hardware_mfu"]
    assert row["measured"] in {"production", "benchmark"}
    if row["mfu"]:
        assert 0.05 < float(row["mfu"]) < {"fp8": 1.1, "fp4": 1.5}.get(row["precision"], 0.7)
    if row["use_in_fit"] == "yes":
        assert row["measured"] == "production"
