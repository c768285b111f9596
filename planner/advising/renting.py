"""priced(cluster) -> the cluster with dollars: rent where one is known, else what the hardware costs its owner."""

from __future__ import annotations

from planner.catalog import records
from planner.errors import InputError
from planner.hardware import Accelerator, Cluster
from planner.hardware.owning import ownership
from planner.hardware.prices import OWN

_NEAREST = 3


def priced(cluster: Cluster) -> Cluster:
    """`cluster` at its rent, or as hardware of one's own where the snapshot has no rent for it.

    Raises:
        InputError: neither is known; the mend names the priced accelerators nearest in peak FLOP/s.
    """
    if cluster.price is not None:
        return cluster
    if ownership(cluster.accelerator) is not None:
        return cluster.at(price=OWN)
    raise InputError(
        f"No price of the {cluster.accelerator.name} is known.",
        mend=f"Give price=... in US dollars per GPU-hour, or take one near: {', '.join(_near(cluster.accelerator))}.",
    )


def _near(chip: Accelerator) -> list[str]:
    """The keys of accelerators with a price, the nearest in peak FLOP/s first."""
    others = [Accelerator.of(row["key"]) for row in records("accelerators")]
    known = [other for other in others if Cluster(other).price is not None]
    factors = {other.key: other.flops_per_second / chip.flops_per_second for other in known}
    return sorted(factors, key=lambda key: max(factors[key], 1 / factors[key]))[:_NEAREST]
