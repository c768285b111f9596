"""What the reader of a bill must know: assumed hardware, unknown or old prices, and runs unlike any published one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.hardware.prices import Price
from planner.layouts import findings_about_room
from planner.planning.findings import assumed_cluster, findings_about_run
from planner.sheet import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

STALE_AFTER_DAYS = 180


def findings_about(
    params: float, tokens: float, cluster: Cluster, days: Estimate, *, today: date, assumed: bool
) -> Iterator[Finding]:
    """All findings about training so many parameters for `days` on `cluster`, which nobody chose where `assumed`."""
    if assumed:
        yield assumed_cluster(cluster)
    yield from _priced(cluster, today)
    yield from findings_about_run(cluster, days)
    yield from findings_about_room(params, cluster, tokens)
    yield from _power(cluster)


def _priced(cluster: Cluster, today: date) -> Iterator[Finding]:
    """What is wrong with the price: unknown, or far in time from the run."""
    if cluster.rate is None:
        yield Finding(
            "warning",
            f"No price of the {cluster.accelerator} is known, so no dollars are shown.",
            "The price snapshot does not list it.",
            "Give one in US dollars per GPU-hour.",
        )
    elif cluster.rate.as_of is not None:
        run = today if cluster.when is None else last_day(cluster.when)
        if abs((run - last_day(cluster.rate.as_of)).days) > STALE_AFTER_DAYS:
            yield Finding(
                "warning",
                f"The price is of {cluster.rate.as_of}, the run of {run:%Y-%m}.",
                f"Rental prices move within {STALE_AFTER_DAYS} days.",
                _newer_price(cluster, cluster.rate),
            )


def _newer_price(cluster: Cluster, rate: Price) -> str:
    """How to get a price of the month of the run."""
    if rate.own:
        return "Give what your own hardware costs per GPU-hour."
    if cluster.when is not None:
        return "Give the price of that month per GPU-hour, or take the dollars as a rough guide."
    return "Run `planner prices refresh`, or give today's price per GPU-hour."


def _power(cluster: Cluster) -> Iterator[Finding]:
    if cluster.accelerator.power_watts is None:
        yield Finding(
            "note",
            f"The power of the {cluster.accelerator} is not published, so no energy is shown.",
            todo="Choose another accelerator to see energy and carbon.",
        )


def last_day(month: str) -> date:
    """The 28th of `month`: no price of that month is younger by more than three days."""
    year, number = month.split("-")
    return date(int(year), int(number), 28)
