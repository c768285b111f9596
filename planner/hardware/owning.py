"""Owning: what a GPU-hour costs on hardware of one's own, from its purchase to its electricity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planner.catalog import Record, records
from planner.constants import constant
from planner.estimate import Estimate
from planner.hardware.accelerators import Accelerator
from planner.hardware.energy import factor, kwh_per_gpu_hour
from planner.units import HOURS_PER_YEAR, show


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What one GPU costs its owner. Purchase with server and network in USD, the rest in USD per hour of the clock.

    `usd_per_gpu_hour` is their sum over the share of hours in which the GPU works.
    """

    purchase_usd: Estimate
    value_lost_per_hour: Estimate
    electricity_per_hour: Estimate
    hosting_per_hour: Estimate
    share_used: Estimate
    as_of: str

    @property
    def running_per_hour(self) -> Estimate:
        """Electricity and hosting."""
        return self.electricity_per_hour.plus(self.hosting_per_hour)

    @property
    def usd_per_gpu_hour(self) -> Estimate:
        """USD per GPU-hour of work."""
        return self.value_lost_per_hour.plus(self.running_per_hour).over(self.share_used)

    @property
    def basis(self) -> str:
        """What the price rests on, in words."""
        used = show(self.share_used, "fraction")
        return (
            f"own hardware: {show(self.purchase_usd, 'usd')} a GPU with server and network ({self.as_of}), "
            f"{show(_known('value_lost_per_year'), 'fraction')} of it lost a year, hosting, power at the "
            f"{constant('costs', 'electricity_usd_per_kwh').basis}, "
            f"busy {used} of the time (our assumption)"
        )


@cache
def ownership(chip: Accelerator) -> Ownership | None:
    """What `chip` costs its owner, or None where its purchase price or its power was never published.

    Purchase: chip x server overhead where the server is not included, over 1 - the network's share (arXiv 2405.21015).
    Value lost: purchase x 0.14 x ln 10 a year, its bounds straight lines over 5 and 3 years. Hosting: rated server
    power x colocation rent, which leaves electricity out. Interest, staff and taxes are left out.
    """
    row, energy = _purchases().get(chip.key), kwh_per_gpu_hour(chip)
    if row is None or energy is None or chip.power_watts is None:
        return None
    bare = Estimate(float(row["usd_per_gpu"]), float(row["low"]), float(row["high"]))
    server = bare if row["includes"] == "server" else bare.times(_known("server_over_chips"))
    purchase = server.scaled(1 / (1 - _known("interconnect_share")))
    kilowatts = factor("server_power_factor", chip).scaled(chip.power_watts / 1000)
    return Ownership(
        purchase_usd=purchase,
        value_lost_per_hour=purchase.times(_known("value_lost_per_year")).scaled(1 / HOURS_PER_YEAR),
        electricity_per_hour=energy.times(_known("electricity_usd_per_kwh")),
        hosting_per_hour=kilowatts.times(_known("hosting_usd_per_kw_month")).scaled(12 / HOURS_PER_YEAR),
        share_used=_known("share_of_hours_used"),
        as_of=row["as_of"],
    )


def known_purchases() -> tuple[str, ...]:
    """Keys of the accelerators whose purchase price is known."""
    return tuple(_purchases())


def _known(key: str) -> Estimate:
    return constant("costs", key).value


@cache
def _purchases() -> dict[str, Record]:
    return {row["accelerator"]: row for row in records("purchase_prices")}
