"""Catalogues: offers of other people's price tables as rows of ours. It neither fetches nor judges them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import TYPE_CHECKING

from planner.catalog import Record, records
from planner.hardware.prices.checking import APART, SENTINELS
from planner.hardware.prices.keeping import FETCHED

if TYPE_CHECKING:
    from collections.abc import Iterable

PROVIDERS = {
    "aws": "AWS", "azure": "Azure", "gcp": "GCP", "lambda": "Lambda", "lambdalabs": "Lambda", "nebius": "Nebius",
    "oci": "Oracle", "runpod": "RunPod", "verda": "Verda", "cudo": "Cudo", "vast": "Vast.ai",
    "fluidstack": "FluidStack", "crusoe": "Crusoe", "ibm": "IBM",
    "do": "DigitalOcean", "paperspace": "Paperspace", "hyperbolic": "Hyperbolic", "cloudrift": "CloudRift",
}  # fmt: skip
"""How catalogues write providers, and how we do."""

_MARKETPLACES = ("Vast.ai",)
_COMMUNITY = re.compile(r"community", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One line of a catalogue: so many accelerators in one instance, on demand or spot, for so much text of money.

    `usd_per_hour` is of the whole instance, as the catalogue writes it.
    """

    name: str
    memory_gb: float | None
    provider: str
    region: str
    instance: str
    gpus: int
    spot: bool
    usd_per_hour: str


def accelerator_of(catalogue: str, offer: Offer) -> str | None:
    """The key of the accelerator that `catalogue` offers, or None where we know no such accelerator."""
    for row in _names(catalogue, offer.name.lower()):
        same_memory = not row["memory_gb"] or offer.memory_gb is None or float(row["memory_gb"]) == offer.memory_gb
        if same_memory and re.search(row["instance"], offer.instance, re.IGNORECASE):
            return row["accelerator"]
    return None


@cache
def _names(catalogue: str, name: str) -> tuple[Record, ...]:
    return tuple(row for row in records("price_names") if row["catalogue"] == catalogue and row["name"].lower() == name)


def as_rows(catalogue: str, offers: Iterable[Offer], *, month: str, source: str) -> list[Record]:
    """The offers of accelerators that we know as rows of prices.csv.

    Offers that differ only in their zone become one row at the median; an amount that is no number is left as it is
    written, for the check to refuse.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for offer in offers:
        key = accelerator_of(catalogue, offer)
        if key is None or offer.gpus < 1:
            continue
        provider = PROVIDERS.get(offer.provider.lower(), offer.provider)
        same = (key, provider, offer.region, offer.instance, str(offer.gpus), _tier(offer, provider))
        groups.setdefault(same, []).append(offer.usd_per_hour)
    return [_row(same, amounts, month, source) for same, amounts in sorted(groups.items())]


def _tier(offer: Offer, provider: str) -> str:
    if offer.spot:
        return "spot"
    community = provider in _MARKETPLACES or _COMMUNITY.search(offer.instance)
    return "marketplace" if community else "on-demand"


def _row(same: tuple[str, ...], amounts: list[str], month: str, source: str) -> Record:
    accelerator, provider, region, instance, gpus, tier = same
    return {
        "accelerator": accelerator, "provider": provider, "region": region, "instance": instance, "gpus": gpus,
        "tier": tier, "usd_per_gpu_hour": _per_gpu(amounts, int(gpus), tier), "as_of": month, "source": source,
        "confidence": FETCHED, "notes": "" if len(amounts) == 1 else "median of zones",
    }  # fmt: skip


def _per_gpu(amounts: list[str], gpus: int, tier: str) -> str:
    """The median as text; what is no amount, or amounts that contradict each other, as the check will refuse them."""
    try:
        prices = [float(amount) for amount in amounts]
    except ValueError:
        return next(amount for amount in amounts if not _is_number(amount))
    odd = [price for price in prices if not price > 0 or price in SENTINELS]
    if not odd and tier == "on-demand" and max(prices) > APART * min(prices):
        return f"{min(prices)} or {max(prices)}"
    return repr(odd[0] / gpus if odd else round(median(prices) / gpus, 6))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
