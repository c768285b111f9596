"""Accelerators and clusters: names, dense peaks, prices with their dates, and conversions that undo each other."""

import csv
import math
import re
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import catalog
from planner.errors import InputError, PlannerError, UnknownName
from planner.estimate import Estimate
from planner.hardware import Accelerator, Cluster
from planner.hardware.accelerators import squashed
from planner.hardware.energy import carbon
from planner.hardware.prices import TIERS
from planner.hardware.utilisation import forecast, highest_published, predicted, published_runs

CHIPS = catalog.records("accelerators")
PRICES = catalog.records("prices")
RUNS = catalog.records("published_runs")

with (Path(__file__).parent / "published" / "costs.csv").open(encoding="utf-8", newline="") as published:
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


# accelerators


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("h100", "h100-sxm5-80"), ("H100", "h100-sxm5-80"), ("NVIDIA H100 SXM5 80GB", "h100-sxm5-80"),
        ("nvidia-h100", "h100-sxm5-80"), ("h100 pcie", "h100-pcie-80"), ("a100", "a100-sxm4-80"),
        ("A100 80GB", "a100-sxm4-80"), ("a100-40", "a100-sxm4-40"), ("v100", "v100-sxm2-32"), ("h200", "h200-sxm-141"),
        ("b200", "b200-sxm-180"), ("gb200", "gb200-186"), ("h800", "h800-sxm5-80"), ("a800", "a800-sxm-80"),
        ("gh200", "gh200-96"), ("mi300x", "mi300x"), ("trn2", "trainium2"), ("tpu v3", "tpu-v3"), ("TPUv4", "tpu-v4"),
        ("4090", "rtx-4090"), ("RTX 4090", "rtx-4090"), ("  l4 ", "l4"),
    ],
)  # fmt: skip
def test_common_names_find_their_accelerator(name: str, key: str) -> None:
    assert Accelerator.of(name).key == key


def test_no_name_belongs_to_two_accelerators() -> None:
    names = {row["key"]: {squashed(name) for name in (row["key"], row["name"], *row["aliases"].split(";"))} - {""}
             for row in CHIPS}  # fmt: skip
    for (one, its), (other, others) in combinations(names.items(), 2):
        assert not its & others, f"{one} and {other} share {its & others}"


@pytest.mark.parametrize(
    ("name", "tflops"),
    [("h100", 989.4), ("h200", 989.4), ("h800", 989), ("h100-nvl", 835), ("h100-pcie", 756), ("a100", 312), ("v100", 125),
     ("4090", 165.2), ("3090", 71), ("5090", 209.5), ("l40s", 362), ("l4", 121), ("a6000", 154.8), ("b200", 2250),
     ("mi300x", 1307), ("tpu-v3", 123), ("tpu-v4", 275)],
)  # fmt: skip
def test_peaks_are_dense_and_accumulate_in_fp32(name: str, tflops: float) -> None:
    """Data sheets print twice as much: with structured sparsity (H100 1979) or fp16 accumulation (RTX 4090 330)."""
    assert Accelerator.of(name).flops_per_second == tflops * 1e12


@pytest.mark.parametrize("row", CHIPS, ids=lambda row: row["key"])
def test_every_accelerator_is_plausible_and_sourced(row: dict[str, str]) -> None:
    chip = Accelerator.of(row["key"])
    assert 5e13 < chip.flops_per_second < 3e15
    assert chip.fp8_flops_per_second is None or 1 <= chip.fp8_flops_per_second / chip.flops_per_second <= 4
    assert 10e9 < chip.memory_bytes < 400e9
    assert 1e11 < chip.memory_bytes_per_second < 1e13
    assert chip.power_watts is None or 50 < chip.power_watts < 1500
    assert row["source"]
    assert re.fullmatch(r"20\d\d-\d\d", row["as_of"])


def test_an_unknown_accelerator_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'h100'"):
        Cluster.parse("8x h10O")


# clusters


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
    assert (cluster.gpus, cluster.utilisation, cluster.price) == (16, 0.4, 2.5)
    assert (cluster.when, cluster.kind) == ("2023-07", "moe")


# conversions


@given(clusters, flops)
def test_every_conversion_is_undone_by_its_inverse(cluster: Cluster, work: float) -> None:
    assert cluster.flops_in_gpu_hours(cluster.gpu_hours(work)) == pytest.approx(work, rel=1e-12)
    assert cluster.flops_in_days(cluster.days(work)) == pytest.approx(work, rel=1e-12)
    assert cluster.flops_for_usd(cluster.usd(work)) == pytest.approx(work, rel=1e-12)
    assert cluster.flops_for_kwh(cluster.kwh(work)) == pytest.approx(work, rel=1e-12)


@given(clusters, flops)
def test_more_gpus_save_days_but_no_hours_and_no_money(cluster: Cluster, work: float) -> None:
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
    exact, uncertain = cluster.gpu_hours(1e21), cluster.gpu_hours(Estimate.of_factor(1e21, 2))
    assert uncertain == exact
    assert uncertain.low < exact.low < exact.high < uncertain.high


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


# utilisation


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
        assert float(row["gpu_hours"]) == pytest.approx(float(row["gpus"]) * float(row["days"]) * 24, rel=0.25)


# prices


@pytest.mark.parametrize("row", PRICES, ids=lambda row: f"{row['accelerator']} {row['provider']} {row['tier']}")
def test_every_price_is_dated_sourced_and_of_a_known_accelerator(row: dict[str, str]) -> None:
    assert Accelerator.of(row["accelerator"]).key == row["accelerator"]
    assert row["tier"] in TIERS
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", row["as_of"])
    assert 0.1 < float(row["usd_per_gpu_hour"]) < 20
    assert int(row["gpus"]) >= 1
    assert row["source"]


def test_spot_and_commitments_are_cheaper_than_on_demand() -> None:
    listed: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for row in PRICES:
        where = (row["accelerator"], row["provider"], row["as_of"])
        listed.setdefault(where, {}).setdefault(row["tier"], []).append(float(row["usd_per_gpu_hour"]))
    compared = 0
    for where, tiers in listed.items():
        for tier in ("spot", "1-year", "3-year"):
            if tier in tiers and "on-demand" in tiers:
                assert max(tiers[tier]) < max(tiers["on-demand"]), (where, tier)
                compared += 1
    assert compared > 20


def test_the_default_price_is_the_median_over_providers_with_its_dates() -> None:
    """By hand, H100 on demand: 1.92, 2.40, 2.95, 3.49, 3.95, 3.99, 6.16, 6.88, 10.0, 11.06, 12.29."""
    cluster = Cluster("h100")
    assert cluster.price == 3.99
    assert cluster.price_basis == "on-demand, 11 providers, 2026-03 to 2026-09"
    assert cluster.price.low == pytest.approx((1.9156 + 2.40) / 2)
    assert cluster.price.high == pytest.approx((11.0612 + 12.29) / 2)


def test_a_single_price_is_exact_and_says_so() -> None:
    cluster = Cluster("tpu-v5p")
    assert cluster.price is not None
    assert (cluster.price, cluster.price.is_exact) == (4.2, True)
    assert cluster.price_basis == "on-demand, GCP only, 2026-07"


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_is_chosen_by_name(tier: str) -> None:
    cluster = Cluster("h100", price=tier)
    assert cluster.price_basis.startswith(tier)
    assert cluster.price is not None


def test_a_provider_is_chosen_by_name_with_the_range_of_its_regions() -> None:
    """AWS p5.48xlarge, 2026-07: 6.88 in three regions, 8.60 in us-west-1."""
    price = Cluster("h100", price="aws").price
    assert price is not None
    assert (price, price.low, price.high) == (6.88, 6.88, 8.6)
    assert Cluster("h100", price="Lambda").price == 3.99


@pytest.mark.parametrize("given", [2.5, "$2.50", "2.5", "2.50/h", Estimate.exact(2.5)])
def test_a_price_of_your_own_is_taken_as_it_is(given: float | str) -> None:
    cluster = Cluster("h100", price=given)
    assert cluster.price == 2.5
    assert cluster.price_basis == "as given"


def test_an_unknown_tier_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'Lambda'"):
        Cluster("h100", price="lamda")
    with pytest.raises(UnknownName, match="GCP"):
        Cluster("tpu-v4", price="marketplace")
    with pytest.raises(InputError, match="has no AMD"):
        Cluster("mi300x", price="spot")


@given(st.sampled_from(sorted({row["accelerator"] for row in PRICES})), st.integers(2019, 2030), st.integers(1, 12))
def test_a_month_takes_no_later_price_where_there_is_an_earlier_one(key: str, year: int, month: int) -> None:
    when = f"{year}-{month:02}"
    cluster = Cluster(key, when=when)
    assert cluster.rate is not None
    tier = next(tier for tier in TIERS if any(row["accelerator"] == key and row["tier"] == tier for row in PRICES))
    months = [row["as_of"] for row in PRICES if row["accelerator"] == key and row["tier"] == tier]
    assert cluster.rate.as_of is not None
    if min(months) <= when:
        assert cluster.rate.as_of <= when
    else:
        assert cluster.rate.as_of == min(months)
        assert f"earliest known for {when}" in cluster.price_basis


def test_without_a_price_only_dollars_are_refused() -> None:
    cluster = Cluster("mi300x", 8)
    assert cluster.price is None
    assert cluster.gpu_hours(1e21) > 0
    with pytest.raises(InputError, match="price=") as caught:
        cluster.usd(1e21)
    assert caught.value.mend
    assert cluster.at(price=2).usd(1e21) > 0


# energy


def test_reported_energy_and_carbon_of_llama_65b_are_reproduced() -> None:
    """LLaMA paper (arXiv 2302.13971), table 15: 1,022,362 h x 400 W x 1.1 = 449 MWh, x 0.385 = 173 t."""
    kwh = Cluster("a100", 2048).kwh_as_reported(1_022_362)
    assert kwh == pytest.approx(449.8e3, rel=0.005)
    assert kwh * carbon("USA (LLaMA paper)").kg_per_kwh == pytest.approx(173e3, rel=0.005)


@pytest.mark.parametrize(
    ("name", "kwh_per_gpu_hour"), [("v100", 0.362), ("tpu-v3", 0.283 * 1.08), ("tpu-v4", 0.192 * 1.56)]
)
def test_energy_ranges_contain_what_was_published(name: str, kwh_per_gpu_hour: float) -> None:
    """GPT-3 1287 MWh over 3.55M h (Patterson et al. 2021); Gopher 283 W per chip, PUE 1.08; TPU v4 at its 192 W."""
    estimate = Cluster(name).kwh_per_gpu_hour
    assert estimate.low <= kwh_per_gpu_hour <= estimate.high


def test_a_server_takes_more_than_its_chips_but_not_more_than_its_plug() -> None:
    """DGX H100 data sheet: 10.2 kW at most for 8 GPUs of 700 W."""
    estimate = Cluster("h100").kwh_per_gpu_hour
    assert 0.7 < estimate < estimate.high < 10.2 / 8 * 1.25


def test_carbon_is_electricity_times_the_grid() -> None:
    cluster = Cluster("h100", 8)
    assert cluster.kg_co2(1e21) == pytest.approx(cluster.kwh(1e21) * 0.3695)
    assert cluster.kg_co2(1e21, region="france") < cluster.kg_co2(1e21, region="us") < cluster.kg_co2(1e21, region="IN")
    with pytest.raises(UnknownName, match="Did you mean 'France'"):
        cluster.kg_co2(1e21, region="Farnce")


def test_a_chip_without_published_power_has_no_energy() -> None:
    cluster = Cluster("trn1", 16)
    for convert in (cluster.kwh, cluster.kg_co2, cluster.kwh_as_reported, cluster.flops_for_kwh):
        with pytest.raises(InputError, match="not published"):
            convert(1e6)
