"""Utilisation: what published runs achieved, and how well unseen ones are predicted."""

import pytest

from planner import catalog
from planner.hardware import Accelerator, Cluster
from planner.hardware.utilisation import forecast, highest_published, predicted, published_runs

CHIPS = catalog.records("accelerators")
RUNS = catalog.records("published_runs")


@pytest.mark.parametrize(
    ("family", "kind", "mean", "basis"),
    [("nvidia-a100", "dense", 0.327, "35 published A100 dense runs"),
     ("nvidia-hopper", "dense", 0.297, "17 published Hopper dense runs"),
     ("nvidia-hopper", "moe", 0.221, "7 published Hopper mixture-of-experts runs"),
     ("nvidia-blackwell", "moe", 0.203, "8 published mixture-of-experts runs"),
     ("gaudi", "dense", 0.314, "55 published dense runs")],
)  # fmt: skip
def test_utilisation_is_the_geometric_mean_of_comparable_runs(family: str, kind: str, mean: float, basis: str) -> None:
    """Counted by hand from data/published_runs.csv."""
    used = predicted(family, kind)  # type: ignore[arg-type]
    assert used.value == pytest.approx(mean, abs=0.001)
    assert used.basis == basis


@pytest.mark.parametrize("key", [row["key"] for row in CHIPS])
def test_no_cluster_is_ever_assumed_to_be_fully_used(key: str) -> None:
    for kind in ("dense", "moe"):
        used = Cluster(key, kind=kind).utilisation  # type: ignore[arg-type]
        assert 0.1 < used.low < used < used.high < 0.7


def test_mixtures_of_experts_use_hardware_less() -> None:
    assert Cluster("h100", kind="moe").utilisation < Cluster("h100").utilisation


def test_runs_left_out_fall_into_the_predicted_range() -> None:
    """Leave one out: the 90 % range covers 80 to 100 % of the 63 runs, and the median miss is under 1.35x."""
    runs, inside, misses = published_runs(), 0, []
    for run in runs:
        others = [other for other in runs if other is not run]
        value = forecast(others, run.family, run.kind).value  # type: ignore[arg-type]
        inside += value.low <= run.utilisation <= value.high
        misses.append(max(value / run.utilisation, run.utilisation / value))
    assert len(runs) == 63
    assert 0.8 <= inside / len(runs) <= 1
    assert sorted(misses)[len(misses) // 2] < 1.35


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
