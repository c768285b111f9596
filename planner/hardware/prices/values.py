"""Price and the words that name one: tiers, months, amounts of a user. It reads no table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.errors import InputError
from planner.estimate import Estimate
from planner.hardware.accelerators import squashed
from planner.units import is_foreign, read, show, without_dollars

LEAST_USD, MOST_USD = 0.001, 10_000.0

TIERS = ("on-demand", "1-year", "3-year", "marketplace", "spot")
"""Ways to rent; where no price is asked for, the first one that the snapshot has for the accelerator."""

OWN = "own"
"""The choice of a price that stands for hardware of one's own."""

TIER_NAMES = {squashed(tier): tier for tier in TIERS}


@dataclass(frozen=True, slots=True)
class Price:
    """USD per GPU-hour, where it comes from, the newest month it rests on, and whether it is of one's own hardware."""

    value: Estimate
    basis: str
    as_of: str | None = None
    own: bool = False


def month(text: object) -> str:
    """`text` as YYYY-MM; a day after it is dropped.

    Raises:
        InputError: it is no month.
    """
    match = re.fullmatch(r"((?:19|20)\d\d-(?:0[1-9]|1[0-2]))(-(?:0[1-9]|[12]\d|3[01]))?", str(text).strip(), re.ASCII)
    if match is None:
        raise InputError(f"when: {text!r} is no month.", mend="Write it like 2023-07.")
    return match[1]


def given(value: float | str) -> Price:
    """The price that a user pays.

    Raises:
        InputError: it is in another currency, or no price of an accelerator.
    """
    estimate = value if isinstance(value, Estimate) else Estimate.exact(read(value, "usd/gpu_hour", name="price"))
    if not LEAST_USD <= read(estimate.low, "usd/gpu_hour", name="price") <= estimate.high <= MOST_USD:
        raise InputError(
            f"{show(float(estimate), 'usd/gpu_hour')} is no price of an accelerator.",
            mend=f"Give one from {show(LEAST_USD, 'usd')} to {show(MOST_USD, 'usd')} per GPU-hour.",
        )
    return Price(estimate, "as given")


def is_number(text: str) -> bool:
    """Whether `text` states a price, in whatever currency, rather than naming a tier or a provider."""
    if squashed(text) in TIER_NAMES:
        return False
    plain = re.match(r"\s*[-+$]*\s*[.\d]", without_dollars(text)) is not None
    return plain or (is_foreign(text) and re.search(r"\d", text) is not None)
