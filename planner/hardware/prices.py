"""Prices of a GPU-hour, from the dated snapshot in prices.csv: tiers, providers, months. It knows no FLOPs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np

from planner.catalog import Record, records
from planner.errors import InputError, UnknownName
from planner.estimate import Estimate
from planner.hardware.accelerators import squashed
from planner.units import read, show

LEAST_USD, MOST_USD = 0.001, 10_000.0

TIERS = ("on-demand", "1-year", "3-year", "marketplace", "spot")
"""Ways to rent; where no price is asked for, the first one that the snapshot has for the accelerator."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD per GPU-hour, where it comes from, and the newest month of the snapshot that it rests on."""

    value: Estimate
    basis: str
    as_of: str | None = None


def month(text: object) -> str:
    """`text` as YYYY-MM; a day after it is dropped.

    Raises:
        InputError: it is no month.
    """
    match = re.fullmatch(r"((?:19|20)\d\d-(?:0[1-9]|1[0-2]))(-(?:0[1-9]|[12]\d|3[01]))?", str(text).strip(), re.ASCII)
    if match is None:
        raise InputError(f"when: {text!r} is no month.", mend="Write it like 2023-07.")
    return match[1]


def given(value: float | str) -> Price:
    """The price that a user pays."""
    estimate = value if isinstance(value, Estimate) else Estimate.exact(read(value, "usd/gpu_hour", name="price"))
    if not LEAST_USD <= read(estimate.low, "usd/gpu_hour", name="price") <= estimate.high <= MOST_USD:
        raise InputError(
            f"{show(float(estimate), 'usd/gpu_hour')} is no price of an accelerator.",
            mend=f"Give one from {show(LEAST_USD, 'usd')} to {show(MOST_USD, 'usd')} per GPU-hour.",
        )
    return Price(estimate, "as given")


def is_number(text: str) -> bool:
    """Whether `text` states a price rather than naming a tier or a provider."""
    return squashed(text) not in TIER_NAMES and re.match(r"\s*[-+$]*\s*[.\d]", text) is not None


TIER_NAMES = {squashed(tier): tier for tier in TIERS}


@cache
def snapshot(accelerator: str, choice: str | None, when: str | None) -> Price | None:
    """The price of the accelerator with this key in the snapshot, or None where it has none.

    Args:
        choice: a tier or a provider; None is the first of TIERS that there is.
        when: prices of this month or before where there are any, else the earliest ones; None is the latest.

    Raises:
        UnknownName: the snapshot has no such tier or provider for this accelerator.
    """
    rows = [row for row in records("prices") if row["accelerator"] == accelerator]
    if not rows:
        return None
    tiers = [tier for tier in TIERS if any(row["tier"] == tier for row in rows)]
    providers = sorted({row["provider"] for row in rows})
    if choice is None or squashed(choice) in map(squashed, tiers):
        tier = tiers[0] if choice is None else TIER_NAMES[squashed(choice)]
        return _of_tier(rows, tier, when)
    provider = next((provider for provider in providers if squashed(provider) == squashed(choice)), None)
    if provider is None:
        raise UnknownName.of(f"price of the {accelerator}", choice, known=(*tiers, *providers))
    return _of_provider([row for row in rows if row["provider"] == provider], tiers, when)


def _of_tier(rows: list[Record], tier: str, when: str | None) -> Price:
    """The median over providers, each at its latest price, and the central 90 % of the providers."""
    rows, remark = _until([row for row in rows if row["tier"] == tier], when)
    providers = sorted({row["provider"] for row in rows})
    chosen = [_latest([row for row in rows if row["provider"] == provider]) for provider in providers]
    prices = [median(_price(row) for row in group) for group in chosen]
    low, high = np.quantile(prices, [0.05, 0.95])
    who = f"{len(providers)} providers" if len(providers) > 1 else f"{providers[0]} only"
    first, last = _months([row for group in chosen for row in group])
    basis = f"{tier}, {who}, {_span(first, last)}{remark}"
    return Price(Estimate(median(prices), low, high), basis, last)


def _of_provider(rows: list[Record], tiers: list[str], when: str | None) -> Price:
    """The median over the regions of one provider, and their range."""
    tier = next(tier for tier in tiers if any(row["tier"] == tier for row in rows))
    rows, remark = _until([row for row in rows if row["tier"] == tier], when)
    chosen = _latest(rows)
    prices = [_price(row) for row in chosen]
    regions = len({row["region"] for row in chosen})
    where = f"{regions} regions" if regions > 1 else chosen[0]["region"]
    first, last = _months(chosen)
    basis = f"{chosen[0]['provider']} {tier}, {where}, {_span(first, last)}{remark}"
    return Price(Estimate(median(prices), min(prices), max(prices)), basis, last)


def _until(rows: list[Record], when: str | None) -> tuple[list[Record], str]:
    """The rows of `when` or before; where there are none the earliest ones, and a remark that says so."""
    known = [row for row in rows if when is None or row["as_of"] <= when]
    if known:
        return known, ""
    earliest = min(row["as_of"] for row in rows)
    return [row for row in rows if row["as_of"] == earliest], f", the earliest known for {when}"


def _latest(rows: list[Record]) -> list[Record]:
    """One provider's newest rows, those of multi-GPU instances where it has any: training rents whole servers."""
    servers = [row for row in rows if int(row["gpus"]) > 1] or rows
    newest = max(row["as_of"] for row in servers)
    return [row for row in servers if row["as_of"] == newest]


def _price(row: Record) -> float:
    return float(row["usd_per_gpu_hour"])


def _months(rows: list[Record]) -> tuple[str, str]:
    return min(row["as_of"] for row in rows), max(row["as_of"] for row in rows)


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
