"""Prices: dated, sourced, chosen by tier, provider and month."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import catalog
from planner.errors import InputError, UnknownName
from planner.estimate import Estimate
from planner.hardware import Accelerator, Cluster
from planner.hardware.prices import TIERS

PRICES = catalog.records("prices")


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


@pytest.mark.parametrize("given", ["€2", "2 €", "2 EUR", "£1.50", "1.5 GBP/h", "¥300", "C$2", "2 euros", "CHF 2"])
def test_a_price_in_another_currency_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="not in US dollars") as caught:
        Cluster("h100", price=given)
    assert "US dollars" in caught.value.mend


@pytest.mark.parametrize("given", ["US$2.50", "usd 2.50", "2.50 USD", "2.5 dollars", "2.50 USD/h"])
def test_dollars_may_be_named(given: str) -> None:
    assert Cluster("h100", price=given).price == 2.5


def test_own_hardware_is_priced_with_its_range_and_its_month() -> None:
    cluster = Cluster("h100", price="own")
    assert cluster.rate is not None
    assert cluster.rate.own
    assert cluster.rate.as_of == "2025-03"
    assert cluster.rate.value.low < cluster.rate.value < cluster.rate.value.high
    assert "our assumption" in cluster.price_basis
    assert Cluster("h100", price="Own").price == cluster.price
    with pytest.raises(UnknownName, match="own"):
        Cluster("h100", price="owned")


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


def test_prices_of_the_month_itself_count() -> None:
    assert Cluster("h100", when="2026-09").price_basis == Cluster("h100").price_basis
    assert Cluster("h100", when="2026-08").price_basis == "on-demand, 10 providers, 2026-03 to 2026-07"


def test_without_a_price_only_dollars_are_refused() -> None:
    cluster = Cluster("mi300x", 8)
    assert cluster.price is None
    assert cluster.gpu_hours(1e21) > 0
    with pytest.raises(InputError, match="price=") as caught:
        cluster.usd(1e21)
    assert caught.value.mend
    assert cluster.at(price=2).usd(1e21) > 0
