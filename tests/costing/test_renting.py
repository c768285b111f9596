"""Own or rent: the break-even is where both cost the same."""

from datetime import date

import pytest

from planner.costing import own_or_rent, price_list
from planner.errors import InputError
from planner.hardware import Cluster
from planner.hardware.accelerators import Accelerator
from planner.hardware.owning import known_purchases, ownership


def test_an_own_h100_costs_what_its_parts_cost() -> None:
    """By hand: 31,905 / 0.81 x 0.32 / 8766 h = 1.438; 0.7 x 1.821 x 184 x 12 / 8766 = 0.321; 0.093 of power."""
    owned = ownership(Accelerator.of("h100"))
    assert owned is not None
    assert owned.value_lost_per_hour == pytest.approx(1.438, abs=0.001)
    assert owned.hosting_per_hour == pytest.approx(0.321, abs=0.001)
    assert owned.electricity_per_hour == pytest.approx(0.0926, abs=0.001)
    assert owned.usd_per_gpu_hour == pytest.approx((1.438 + 0.321 + 0.0926) / 0.8, abs=0.002)
    assert owned.usd_per_gpu_hour.low < owned.usd_per_gpu_hour < owned.usd_per_gpu_hour.high


def test_bare_chips_get_a_server() -> None:
    bare, whole = ownership(Accelerator.of("h100-pcie")), ownership(Accelerator.of("h100"))
    assert bare is not None and whole is not None  # noqa: PT018
    assert bare.purchase_usd == pytest.approx(24500 * 1.64 / 0.81)
    assert whole.purchase_usd == pytest.approx(31905 / 0.81)


def test_at_the_break_even_owning_and_renting_cost_the_same() -> None:
    sheet = own_or_rent("64x h100", price=4)
    per_hour = sheet.owned.value_lost_per_hour + sheet.owned.running_per_hour
    assert 4 * sheet.share == pytest.approx(per_hour)
    assert sheet.share.low < sheet.share < sheet.share.high
    assert sheet.pays_back_days is not None
    saved = (4 - sheet.owned.running_per_hour) * 24 * sheet.pays_back_days
    assert saved == pytest.approx(sheet.owned.purchase_usd)


def test_cheap_rent_beats_owning() -> None:
    sheet = own_or_rent("8x h100", price=1)
    assert any("does not pay" in finding.title for finding in sheet.findings)
    assert own_or_rent("8x h100", price=0.3).pays_back_days is None
    assert "does not pay" not in str(own_or_rent("8x h100", price=8))


def test_old_prices_on_either_side_are_said() -> None:
    """The H100 was priced to buy in 2025-03, to rent in 2026-09."""

    def said(today: date, price: float | None = None) -> str:
        return str(own_or_rent("8x h100", price=price, today=today))

    assert "price is of" not in said(date(2025, 8, 1))
    assert "The purchase price is of 2025-03" in said(date(2026, 11, 1))
    assert "The rent is of" not in said(date(2026, 11, 1))
    assert "The rent is of 2026-09" in said(date(2027, 6, 1))
    assert "The rent is of" not in said(date(2027, 6, 1), price=2)


def test_an_absurd_rent_is_doubted() -> None:
    assert "far outside" in str(own_or_rent("8x h100", price=900))
    assert "far outside" not in str(own_or_rent("8x h100", price=2))


def test_dearer_long_commitments_are_explained() -> None:
    """H100: 3-year $3.73 of other providers than 1-year $2.61."""
    (note,) = price_list(today=date(2026, 10, 1)).findings
    assert "NVIDIA H100 SXM5 80GB: 3-year $3.73, 1-year $2.61" in note.because


def test_what_is_unknown_is_refused() -> None:
    with pytest.raises(InputError, match="Nobody published"):
        own_or_rent("8x tpu-v4")
    with pytest.raises(InputError, match="Nobody published"):
        Cluster("tpu-v4", price="own")
    with pytest.raises(InputError, match="no rent"):
        own_or_rent("8x mi300x")
    with pytest.raises(InputError, match="no rent"):
        own_or_rent("8x h100", price="own")


def test_the_list_shows_every_choice_with_its_range_and_its_dates() -> None:
    listed = price_list(today=date(2026, 10, 1))
    keys = [row.key for row in listed.rows()]
    assert len(keys) == len(set(keys))
    assert {"h100-sxm5-80 on-demand", "h100-sxm5-80 spot", "h100-sxm5-80 own", "mi300x own"} <= set(keys)
    assert all("20" in row.note for row in listed.rows())
    assert sum(priced.choice == "own" for priced in listed.prices) == len(known_purchases())
    assert [finding.level for finding in listed.findings] == ["note"]
    assert "refresh" in str(price_list(today=date(2027, 9, 1)))
