"""Prices of a GPU-hour: what renting and owning cost, by tier, provider and month. They know no FLOPs."""

from planner.hardware.prices.choosing import snapshot
from planner.hardware.prices.values import (
    OWN,
    TIERS,
    Price,
    given,
    is_number,
    month,
)

__all__ = ["OWN", "TIERS", "Price", "given", "is_number", "month", "snapshot"]
