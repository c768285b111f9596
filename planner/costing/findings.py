"""What the reader of a bill must know: assumed hardware, unknown or old prices, and runs unlike any published one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.hardware.utilisation import highest_published
from planner.sheet import Finding
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

STALE_AFTER_DAYS = 180
LONG_RUN_DAYS = 365


def findings_about(cluster: Cluster, days: Estimate, *, today: date, assumed: bool) -> Iterator[Finding]:
    """All findings about a run of so many `days` on `cluster`; `assumed` says that nobody chose the cluster."""
    if assumed:
        yield Finding(
            "note",
            f"The hardware is assumed: {cluster}.",
            "No cluster was given.",
            "Give yours, for example cluster='256x h100'.",
        )
    yield from _priced(cluster, today)
    yield from _run(cluster, days)


def _priced(cluster: Cluster, today: date) -> Iterator[Finding]:
    """What is wrong with the price: unknown, or far in time from the run."""
    if cluster.rate is None:
        yield Finding(
            "warning",
            f"No price of the {cluster.accelerator} is known, so no dollars are shown.",
            "The price snapshot does not list it.",
            "Give price=... in US dollars per GPU-hour.",
        )
    elif cluster.rate.as_of is not None:
        run = today if cluster.when is None else _last_day(cluster.when)
        if abs((run - _last_day(cluster.rate.as_of)).days) > STALE_AFTER_DAYS:
            yield Finding(
                "warning",
                f"The price is of {cluster.rate.as_of}, the run of {run:%Y-%m}.",
                f"Rental prices move within {STALE_AFTER_DAYS} days.",
                "Give today's price per GPU-hour, or take the dollars as a rough guide.",
            )


def _run(cluster: Cluster, days: Estimate) -> Iterator[Finding]:
    """What is unusual about the run itself."""
    best = highest_published()
    if cluster.utilisation > best.utilisation:
        yield Finding(
            "warning",
            f"A utilisation of {show(cluster.utilisation, 'fraction')} is above every published run.",
            f"The highest is {show(best.utilisation, 'fraction')} ({best.name}), failures and idle time included.",
            "A measured training step is not the whole run: leave utilisation out, or lower it.",
        )
    if days > LONG_RUN_DAYS:
        yield Finding(
            "warning",
            f"On {cluster} this takes {show(days, 'days')}.",
            "Models age faster than that.",
            "Use more GPUs: the GPU-hours stay about the same.",
        )
    if cluster.accelerator.power_watts is None:
        yield Finding(
            "note",
            f"The power of the {cluster.accelerator} is not published, so no energy is shown.",
            todo="Choose another accelerator to see energy and carbon.",
        )


def _last_day(month: str) -> date:
    """The 28th of `month`: no price of that month is younger by more than three days."""
    year, number = month.split("-")
    return date(int(year), int(number), 28)
