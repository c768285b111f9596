"""Choosing: from the word of a user to a price with its range: a tier, a provider, or hardware of one's own."""

from __future__ import annotations

from functools import cache
from statistics import median

import numpy as np

from planner.catalog import Record
from planner.errors import InputError, UnknownName
from planner.estimate import Estimate
from planner.hardware.accelerators import Accelerator, squashed
from planner.hardware.owning import known_purchases, ownership
from planner.hardware.prices.keeping import FETCHED, Snapshot, in_use, newest
from planner.hardware.prices.values import OWN, TIER_NAMES, TIERS, Price


def snapshot(accelerator: str, choice: str | None, when: str | None) -> Price | None:
    """The price of the accelerator with this key in the snapshot in use, or None where it has none.

    Args:
        choice: a tier or a provider; "own" for hardware of one's own; None is the first of TIERS that there is.
        when: prices of this month or before where there are any, else the earliest ones; None is the latest.

    Raises:
        UnknownName: the snapshot has no such tier or provider for this accelerator.
        InputError: hardware of one's own is asked for, and nobody published what it costs to buy.
    """
    if choice is not None and squashed(choice) == OWN:
        return _own(accelerator)
    return _chosen(in_use(), accelerator, choice, when)


@cache
def _own(accelerator: str) -> Price:
    chip = Accelerator.of(accelerator)
    owned = ownership(chip)
    if owned is None:
        raise InputError(
            f"Nobody published what the {chip} costs to buy and run.",
            mend=f"Give price=... in US dollars per GPU-hour. Known: {', '.join(known_purchases())}.",
        )
    return Price(owned.usd_per_gpu_hour, owned.basis, owned.as_of, own=True)


@cache
def _chosen(table: Snapshot, accelerator: str, choice: str | None, when: str | None) -> Price | None:
    rows = [row for row in table.rows if row["accelerator"] == accelerator]
    if not rows:
        return None
    tiers = [tier for tier in TIERS if any(row["tier"] == tier for row in rows)]
    providers = sorted({row["provider"] for row in rows})
    if choice is None or squashed(choice) in map(squashed, tiers):
        tier = tiers[0] if choice is None else TIER_NAMES[squashed(choice)]
        return _of_tier(rows, tier, when)
    provider = next((provider for provider in providers if squashed(provider) == squashed(choice)), None)
    if provider is None:
        own = [OWN] if accelerator in known_purchases() else []
        raise UnknownName.of(f"price of the {accelerator}", choice, known=(*tiers, *providers, *own))
    return _of_provider([row for row in rows if row["provider"] == provider], tiers, when)


def _of_tier(rows: list[Record], tier: str, when: str | None) -> Price:
    """The median over providers, each at its latest price, and the central 90 % of the providers."""
    rows, remark = _until([row for row in rows if row["tier"] == tier], when)
    providers = sorted({row["provider"] for row in rows})
    chosen = [_latest([row for row in rows if row["provider"] == provider]) for provider in providers]
    prices = [median(_price(row) for row in group) for group in chosen]
    low, high = np.quantile(prices, [0.05, 0.95])
    who = f"{len(providers)} providers" if len(providers) > 1 else f"{providers[0]} only"
    rested = [row for group in chosen for row in group]
    basis = f"{tier}, {who}, {_span(rested)}{_origin(rested)}{remark}"
    return Price(Estimate(median(prices), low, high), basis, newest(rested))


def _of_provider(rows: list[Record], tiers: list[str], when: str | None) -> Price:
    """The median over the regions of one provider, and their range."""
    tier = next(tier for tier in tiers if any(row["tier"] == tier for row in rows))
    rows, remark = _until([row for row in rows if row["tier"] == tier], when)
    chosen = _latest(rows)
    prices = [_price(row) for row in chosen]
    regions = len({row["region"] for row in chosen})
    where = f"{regions} regions" if regions > 1 else chosen[0]["region"]
    basis = f"{chosen[0]['provider']} {tier}, {where}, {_span(chosen)}{_origin(chosen)}{remark}"
    return Price(Estimate(median(prices), min(prices), max(prices)), basis, newest(chosen))


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


def _origin(rows: list[Record]) -> str:
    """Which of the rows that a price rests on are the user's own refreshed ones."""
    fetched = sum(row["confidence"] == FETCHED for row in rows)
    if fetched == 0:
        return ""
    return ", prices that you refreshed" if fetched == len(rows) else ", some of them refreshed by you"


def _span(rows: list[Record]) -> str:
    first, last = min(row["as_of"] for row in rows), newest(rows)
    return first if first == last else f"{first} to {last}"
