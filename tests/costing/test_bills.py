"""Bills: what they add up to, what they say when something is unknown, old or assumed, and published runs."""

import json
import math
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import catalog
from planner.costing import Cost, cost
from planner.costing.parts import Part
from planner.errors import InputError, PlannerError, UnknownName
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.serving import serve
from planner.transformer import Transformer

TODAY = date(2026, 11, 1)

sizes = st.floats(1e3, 1e13)


@dataclass(frozen=True)
class Planned:
    """The least that a plan is."""

    params: float = 7e9
    tokens: float = 2e12
    flops: float = 6 * 7e9 * 2e12
    cluster: Cluster | None = None


def titles(bill: Cost) -> str:
    return " | ".join(finding.title for finding in bill.findings)


@given(sizes, sizes, st.sampled_from(["8x h100", "1024x a100", "tpu-v4"]))
def test_the_work_is_six_times_parameters_times_tokens(params: float, tokens: float, cluster: str) -> None:
    bill = cost(params=params, tokens=tokens, cluster=cluster, today=TODAY)
    assert bill.flops == pytest.approx(6 * params * tokens)
    assert bill.usd == bill.cluster.usd(bill.flops)
    assert bill.days * 24 * bill.cluster.gpus == pytest.approx(bill.gpu_hours)


@given(sizes, sizes)
def test_parts_in_the_total_add_up_to_the_whole_bill(params: float, tokens: float) -> None:
    bill = cost(params=params, tokens=tokens, data_usd=1000, today=TODAY)
    paid = bill.parts[bill.parts["in_total"]]
    assert bill.total_usd is not None
    assert paid["usd"].sum() == pytest.approx(bill.total_usd)
    assert bill.programme_usd == pytest.approx(paid["usd"][:2].sum())
    assert (bill.parts["low"] <= bill.parts["usd"]).all()
    assert (bill.parts["usd"] <= bill.parts["high"]).all()
    assert bill.parts["basis"].str.len().min() > 0


def test_the_programme_spans_olmo_2_to_olmo_3() -> None:
    """1.5x (arXiv 2503.05804) to 1 / (1 - 0.822) = 5.6x the final run."""
    bill = cost(params="7B", tokens="1T", cluster=Cluster("h100", 8, utilisation=0.4, price=2), today=TODAY)
    assert bill.usd is not None
    assert bill.usd.is_exact
    assert bill.programme_usd is not None
    assert bill.programme_usd.low / bill.usd == pytest.approx(1.5, rel=0.01)
    assert bill.programme_usd.high / bill.usd == pytest.approx(1 / (1 - 0.822), rel=0.01)


def test_gpt3_on_its_hardware_takes_what_it_took() -> None:
    """3.55M V100-hours (Epoch AI, from 14.8 days on 10,000 V100)."""
    bill = cost(params=175e9, tokens=300e9, cluster="10000x v100", when="2020-05")
    assert bill.gpu_hours.low < 3.55e6 < bill.gpu_hours.high
    assert bill.days.low < 14.8 < bill.days.high
    assert "2020-05" in bill.cluster.price_basis
    assert "earliest known" in bill.cluster.price_basis
    assert "the run of 2020-05" in titles(bill)


def test_nine_in_ten_published_runs_lie_in_the_range_of_their_bill() -> None:
    inside = []
    for row in catalog.records("published_runs"):
        if row["use_in_fit"] == "yes":
            cluster = Cluster(row["accelerator"], float(row["gpus"] or 1))
            active = row["params_active"] or None
            bill = cost(params=row["params"], active_params=active, tokens=row["tokens"], cluster=cluster)
            inside.append(bill.gpu_hours.low <= float(row["gpu_hours"]) <= bill.gpu_hours.high)
    assert 0.85 <= sum(inside) / len(inside) < 1


def test_deepseek_v3_at_its_own_hours_costs_what_the_paper_says() -> None:
    """arXiv 2412.19437, table 1: 2.664M H800-hours of pretraining at $2 are $5.328M."""
    flops = 6 * 37e9 * 14.8e12
    utilisation = flops / (2.664e6 * 3600 * 989e12)
    cluster = Cluster("h800", 2048, utilisation=utilisation, price=2)
    bill = cost(params="671B", active_params="37B", tokens="14.8T", cluster=cluster)
    assert bill.usd == pytest.approx(5.328e6)
    assert bill.gpu_hours == pytest.approx(2.664e6)


def test_a_mixture_of_experts_pays_for_active_parameters_at_lower_utilisation() -> None:
    dense = cost(params="37B", tokens="1T", today=TODAY)
    mixture = cost(params="671B", active_params="37B", tokens="1T", today=TODAY)
    assert mixture.flops == dense.flops
    assert mixture.gpu_hours > dense.gpu_hours
    assert "active_params" in mixture.to_dict()
    assert "active_params" not in dense.to_dict()


def test_a_plan_brings_its_size_and_its_cluster() -> None:
    bill = cost(Planned(cluster=Cluster.parse("256x a100")), price=2, today=TODAY)
    assert (bill.params, bill.tokens, bill.flops) == (7e9, 2e12, 8.4e22)
    assert (bill.cluster.gpus, bill.cluster.accelerator.key, bill.cluster.price) == (256, "a100-sxm4-80", 2)
    assert "assumed" not in titles(bill)
    assert cost(Planned(cluster=Cluster.parse("256x a100")), cluster="8x h100").cluster.gpus == 8


def test_a_plan_is_priced_as_decided() -> None:
    """The range of a plan's FLOPs says what a budget might buy; a bill prices the model that was chosen."""
    certain = cost(Planned(flops=8.4e22), today=TODAY)
    uncertain = cost(Planned(flops=Estimate(8.4e22, 2.8e22, 2.52e23)), today=TODAY)
    assert uncertain.usd == certain.usd
    assert uncertain.flops.is_exact


def test_an_assumed_cluster_is_said() -> None:
    assert "our assumption: 8x NVIDIA H100" in titles(cost(Planned(), today=TODAY))
    assert "assumed" not in titles(cost(Planned(), cluster="8x h100", today=TODAY))


@pytest.mark.parametrize(
    ("today", "said"), [(date(2026, 10, 1), False), (date(2027, 3, 1), False), (date(2027, 5, 1), True)]
)
def test_old_prices_are_said(today: date, said: bool) -> None:
    """The newest H100 price is of 2026-09."""
    assert ("price is of 2026-09" in titles(cost(Planned(), today=today))) is said


def test_a_price_of_your_own_is_never_old() -> None:
    assert "price is of" not in titles(cost(Planned(), price=2, today=date(2040, 1, 1)))


def test_a_price_of_the_month_of_the_run_is_not_old() -> None:
    assert "price is of" not in titles(cost(Planned(), cluster="8x h100", when="2025-04", today=date(2040, 1, 1)))


def test_without_a_price_everything_but_dollars_is_known() -> None:
    bill = cost(Planned(), cluster="64x mi300x", today=TODAY)
    assert bill.usd is None
    assert bill.programme_usd is None
    assert bill.gpu_hours > 0
    assert bill.kwh is not None
    assert "No price of the AMD MI300X" in titles(bill)
    assert list(bill.parts["part"][bill.parts["in_total"]]) == ["Storing tokens and checkpoints"]
    assert bill.total_usd is None
    assert bill.swings.empty
    assert bill.to_dict()["usd"] is None
    assert cost(Planned(), cluster="64x mi300x", price="$2", today=TODAY).usd is not None


def test_without_published_power_everything_but_energy_is_known() -> None:
    bill = cost(Planned(), cluster="64x trn1", price=1, today=TODAY)
    assert (bill.kwh, bill.kg_co2) == (None, None)
    assert bill.usd is not None
    assert "power" in titles(bill)


def test_a_utilisation_that_nobody_reached_is_said() -> None:
    cluster = Cluster.parse("8x h100")
    assert "above every published run" in titles(cost(Planned(), cluster=cluster.at(utilisation=0.6), today=TODAY))
    assert "above every published run" not in titles(cost(Planned(), cluster=cluster.at(utilisation=0.5), today=TODAY))


def test_a_run_of_years_is_said() -> None:
    assert "years" in titles(cost(params="70B", tokens="15T", today=TODAY))
    assert "years" not in titles(cost(params="70B", tokens="15T", cluster="4096x h100", today=TODAY))


def test_a_bill_draws_itself_with_units_and_the_date_of_its_price() -> None:
    bill = cost(params="7B", tokens="2T", cluster="256x h100", today=TODAY)
    text = str(bill)
    assert "256x NVIDIA H100 SXM5 80GB" in text
    assert "GPU-hours" in text
    assert "2026-03 to 2026-09" in text
    assert bill.cluster.utilisation_basis in text
    assert list(bill.to_frame().index) == [row.key for row in bill.rows()]
    record = json.loads(json.dumps(bill.to_dict()))
    assert record["usd"] == pytest.approx(bill.usd.to_dict() if bill.usd is not None else None)
    assert "<table>" in bill._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "needs params and tokens"), ({"params": 1e9}, "needs tokens"), ({"tokens": 1e9}, "needs params"),
        ({"plan": Planned(), "params": 1e9}, "plan and params"), ({"plan": Planned(), "tokens": 1}, "plan and tokens"),
        ({"plan": Planned(), "active_params": 1}, "plan and active_params"), ({"plan": "7B"}, "no plan"),
        ({"params": -1, "tokens": 1e9}, "params must be positive"), ({"params": 0.5, "tokens": 1e9}, "at least 1"),
        ({"params": math.nan, "tokens": 1e9}, "no finite number"),
        ({"params": "12 GPU years", "tokens": 1}, "GPU time"),
        ({"params": 1e9, "tokens": "lots"}, "not understood"), ({"params": 1e300, "tokens": 1e300}, "beyond"),
        ({"params": 1e9, "active_params": 2e9, "tokens": 1e9}, "more than params"),
        ({"params": "1e30", "tokens": 1e9}, "beyond"), ({"params": 1e9, "tokens": "1e30"}, "beyond"),
        ({"params": 1e9, "tokens": 1e9, "staff_usd": "3M€"}, "not in US dollars"),
        ({"params": 1e9, "tokens": 1e9, "cluster": ""}, "names no accelerator"),
        ({"params": 1e9, "tokens": 1e9, "when": "soon"}, "no month"),
        ({"params": 1e9, "tokens": 1e9, "price": "€2"}, "not in US dollars"),
        ({"params": 1e9, "tokens": 1e9, "staff_usd": -1}, "0 or more"),
        ({"params": 1e9, "tokens": 1e9, "data_usd": "lots"}, "not understood"),
        ({"params": 1e9, "tokens": 1e9, "inference_tokens": math.inf}, "no finite number"),
        ({"params": 1e9, "tokens": 1e9, "calibration_flops": "$2"}, "money"),
    ],
    ids=str,
)  # fmt: skip
def test_bad_input_is_refused_with_a_mend(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        cost(**arguments)  # type: ignore[arg-type]
    assert caught.value.mend


def test_unknown_names_are_refused_with_the_closest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'v100'"):
        cost(params=1e9, tokens=1e9, cluster="8x v10")
    with pytest.raises(PlannerError, match="spot"):
        cost(params=1e9, tokens=1e9, cluster="8x h100", price="spots")
    with pytest.raises(UnknownName, match="Did you mean 'France'"):
        cost(params=1e9, tokens=1e9, region="Farnce")


def part(bill: Cost, key: str) -> Part:
    return next(part for part in bill.items if part.key == key)


def test_the_staff_of_frontier_models_takes_29_to_49_percent() -> None:
    """Epoch AI (arXiv 2405.21015): of hardware, staff and energy together."""
    bill = cost(params="7B", tokens="1T", cluster=Cluster("h100", 8, utilisation=0.4, price=2), today=TODAY)
    assert bill.programme_usd is not None
    staff = part(bill, "staff").usd
    assert 0.29 < staff / (staff + bill.programme_usd) < 0.49
    assert bill.total_usd is not None
    assert bill.total_usd.low < bill.programme_usd < bill.total_usd


def test_staff_and_data_are_taken_as_given() -> None:
    bill = cost(params="7B", tokens="1T", staff_usd="$1M", data_usd="50k", today=TODAY)
    assert (part(bill, "staff").usd, part(bill, "data").usd) == (1e6, 5e4)
    assert part(bill, "staff").basis == "as given"
    assert "no data licences" not in bill.to_frame().loc["total_usd", "note"]
    assert "no data licences" in cost(params="7B", tokens="1T", today=TODAY).to_frame().loc["total_usd", "note"]


def test_a_staff_that_costs_nothing_is_not_in_the_bill() -> None:
    note = cost(params="7B", tokens="1T", staff_usd=0, today=TODAY).to_frame().loc["total_usd", "note"]
    assert note == "with storing tokens and checkpoints; no staff, no data licences"


def test_failures_are_shown_and_not_paid_twice() -> None:
    bill = cost(params="70B", tokens="15T", cluster="16384x h100", today=TODAY)
    lost = part(bill, "failures")
    assert not lost.in_total
    assert "already inside the utilisation" in lost.basis
    assert bill.usd is not None
    assert 0.05 < lost.usd / bill.usd < 0.2


def test_a_calibration_sweep_belongs_to_the_experiments() -> None:
    plain, swept = (cost(params="7B", tokens="1T", calibration_flops=flops, today=TODAY) for flops in (0, 1e21))
    assert part(swept, "calibration").usd == swept.cluster.usd(1e21)
    assert swept.total_usd == plain.total_usd
    assert not any(item.key == "calibration" for item in plain.items)


def test_serving_grows_with_the_tokens_served() -> None:
    once, twice = (
        part(cost(params="7B", tokens="1T", cluster="8x h100", inference_tokens=served, today=TODAY), "serving").usd
        for served in (1e12, 2e12)
    )
    assert twice == pytest.approx(2 * once)
    assert twice.high == pytest.approx(2 * once.high)
    serving = serve(Transformer.near(7e9), "512x h100")
    assert serving.cluster.price is not None
    busiest = serving.cluster.price / serving.tokens_per_gpu_hour * 1e12
    assert once > busiest
    assert "our assumption" not in part(cost(params="7B", tokens="1T", price=2, inference_tokens=1), "final").basis


def test_serving_experts_costs_between_the_active_and_all_parameters() -> None:
    served = {"tokens": "1T", "cluster": "64x h100", "price": 2, "inference_tokens": "1T", "today": TODAY}
    little, much = (part(cost(params=params, **served), "serving").usd for params in ("20B", "100B"))  # type: ignore[arg-type]
    mixture = part(cost(params="100B", active_params="20B", **served), "serving")  # type: ignore[arg-type]
    assert little < mixture.usd < much
    assert "our assumption" in mixture.basis


def test_the_region_decides_the_carbon_and_an_assumed_one_is_said() -> None:
    assumed = cost(params="7B", tokens="1T", today=TODAY)
    american, french, swedish = (
        cost(params="7B", tokens="1T", region=region, today=TODAY) for region in ("usa", "France", "eu-north-1")
    )
    assert assumed.kg_co2 == american.kg_co2
    assert assumed.kg_co2 is not None and french.kg_co2 is not None and swedish.kg_co2 is not None  # noqa: PT018
    assert french.kg_co2 / assumed.kg_co2 == pytest.approx(56.0 / 369.5)
    assert swedish.kg_co2 < french.kg_co2
    notes = [bill.to_frame().loc["kg_co2", "note"] for bill in (assumed, american)]
    assert notes == ["USA grid, 2023 (our assumption)", "USA grid, 2023"]


def test_the_parts_stand_under_the_bill_in_text_and_in_json() -> None:
    bill = cost(params="7B", tokens="1T", inference_tokens="1T", calibration_flops=1e21, today=TODAY)
    record = json.loads(bill.to_json())
    for item in bill.items:
        assert item.name in str(bill)
        assert record[f"part_{item.key}"]["value"] == pytest.approx(item.usd)
    paid = [record[f"part_{item.key}"]["value"] for item in bill.items if item.in_total]
    assert sum(paid) == pytest.approx(record["total_usd"]["value"])
    assert bill.to_frame().loc["part_calibration", "note"].startswith("not added")


def test_a_sweep_that_costs_more_than_all_experiments_is_said() -> None:
    """1.9 times the final run is for experiments."""
    run = 6 * 7e9 * 1e12
    small, large = (cost(params="7B", tokens="1T", calibration_flops=share * run, today=TODAY) for share in (1.8, 2.0))
    assert "calibration sweep" not in titles(small)
    assert "calibration sweep" in titles(large)


@pytest.mark.parametrize(
    ("cluster", "price", "odd"),
    [("h100", 0.01, True), ("h100", 1000, True), ("h100", 0.6, False), ("h100", 24, False), ("h100", "spot", False),
     ("h100", "own", False), ("mi300x", 2, False), ("mi300x", 100, True), ("mi300x", 0.01, True)],
)  # fmt: skip
def test_a_price_far_outside_the_published_range_is_said(cluster: str, price: float | str, odd: bool) -> None:
    """The H100 was published from $1.17 to $12.29; no price of the MI300X was."""
    bill = cost(params="7B", tokens="1T", cluster=f"8x {cluster}", price=price, today=TODAY)
    assert ("far outside what is published" in titles(bill)) is odd


def test_the_region_of_own_hardware_leaves_its_power_price() -> None:
    said = {"params": "7B", "tokens": "1T", "cluster": "8x h100", "today": TODAY}
    title = "not the price of your power"
    assert title in titles(cost(price="own", region="France", **said))  # type: ignore[arg-type]
    assert title not in titles(cost(price="own", **said))  # type: ignore[arg-type]
    assert title not in titles(cost(region="France", **said))  # type: ignore[arg-type]
    assert "power at the US industrial average 2025" in cost(price="own", **said).cluster.price_basis  # type: ignore[arg-type]


def test_energy_and_carbon_are_those_of_the_final_run() -> None:
    frame = cost(params="7B", tokens="1T", today=TODAY).to_frame()
    assert all("final run only" in frame.loc[key, "label"] for key in ("kwh", "kg_co2"))


def test_own_hardware_is_a_choice_of_price() -> None:
    bill = cost(params="7B", tokens="1T", cluster="8x h100", price="own", today=TODAY)
    assert part(bill, "final").name == "Final run, own hardware"
    assert "our assumption" in bill.cluster.price_basis
    assert part(bill, "electricity").name.startswith("Of the final run")
    assert "price is of" in titles(bill)


def test_swings_are_sorted_and_straddle_the_total() -> None:
    bill = cost(params="7B", tokens="1T", cluster="256x h100", inference_tokens="1T", today=TODAY)
    assert bill.total_usd is not None
    assert {"Utilisation", "Price of a GPU-hour", "Staff", "Serving"} <= set(bill.swings["factor"])
    assert bill.swings["swing"].is_monotonic_decreasing
    assert (bill.swings["low"] <= bill.total_usd).all()
    assert (bill.swings["high"] >= bill.total_usd).all()


def test_what_is_certain_does_not_swing() -> None:
    cluster = Cluster("h100", 8, utilisation=0.4, price=2)
    bill = cost(params="7B", tokens="1T", cluster=cluster, staff_usd=1e5, today=TODAY)
    assert set(bill.swings["factor"]) == {"Experiments and failed runs", "Storing tokens and checkpoints"}


@pytest.mark.parametrize("staff_usd", [None, "$300k"])
def test_the_price_moves_the_total_as_a_bill_at_that_price_does(staff_usd: str | None) -> None:
    said = {"params": "7B", "tokens": "1T", "cluster": "8x h100", "inference_tokens": "1T", "staff_usd": staff_usd}
    bill = cost(**said, today=TODAY)  # type: ignore[arg-type]
    assert bill.cluster.price is not None
    swing = bill.swings.set_index("factor").loc["Price of a GPU-hour"]
    for end, price in (("low", bill.cluster.price.low), ("high", bill.cluster.price.high)):
        assert swing[end] == pytest.approx(cost(**said, price=price, today=TODAY).total_usd)  # type: ignore[arg-type]


def test_one_price_holds_for_training_and_serving() -> None:
    """With nothing uncertain but the price, the whole bill is as uncertain as the price."""
    cluster = Cluster("h100", 8, utilisation=0.4, price=Estimate(2, 1, 4))
    sure = Cluster("h100", 8, utilisation=0.4, price=2)
    said = {"params": "7B", "tokens": "1T", "staff_usd": 0, "inference_tokens": "1T", "today": TODAY}
    shared, certain = cost(cluster=cluster, **said), cost(cluster=sure, **said)  # type: ignore[arg-type]
    assert shared.total_usd == certain.total_usd
    assert shared.total_usd is not None and certain.total_usd is not None  # noqa: PT018
    spread = math.log(certain.total_usd.high / certain.total_usd)
    together = math.hypot(spread, math.log(2))
    assert math.log(shared.total_usd.high / shared.total_usd) == pytest.approx(together, rel=0.01)


def test_figures_show_the_parts_and_the_swings() -> None:
    pytest.importorskip("plotly")
    bill = cost(params="7B", tokens="1T", cluster="8x h100", today=TODAY)
    waterfall, tornado = bill.figure(), bill.figure("tornado")
    assert list(waterfall.data[0].y)[-1] == "The whole bill"
    assert sum(waterfall.data[0].x) == pytest.approx(bill.total_usd)
    assert list(tornado.data[0].y) == list(bill.swings["factor"])
    assert list(tornado.data[1].customdata) == pytest.approx(list(bill.swings["high"]))
    with pytest.raises(UnknownName, match="waterfall"):
        bill.figure("waterfal")
    with pytest.raises(InputError, match="without a price"):
        cost(params="7B", tokens="1T", cluster="8x gaudi3", today=TODAY).figure()
