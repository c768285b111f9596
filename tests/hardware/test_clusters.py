"""Clusters: how people write them, conversions that undo each other, published bills."""

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InputError, PlannerError
from planner.estimate import Estimate
from planner.hardware import Cluster

with (Path(__file__).parent.parent / "published" / "costs.csv").open(encoding="utf-8", newline="") as published:
    COSTS = list(csv.DictReader(published))

flops = st.floats(1e12, 1e29)
clusters = st.builds(
    Cluster,
    st.sampled_from(["h100", "a100", "v100", "tpu-v4", "4090", "b200"]),
    st.integers(1, 100_000),
    utilisation=st.one_of(st.none(), st.floats(0.01, 1)),
    price=st.one_of(st.none(), st.floats(0.01, 100)),
    kind=st.sampled_from(["dense", "moe"]),
)


@pytest.mark.parametrize(
    ("text", "gpus", "key"),
    [("512x h100", 512, "h100-sxm5-80"), ("512 x H100", 512, "h100-sxm5-80"), ("512 h100", 512, "h100-sxm5-80"),
     ("512×h100", 512, "h100-sxm5-80"), ("h100", 1, "h100-sxm5-80"), ("10000x v100", 10_000, "v100-sxm2-32"),
     ("10,000x v100", 10_000, "v100-sxm2-32"), ("10k v100", 10_000, "v100-sxm2-32"), ("8x tpu-v4", 8, "tpu-v4"),
     ("8 tpu v4", 8, "tpu-v4"), ("4090", 1, "rtx-4090"), ("2x4090", 2, "rtx-4090")],
)  # fmt: skip
def test_clusters_are_read_as_people_write_them(text: str, gpus: int, key: str) -> None:
    cluster = Cluster.parse(text)
    assert (cluster.gpus, cluster.accelerator.key) == (gpus, key)
    assert Cluster.parse(cluster) is cluster


@pytest.mark.parametrize(
    "text", ["", " ", "0x h100", "0 h100", "1.5x h100", "-3x h100", "12x", "12 x ", "1e99x h100", "8x", "x h100", "8",
             "8x 8x h100", "h100x", "8x h1000", None, 8, ["h100"]],
)  # fmt: skip
def test_bad_clusters_are_refused_with_a_mend(text: object) -> None:
    with pytest.raises(PlannerError) as caught:
        Cluster.parse(text)  # type: ignore[arg-type]
    assert caught.value.mend


@pytest.mark.parametrize(
    "change",
    [{"utilisation": 0}, {"utilisation": 1.01}, {"utilisation": "40"}, {"utilisation": -0.4}, {"utilisation": math.nan},
     {"utilisation": True}, {"utilisation": Estimate(0.5, 0.4, 1.2)}, {"utilisation": Estimate(0.5, 0, 0.6)},
     {"price": 0}, {"price": -2}, {"price": "-$2"}, {"price": math.inf}, {"price": "lamda"}, {"price": ""},
     {"when": "2023-13"}, {"when": "July"}, {"when": ""}, {"gpus": 0}, {"gpus": 2.5}, {"kind": "sparse"}],
    ids=str,
)  # fmt: skip
def test_bad_changes_are_refused_with_a_mend(change: dict[str, object]) -> None:
    with pytest.raises(PlannerError) as caught:
        Cluster("h100", 8).at(**change)  # type: ignore[arg-type]
    assert caught.value.mend


@pytest.mark.parametrize("amount", [0, -1, math.nan, math.inf, "many", None])
def test_bad_amounts_are_refused(amount: object) -> None:
    cluster = Cluster("h100", 8)
    for convert in (cluster.gpu_hours, cluster.days, cluster.usd, cluster.kwh, cluster.flops_for_usd,
                    cluster.flops_in_days, cluster.flops_in_gpu_hours, cluster.flops_for_kwh):  # fmt: skip
        with pytest.raises(InputError):
            convert(amount)  # type: ignore[arg-type]


def test_changes_keep_what_they_do_not_name() -> None:
    cluster = Cluster("h100", 8).at(utilisation="40 %").at(price="$2.50").at(when="2023-07").at(gpus=16, kind="moe")
    cluster = cluster.at(precision="fp8")
    assert (cluster.gpus, cluster.utilisation, cluster.price) == (16, 0.4, 2.5)
    assert (cluster.when, cluster.kind, cluster.precision) == ("2023-07", "moe", "fp8")


@given(clusters, flops)
def test_every_conversion_is_undone_by_its_inverse(cluster: Cluster, work: float) -> None:
    assert cluster.flops_in_gpu_hours(cluster.gpu_hours(work)) == pytest.approx(work, rel=1e-12)
    assert cluster.flops_in_days(cluster.days(work)) == pytest.approx(work, rel=1e-12)
    assert cluster.flops_for_usd(cluster.usd(work)) == pytest.approx(work, rel=1e-12)
    assert cluster.flops_for_kwh(cluster.kwh(work)) == pytest.approx(work, rel=1e-12)


@given(clusters, flops)
def test_more_gpus_at_a_given_utilisation_save_days_but_no_hours_and_no_money(cluster: Cluster, work: float) -> None:
    cluster = cluster.at(utilisation=0.35)
    twice = cluster.at(gpus=2 * cluster.gpus)
    assert twice.days(work) == pytest.approx(cluster.days(work) / 2)
    assert twice.gpu_hours(work) == cluster.gpu_hours(work)
    assert twice.usd(work) == cluster.usd(work)
    assert twice.kwh(work) == cluster.kwh(work)


@given(clusters, flops, st.floats(1.01, 1e3))
def test_costs_are_proportional_to_work_with_their_ranges(cluster: Cluster, work: float, more: float) -> None:
    for convert in (cluster.gpu_hours, cluster.days, cluster.usd, cluster.kwh, cluster.kg_co2):
        one, several = convert(work), convert(more * work)
        assert [several, several.low, several.high] == pytest.approx([more * x for x in (one, one.low, one.high)])
        assert 0 < one.low <= one <= one.high


@given(clusters, flops)
def test_dollars_are_hours_times_the_price(cluster: Cluster, work: float) -> None:
    assert cluster.price is not None
    assert cluster.usd(work) == pytest.approx(cluster.gpu_hours(work) * cluster.price)
    assert cluster.usd(work).high / cluster.usd(work) >= cluster.gpu_hours(work).high / cluster.gpu_hours(work) - 1e-9


def test_an_uncertain_amount_widens_the_range() -> None:
    cluster = Cluster("h100", 8)
    exact, uncertain = cluster.gpu_hours(1e21), cluster.gpu_hours(Estimate(1e21, 5e20, 2e21))
    assert uncertain == exact
    assert uncertain.low < exact.low < exact.high < uncertain.high


def test_the_model_that_is_trained_changes_the_predicted_utilisation() -> None:
    cluster = Cluster("h100", 64, when="2024-05")
    small, large = (cluster.training(active_params=size, tokens=20 * size) for size in (1e8, 1e10))
    assert small.utilisation < large.utilisation
    assert small.at(gpus=128).work == small.work
    assert cluster.at(utilisation=0.3).training(active_params=1e10).utilisation == 0.3


def test_at_a_given_utilisation_hours_are_exact() -> None:
    """One H100 at 100 % of 989.4 TFLOP/s for an hour."""
    hours = Cluster("h100").at(utilisation=1).gpu_hours(989.4e12 * 3600)
    assert hours == pytest.approx(1)
    assert hours.is_exact


@pytest.mark.parametrize("row", COSTS, ids=lambda row: row["name"])
def test_published_bills_are_reproduced(row: dict[str, str]) -> None:
    cluster = Cluster.parse(row["cluster"]).at(price=row["usd_per_gpu_hour"], utilisation=row["utilisation"] or None)
    work = float(row["flops"]) if row["flops"] else cluster.flops_in_gpu_hours(row["gpu_hours"])
    assert cluster.usd(work) == pytest.approx(float(row["usd"]), rel=float(row["tolerance"]))
