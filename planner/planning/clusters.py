"""The cluster of a plan: how well it is used as rows, and the keywords that make it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.sheet import Row

if TYPE_CHECKING:
    from collections.abc import Iterator


def utilisation_rows(cluster: Cluster) -> Iterator[Row]:
    """Steady MFU and goodput where they are known, and their product, the utilisation of the whole run."""
    if cluster.used.mfu is not None and cluster.used.goodput is not None:
        yield Row("mfu", "MFU of steady steps", cluster.mfu, "fraction", cluster.used.mfu.basis)
        yield Row("goodput", "Goodput", cluster.goodput, "fraction", cluster.used.goodput.basis)
    yield Row("utilisation", "Whole-run utilisation", cluster.utilisation, "fraction", cluster.utilisation_basis)


def cluster_inputs(cluster: Cluster | None) -> dict[str, Any] | None:
    """The keywords that make the cluster again, but for the model that it trains; estimates as dictionaries."""
    if cluster is None:
        return None
    given = {
        "utilisation": cluster.given_utilisation,
        "mfu": cluster.given_mfu,
        "goodput": cluster.given_goodput,
        "price": cluster.given_price,
        "when": cluster.when,
        "precision": cluster.precision,
    }
    chosen = {
        name: value.to_dict() if isinstance(value, Estimate) else value
        for name, value in given.items()
        if value is not None
    }
    return {"accelerator": cluster.accelerator.key, "gpus": cluster.gpus, "kind": cluster.kind, **chosen}


def cluster_again(inputs: dict[str, Any]) -> Cluster:
    """The cluster that `cluster_inputs` described."""
    read_back: dict[str, Any] = {
        name: Estimate.from_dict(it) if isinstance(it, dict) else it for name, it in inputs.items()
    }
    return Cluster(**read_back)
