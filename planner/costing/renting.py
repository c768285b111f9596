"""own_or_rent(cluster) -> OwnOrRent: how busy hardware of one's own must be to be cheaper than renting it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from planner.constants import constant
from planner.costing.doubting import findings_about_price
from planner.costing.findings import STALE_AFTER_DAYS, last_day
from planner.errors import InputError
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.hardware.owning import Ownership, known_purchases, ownership
from planner.sheet import Finding, Row, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOrRent(Sheet):
    """Owning against renting one cluster. Amounts in USD; `share` is of all hours, `pays_back_days` at full use.

    `pays_back_days` is None where rent does not even cover power and hosting.
    """

    cluster: Cluster
    owned: Ownership
    rent: Estimate
    share: Estimate
    pays_back_days: Estimate | None
    findings: tuple[Finding, ...] = ()

    title = "Own or rent"

    def rows(self) -> Iterator[Row]:
        """Purchase and hourly costs of owning, the rent, and where they break even."""
        owned = self.owned
        whole = owned.purchase_usd.scaled(self.cluster.gpus)
        lost, hosting = constant("costs", "value_lost_per_year"), constant("costs", "hosting_usd_per_kw_month")
        power, used = constant("costs", "electricity_usd_per_kwh"), constant("costs", "share_of_hours_used")
        yield Row("cluster", "Cluster", str(self.cluster))
        yield Row("purchase_usd", "Purchase", whole, "usd", f"servers and network, {owned.as_of}")
        yield Row("value_lost", "Value lost per GPU and hour", owned.value_lost_per_hour, "usd", lost.basis)
        yield Row("electricity", "Electricity", owned.electricity_per_hour, "usd", power.basis)
        yield Row("hosting", "Hosting", owned.hosting_per_hour, "usd", hosting.basis)
        yield Row("share_used", "Busy share of the hours", owned.share_used, "fraction", used.basis)
        rate = "usd/gpu_hour"
        yield Row("own", "Own, per GPU-hour", owned.usd_per_gpu_hour, rate, "all of these over the busy share")
        yield Row("rent", "Rent, per GPU-hour", self.rent, rate, self.cluster.price_basis)
        yield Row("share", "Owning is cheaper if busy", self.share, "fraction", "cost of owning per hour / rent")
        yield Row("pays_back_days", "Purchase paid back after", self.pays_back_days, "days", "of rent saved, all busy")


def own_or_rent(cluster: Cluster | str, *, price: float | str | None = None, today: date | None = None) -> OwnOrRent:
    """Where owning `cluster` breaks even with renting it at its price, or at `price`.

    `today` is the date against which prices count as old.

    Raises:
        InputError: nobody published what this accelerator costs to buy, or no rent of it is known.
    """
    rented = Cluster.parse(cluster).at(price=price)
    owned = ownership(rented.accelerator)
    if owned is None:
        raise InputError(
            f"Nobody published what the {rented.accelerator} costs to buy and run.",
            mend=f"Known: {', '.join(known_purchases())}.",
        )
    if rented.rate is None or rented.price is None or rented.rate.own:
        raise InputError(
            f"There is no rent of the {rented.accelerator} to compare with.",
            mend="Give price=... in US dollars per GPU-hour, or a tier.",
        )
    share = owned.value_lost_per_hour.plus(owned.running_per_hour).over(rented.price)
    return OwnOrRent(
        cluster=rented,
        owned=owned,
        rent=rented.price,
        share=share,
        pays_back_days=_pays_back(owned, rented.price),
        findings=(*_findings(share), *_old(owned, rented, today or date.today()), *findings_about_price(rented)),
    )


def _pays_back(owned: Ownership, rent: Estimate) -> Estimate | None:
    """Days of full use until the rent saved equals the purchase; unbounded where the lowest rent saves nothing."""
    running = owned.running_per_hour
    saved = rent - running
    if saved <= 0:
        return None
    least, most = rent.low - running.high, rent.high - running.low
    purchase = owned.purchase_usd
    slowest = purchase.high / least if least > 0 else float("inf")
    return Estimate(purchase / saved, purchase.low / most, slowest).scaled(1 / 24)


def _findings(share: Estimate) -> Iterator[Finding]:
    yield Finding(
        "note",
        "Interest, staff and taxes of owning are left out.",
        "They differ from buyer to buyer.",
        "Add yours to the cost of owning.",
    )
    if share > 1:
        yield Finding(
            "warning",
            "At this rent owning does not pay, however busy the hardware is.",
            "Owning costs every hour of the year, renting only those that are used.",
            "Rent.",
        )


def _old(owned: Ownership, rented: Cluster, today: date) -> Iterator[Finding]:
    """Which side of the comparison rests on an old price."""
    rent = None if rented.rate is None else rented.rate.as_of
    mends = {
        "purchase price": (owned.as_of, "Compare with what you are offered for it today."),
        "rent": (rent, "Run `planner prices refresh`, or give today's price per GPU-hour."),
    }
    for name, (as_of, mend) in mends.items():
        if as_of is not None and (today - last_day(as_of)).days > STALE_AFTER_DAYS:
            yield Finding(
                "warning",
                f"The {name} is of {as_of}.",
                f"Prices of hardware move within {STALE_AFTER_DAYS} days.",
                mend,
            )
