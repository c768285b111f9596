"""what_if(...) -> DataFrame: one bill at many prices, utilisations and cluster sizes. It draws nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from planner.costing.parts import months_of, one_more, storage_per_month, whole_programme
from planner.costing.verb import DEFAULT_CLUSTER, Planned, trained
from planner.errors import InputError
from planner.hardware import Cluster

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MOST_POINTS = 10_000_000


def what_if(
    plan: Planned | None = None,
    *,
    params: float | str | None = None,
    active_params: float | str | None = None,
    tokens: float | str | None = None,
    cluster: Cluster | str | None = None,
    prices: Sequence[float | str] = (),
    utilisations: Sequence[float | str] = (),
    gpus: Sequence[float] = (),
) -> pd.DataFrame:
    """A line for every combination of the prices, utilisations and cluster sizes, as cost() would find it.

    Columns: price (USD per GPU-hour), utilisation, gpus, gpu_hours, days, usd (final run), programme_usd, and
    total_usd, which is without serving and data. They are central values: of a tier such as "spot", its median. What
    is not varied is the cluster's own.

    Args:
        plan: what is trained, or params, active_params and tokens, as for cost().
        cluster: whose accelerators; by default the plan's, else 8 H100.
        prices: as `price` of cost().
        utilisations: of whole runs, such as 0.3 or "30 %".
        gpus: whole numbers.

    Raises:
        InputError: a value is none that cost() takes, or there are more than ten million combinations.
    """
    import pandas as pd

    for name, axis in (("prices", prices), ("utilisations", utilisations), ("gpus", gpus)):
        if isinstance(axis, str) or not hasattr(axis, "__len__"):
            raise InputError(f"{name} must be a list, not {axis!r}.", mend=f"Write {name}=[{axis!r}].")
    model = trained(plan, params, active_params, tokens)
    planned = None if plan is None else plan.cluster
    asked = cluster if cluster is not None else planned
    base = Cluster.parse(DEFAULT_CLUSTER if asked is None else asked).at(kind=None if active_params is None else "moe")
    base = base.training(active_params=model.active_params, tokens=model.tokens)
    if math.prod(max(len(axis), 1) for axis in (prices, utilisations, gpus)) > MOST_POINTS:
        raise InputError("These are more than ten million combinations.", mend="Vary fewer values.")
    clusters = [base.at(gpus=one) for one in gpus] or [base]
    used = [_utilisations(clusters, said) for said in utilisations] if len(utilisations) else [_predicted(clusters)]
    sizes = np.array([float(one.gpus) for one in clusters])
    price, utilisation = (axis.ravel() for axis in _crossed(_prices(base, prices), np.array(used)))
    size = np.tile(sizes, len(price) // len(sizes))
    gpu_hours = model.flops / (base.accelerator.flops_per_second * 3600 * utilisation)
    days = gpu_hours / (24 * size)
    usd = gpu_hours * price
    programme = usd * whole_programme()
    stored = storage_per_month(model.params, model.tokens) * months_of(days)
    columns = {
        "price": price, "utilisation": utilisation, "gpus": size, "gpu_hours": gpu_hours, "days": days, "usd": usd,
        "programme_usd": programme, "total_usd": programme * one_more("staff_per_compute") + stored,
    }  # fmt: skip
    return pd.DataFrame(columns)


def _prices(base: Cluster, prices: Sequence[float | str]) -> list[float]:
    rates = [base.at(price=price).price for price in prices] or [base.price]
    known = [float(rate) for rate in rates if rate is not None]
    if len(known) < len(rates):
        raise InputError(
            f"The price snapshot has no {base.accelerator.name}.", mend="Give prices=[...] in US dollars per GPU-hour."
        )
    return known


def _utilisations(clusters: list[Cluster], said: float | str) -> list[float]:
    """The utilisation that is said, for clusters of any size."""
    return [float(clusters[0].at(utilisation=said).utilisation)] * len(clusters)


def _predicted(clusters: list[Cluster]) -> list[float]:
    """The utilisation of each cluster, which depends on its size where it is predicted."""
    return [float(cluster.utilisation) for cluster in clusters]


def _crossed(prices: list[float], used: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every price with every utilisation, which stands by what is said and by size: two arrays of three dimensions."""
    price, share = np.broadcast_arrays(np.array(prices)[:, None, None], used[None])
    return price, share
