"""Hunting: fetches current prices through gpuhunt (MPL-2.0), on the user's machine and only when asked."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from planner.catalog import Record
from planner.errors import DataError, MissingExtra, UnknownName
from planner.hardware.prices.catalogues import Offer, as_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

PROVIDERS = ("aws", "azure", "gcp", "lambdalabs", "nebius", "oci", "runpod", "verda")
"""The providers whose prices gpuhunt publishes daily and reads without an account."""

_ELSEWISE = "Check the network, or give a vms.csv with --from-file."


def hunt(providers: Sequence[str], *, month: str) -> list[Record]:
    """Today's prices of `providers`, or of all that gpuhunt publishes, as rows of ours.

    Raises:
        MissingExtra: gpuhunt is not installed.
        UnknownName: it knows no such provider.
        DataError: nothing could be fetched, or nothing of a provider that was asked for.
    """
    for name in providers:
        if name.lower() not in PROVIDERS:
            raise UnknownName.of("provider", name, known=PROVIDERS)
    asked = [name.lower() for name in providers] or list(PROVIDERS)
    rows = []
    found = _fetched(asked)
    for name in asked:
        offers = [_offer(item) for item in found if item.provider == name]
        of_provider = as_rows("gpuhunt", offers, month=month, source="gpuhunt")
        if not of_provider and providers:
            raise DataError(f"gpuhunt has no prices of {name} today.", mend="Try again later, or leave it out.")
        rows += of_provider
    if not rows:
        raise DataError("gpuhunt has no prices today.", mend=_ELSEWISE)
    return rows


def _fetched(providers: list[str]) -> list[Any]:
    """The items of gpuhunt's catalogue: USD per hour of whole instances, GPUs and machine together."""
    try:
        import gpuhunt
    except ImportError:
        raise MissingExtra.of("gpuhunt", extra="prices") from None
    # Without a handler, what gpuhunt logs about a provider that failed would end on the user's screen.
    logging.getLogger("gpuhunt").addHandler(logging.NullHandler())
    catalog = gpuhunt.Catalog(auto_reload=False)
    try:
        catalog.load()
    except (gpuhunt.GPUHuntError, OSError):
        raise DataError("The prices could not be fetched.", mend=_ELSEWISE) from None
    return list(catalog.query(provider=providers, min_gpu_count=1))


def _offer(item: Any) -> Offer:
    return Offer(
        name=item.gpu_name or "",
        memory_gb=item.gpu_memory or None,
        provider=item.provider,
        region=item.location,
        instance=item.instance_name,
        gpus=item.gpu_count,
        spot=item.spot,
        usd_per_hour=str(item.price),
    )
