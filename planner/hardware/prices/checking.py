"""Checking: what is wrong with a table of prices before anyone counts with it."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING

from planner.catalog import Record, records
from planner.hardware.prices.values import TIERS
from planner.units import is_foreign, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SENTINELS = (0.0, 700.0, 999.0, 9999.0)
"""Amounts that catalogues write where they know no price; 700 is skypilot-catalog's."""

MARGIN = 3.0
"""How many times below the cheapest or above the dearest shipped price of a chip is no price: our assumption."""
LEAST_UNSHIPPED, MOST_UNSHIPPED = 0.02, 60.0
"""The same bounds in USD per GPU-hour for chips that planner ships no price of: our assumption."""
APART = 3.0
"""How many times dearer the same instance of one provider may be on demand elsewhere: our assumption, shipped 1.25."""


def flaws(rows: Sequence[Record]) -> list[str]:
    """Every row that is no price, one sentence each; none for a sane table."""
    return [*_odd(rows), *_dearer_on_spot(rows), *_contradictory(rows)]


def _odd(rows: Sequence[Record]) -> Iterator[str]:
    for row in rows:
        why = _why_odd(row)
        if why:
            yield f"{_where(row)}: {why}"


def _why_odd(row: Record) -> str:
    text = row["usd_per_gpu_hour"]
    if is_foreign(text):
        return f"{text!r} is not in US dollars"
    try:
        price, gpus = float(text), float(row["gpus"])
    except ValueError:
        return f"{text!r} for {row['gpus']!r} GPUs is no price"
    if not (math.isfinite(price) and math.isfinite(gpus) and gpus >= 1 and gpus == int(gpus)):
        return f"{text!r} for {row['gpus']!r} GPUs is no price"
    if any(math.isclose(amount, odd) for amount in (price, price * gpus) for odd in SENTINELS):
        return f"{show(price * gpus, 'usd')} stands for a price that nobody knows"
    low, high = bounds(row["accelerator"])
    if not low <= price <= high:
        return f"{show(price, 'usd')} is outside {show(low, 'usd')} to {show(high, 'usd')} per GPU-hour"
    if row["tier"] not in TIERS:
        return f"{row['tier']!r} is no tier"
    return "" if re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", row["as_of"]) else f"{row['as_of']!r} is no month"


@cache
def published(accelerator: str) -> tuple[float, float] | None:
    """The cheapest and the dearest shipped price of the accelerator with this key in USD per GPU-hour, if any."""
    known = [float(row["usd_per_gpu_hour"]) for row in records("prices") if row["accelerator"] == accelerator]
    return (min(known), max(known)) if known else None


def bounds(accelerator: str) -> tuple[float, float]:
    """The least and the most USD per GPU-hour that are a price of the accelerator with this key."""
    known = published(accelerator)
    return (LEAST_UNSHIPPED, MOST_UNSHIPPED) if known is None else (known[0] / MARGIN, known[1] * MARGIN)


def _dearer_on_spot(rows: Sequence[Record]) -> Iterator[str]:
    """Spot offers that cost more than the same instance on demand in the same region and month."""
    on_demand: dict[tuple[str, ...], float] = {}
    for row in rows:
        if row["tier"] == "on-demand":
            same = _same(row)
            on_demand[same] = max(on_demand.get(same, 0.0), _amount(row))
    for row in rows:
        usual = on_demand.get(_same(row)) if row["tier"] == "spot" else None
        if usual is not None and _amount(row) > usual:
            yield f"{_where(row)}: {show(_amount(row), 'usd')} on spot, but {show(usual, 'usd')} on demand"


def _contradictory(rows: Sequence[Record]) -> Iterator[str]:
    """Instances that cost one provider's customers far more in one row than in another of the same month."""
    listed: dict[tuple[str, ...], list[Record]] = {}
    for row in rows:
        if row["tier"] == "on-demand":
            same = tuple(row[name] for name in ("accelerator", "provider", "instance", "as_of"))
            listed.setdefault(same, []).append(row)
    for group in listed.values():
        low, high = min(group, key=_amount), max(group, key=_amount)
        if _amount(high) > APART * _amount(low):
            yield f"{_where(high)}: {show(_amount(high), 'usd')} a GPU, elsewhere {show(_amount(low), 'usd')}"


def _same(row: Record) -> tuple[str, ...]:
    return tuple(row[name] for name in ("accelerator", "provider", "region", "instance", "as_of"))


def _amount(row: Record) -> float:
    try:
        return float(row["usd_per_gpu_hour"])
    except ValueError:
        return 0.0


def _where(row: Record) -> str:
    return f"{row['provider']} {row['region']} {row['instance']} ({row['accelerator']}, {row['tier']})"
