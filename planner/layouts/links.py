"""Links: how fast accelerators of one kind send to each other, within and beyond the domain that shares fast links."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.constants import constant

if TYPE_CHECKING:
    from planner.hardware import Accelerator

SERVER = 8
"""Cards without fast links of their own share the bus of a server of so many: our assumption."""
UNKNOWN = 12.5e9
"""Bytes per second each way where no link is published: 100 Gbit/s, our assumption."""


@dataclass(frozen=True, slots=True)
class Links:
    """Bytes per second that one accelerator sends, while it receives as much, and how many share the fast links."""

    domain: int
    inside: float
    outside: float

    def between_copies(self, tensor: Any, data: Any) -> Any:
        """Bytes per second among `data` copies of `tensor` GPUs: fast inside a domain; beyond it the copies in one
        domain share the slow links' work."""
        crossing = np.minimum(self.inside, self.outside * np.maximum(self.domain // tensor, 1))
        return np.where(tensor * data <= self.domain, self.inside, crossing)


@cache
def links_of(chip: Accelerator) -> Links:
    """The links of `chip` at the speed that collectives reach."""
    reached = float(constant("layouts", "link_efficiency").value)
    outside = chip.scaleout_bytes_per_second or UNKNOWN
    inside = (chip.scaleup_bytes_per_second or 2 * outside) / 2
    domain = chip.scaleup_domain if chip.scaleup_domain > 2 else SERVER
    return Links(domain, reached * max(inside, outside), reached * outside)
