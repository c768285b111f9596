"""What the reader of a bill must know about its money: odd prices, sweeps beyond the experiments, foreign power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.constants import constant
from planner.hardware import Cluster
from planner.hardware.energy import carbon
from planner.hardware.prices.checking import LEAST_UNSHIPPED, MOST_UNSHIPPED, published
from planner.sheet import Finding
from planner.units import show, show_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planner.costing.parts import Part, Work

FAR = 2.0
"""So many times below the cheapest or above the dearest published price a price is doubted: our assumption."""
POWER_PRICED_IN = "USA"
"""Whose electricity costs.csv prices."""


def findings_about_money(work: Work, parts: Sequence[Part]) -> Iterator[Finding]:
    """All findings about the amounts of a bill with these parts."""
    yield from findings_about_price(work.cluster)
    yield from _sweep(parts)
    yield from _power(work)


def findings_about_price(cluster: Cluster) -> Iterator[Finding]:
    """That a stated price is far outside what was published for this accelerator."""
    rate = cluster.rate
    if rate is None or rate.as_of is not None:
        return
    known = published(cluster.accelerator.key)
    low, high = known or (LEAST_UNSHIPPED * FAR, MOST_UNSHIPPED / FAR)
    if low / FAR <= rate.value <= high * FAR:
        return
    where = f"of the {cluster.accelerator}, any tier and month," if known else "of accelerators (our assumption)"
    yield Finding(
        "warning",
        f"A price of {show(float(rate.value), 'usd/gpu_hour')} is far outside what is published.",
        f"Prices {where} go from {show_range(low, high, 'usd/gpu_hour')}.",
        "Check that it is in US dollars, for one hour, and of one GPU rather than of a server.",
    )


def _sweep(parts: Sequence[Part]) -> Iterator[Finding]:
    """That the calibration sweep costs more than all the experiments that should contain it."""
    named = {part.key: part for part in parts}
    sweep, around = named.get("calibration"), named.get("experiments")
    if sweep is not None and around is not None and sweep.usd > around.usd:
        yield Finding(
            "warning",
            f"The calibration sweep ({show(float(sweep.usd), 'usd')}) costs more than all experiments "
            f"({show(float(around.usd), 'usd')}).",
            "The bill takes it as one of them, so the whole bill is too low.",
            "Calibrate with less, or add the rest to the bill.",
        )


def _power(work: Work) -> Iterator[Finding]:
    """That the power of own hardware elsewhere is priced as in the USA."""
    rate = work.cluster.rate
    if rate is not None and rate.own and work.grid.kg_per_kwh != carbon(POWER_PRICED_IN).kg_per_kwh:
        power = constant("costs", "electricity_usd_per_kwh")
        yield Finding(
            "note",
            "The region changes the carbon, not the price of your power.",
            f"It stays {show(float(power.value), 'usd')} per kWh ({power.basis}; our assumption for other regions).",
            "Give what your own hardware costs per GPU-hour.",
        )
