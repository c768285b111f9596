"""price_list() -> PriceList: every price of a GPU-hour in use, as a choice with its range."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from planner.catalog import records
from planner.costing.findings import STALE_AFTER_DAYS, last_day
from planner.hardware import Accelerator
from planner.hardware.owning import known_purchases
from planner.hardware.prices import OWN, TIERS, Price, snapshot
from planner.hardware.prices.keeping import Snapshot, in_use, newest
from planner.sheet import Finding, Row, Sheet
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BY_LENGTH = ("on-demand", "1-year", "3-year")
"""Tiers by how long one is bound, which should make them cheaper."""


@dataclass(frozen=True, slots=True)
class Priced:
    """One choice: an accelerator and a way to have it."""

    accelerator: Accelerator
    choice: str
    price: Price


@dataclass(frozen=True, slots=True)
class PriceList(Sheet):
    """Prices of all accelerators by tier: the median over providers and the central 90 % of them."""

    prices: tuple[Priced, ...]
    as_of: str
    findings: tuple[Finding, ...] = ()

    @property
    def title(self) -> str:  # type: ignore[override]
        """What it lists, and until when."""
        return f"US dollars per GPU-hour, prices up to {self.as_of}"

    def rows(self) -> Iterator[Row]:
        """A line for each accelerator and tier, with providers and months as its basis."""
        for priced in self.prices:
            key = f"{priced.accelerator.key} {priced.choice}"
            label = f"{priced.accelerator}, {priced.choice}"
            yield Row(key, label, priced.price.value, "usd/gpu_hour", priced.price.basis)


def price_list(*, today: date | None = None) -> PriceList:
    """Every price in use, of rent and of own hardware; `today` decides whether they count as old."""
    table = in_use()
    priced = []
    for key in (row["key"] for row in records("accelerators")):
        tiers = {row["tier"] for row in table.rows if row["accelerator"] == key}
        choices = [*(tier for tier in TIERS if tier in tiers), *([OWN] if key in known_purchases() else [])]
        found = ((choice, snapshot(key, choice, None)) for choice in choices)
        priced += [Priced(Accelerator.of(key), choice, price) for choice, price in found if price is not None]
    return PriceList(tuple(priced), newest(table.rows), (*_findings(table, today or date.today()), *_unlike(priced)))


def _findings(table: Snapshot, today: date) -> Iterator[Finding]:
    as_of = newest(table.rows)
    if (today - last_day(as_of)).days > STALE_AFTER_DAYS:
        yield Finding(
            "warning",
            f"The newest price is of {as_of}.",
            f"Rental prices move within {STALE_AFTER_DAYS} days.",
            "Run `planner prices refresh`.",
        )
    if table.refreshed:
        yield Finding(
            "note",
            "Your refreshed prices are among these.",
            todo="`planner prices reset` goes back to the shipped ones.",
        )


def _unlike(priced: Sequence[Priced]) -> Iterator[Finding]:
    """That a longer commitment seems dearer where its median is over other providers."""
    prices = {(one.accelerator, one.choice): float(one.price.value) for one in priced}
    lengths = [tier for tier in _BY_LENGTH if any(tier == one.choice for one in priced)]
    odd = [
        f"{chip}: {longer} {show(price, 'usd')}, {shorter} {show(prices[chip, shorter], 'usd')}"
        for (chip, longer), price in prices.items()
        if longer in lengths
        for shorter in lengths[: lengths.index(longer)]
        if (chip, shorter) in prices and price > prices[chip, shorter]
    ]
    if odd:
        yield Finding(
            "note",
            "Some longer commitments seem dearer than shorter ones.",
            f"Each tier is a median over the providers that publish it, which are not the same. {'. '.join(odd)}.",
            "Compare tiers of one provider.",
        )
