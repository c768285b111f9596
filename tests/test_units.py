import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InputError
from planner.units import UNITS, read, show, show_range


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("$2M", "usd", 2e6),
        ("$1,500,000", "usd", 1.5e6),
        (" 2 million dollars", "usd", 2e6),
        ("1e22", "flops", 1e22),
        ("1e22 FLOPs", "flops", 1e22),
        ("1 PF-day", "flops", 8.64e19),
        ("7B", "params", 7e9),
        ("70b parameters", "params", 7e10),
        ("1.4 trillion tokens", "tokens", 1.4e12),
        ("30 days", "days", 30.0),
        ("2 weeks", "days", 14.0),
        ("12 hours", "days", 0.5),
        ("100k GPU-hours", "gpu_hours", 1e5),
        ("40 %", "fraction", 0.4),
        ("0.4", "fraction", 0.4),
        ("$2.50/h", "usd/gpu_hour", 2.5),
    ],
)
def test_magnitudes_are_read_as_people_write_them(text, unit, value):
    assert read(text, unit, name="x") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("unit", ["usd", "flops", "gpu_hours", "days"])
def test_gpu_years_are_refused_with_the_unit_to_use(unit):
    with pytest.raises(InputError, match="GPU time") as caught:
        read("12 GPU years", unit, name="budget")
    assert "GPU-hours" in caught.value.mend


@pytest.mark.parametrize(
    "bad", ["", "abc", "-5", "nan", "inf", "1e999", "0", "$1,5M", "٣M", "2x", "1..5", None, True, math.nan, -1.0, [1]]
)
def test_nonsense_is_refused_with_an_example(bad):
    with pytest.raises(InputError) as caught:
        read(bad, "usd", name="budget_usd")
    assert "budget_usd" in caught.value.problem
    assert caught.value.mend


def test_a_quantity_of_another_kind_says_which():
    with pytest.raises(InputError, match="is in days, not US dollars"):
        read("30 days", "usd", name="budget_usd")
    with pytest.raises(InputError, match="is money"):
        read("$5", "flops", name="budget_flops")


def test_zero_is_read_only_where_it_is_allowed():
    assert read(0, "tokens", name="inference_tokens", zero=True) == 0.0


@pytest.mark.parametrize("text", ["€2.5", "2.5EUR", "£2M", "2M EUR", "2MEUR", "3M€", "CHF 50k", "C$2", "50 kr"])
@pytest.mark.parametrize("unit", ["usd", "usd/gpu_hour"])
def test_another_currency_is_named_as_such_wherever_money_is_read(text, unit):
    with pytest.raises(InputError, match="not in US dollars") as caught:
        read(text, unit, name="budget_usd")
    assert "Convert" in caught.value.mend
    with pytest.raises(InputError, match="is money"):
        read(text, "flops", name="budget_flops")


@pytest.mark.parametrize(
    "text", ["$2M", "US$2M", "2M USD", "2MUSD", "usd 2M", "2 M$", "2M US dollars", "2 million dollars"]
)
def test_dollars_may_be_written_in_any_way(text):
    assert read(text, "usd", name="budget_usd") == 2e6


@pytest.mark.parametrize(("value", "unit"), [("1e30", "params"), (1e16, "params"), ("5e18 tokens", "tokens")])
def test_absurd_sizes_are_refused_with_the_most_that_is_taken(value, unit):
    with pytest.raises(InputError, match="beyond") as caught:
        read(value, unit, name="size")
    assert "at most 1.00e1" in caught.value.mend


@given(st.floats(min_value=1e-3, max_value=1e14), st.sampled_from(["flops", "usd", "params", "tokens", "gpu_hours"]))
def test_what_is_shown_reads_back_within_its_digits(value, unit):
    assert read(show(value, unit), unit, name="x") == pytest.approx(value, rel=6e-3, abs=6e-3)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (5.76e23, "flops", "5.76e23 FLOPs"),
        (2e6, "usd", "$2.00M"),
        (999_999, "usd", "$1.00M"),
        (1234.5, "usd", "$1,230"),
        (0.0031, "usd", "$0.00310"),
        (6.7e10, "params", "67.0B params"),
        (0.2, "days", "4.80 hours"),
        (1000, "days", "2.74 years"),
        (1e30, "days", "2.74e27 years"),
        (5e5, "kwh", "500 MWh"),
        (1.9934, "nats/token", "1.993 nats/token"),
        (0.381, "fraction", "38.1 %"),
        (None, "usd", "not known"),
        (math.inf, "flops", "unbounded"),
    ],
)
def test_numbers_are_shown_with_their_unit(value, unit, text):
    assert show(value, unit) == text


def test_a_range_names_a_shared_unit_once():
    assert show_range(1e9, 2e9, "params") == "1.00B to 2.00B params"
    assert show_range(0.5, 40, "days") == "12.0 hours to 40.0 days"


@given(st.sampled_from(sorted(UNITS)), st.floats(min_value=0, max_value=1e40))
def test_every_unit_shows_every_number(unit, value):
    assert show(value, unit)
