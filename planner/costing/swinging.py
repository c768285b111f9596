"""Swinging: what moves the total of a bill most, one uncertain input at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.constants import constant
from planner.costing.parts import Part
from planner.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Swing:
    """The total in USD at both ends of one input's 90 % range, all others at their value; low is the cheap end."""

    name: str
    low: float
    high: float


def swings_of(parts: Sequence[Part], *, price: Estimate | None, staff_grows: bool) -> tuple[Swing, ...]:
    """The swings of the total of these parts, largest first; exact inputs do not swing. None without a price.

    Args:
        parts: of a bill.
        price: USD per GPU-hour of everything that is rented.
        staff_grows: whether the staff is estimated from the compute.
    """
    if price is None:
        return ()
    swings = _swings({part.key: part for part in parts if part.in_total}, price, staff_grows)
    return tuple(sorted((one for one in swings if one.high > one.low), key=lambda one: one.low - one.high))


def _swings(paid: Mapping[str, Part], price: Estimate, staff_grows: bool) -> Iterator[Swing]:
    total = sum(float(part.usd) for part in paid.values())
    beyond, staff = constant("costs", "beyond_the_final_run").value, constant("costs", "staff_per_compute").value
    run, people = float(paid["final"].usd), 1 + (staff if staff_grows else 0.0)
    grown = run * (1 + beyond) * people
    served = float(paid["serving"].usd) if "serving" in paid else 0.0

    def moved(name: str, amount: float, low: float, high: float) -> Swing:
        """The swing of an amount of the total that is multiplied by `low` to `high`."""
        return Swing(name, total + amount * (low - 1), total + amount * (high - 1))

    yield moved("Price of a GPU-hour", grown + served, price.low / price, price.high / price)
    yield moved("Experiments and failed runs", grown, (1 + beyond.low) / (1 + beyond), (1 + beyond.high) / (1 + beyond))
    if staff_grows:
        yield moved("Staff", grown, (1 + staff.low) / people, (1 + staff.high) / people)
    for key, part in paid.items():
        if part.gpu_hours is not None:
            name, amount = ("Utilisation", grown) if key == "final" else (part.name, served)
            yield moved(name, amount, part.gpu_hours.low / part.gpu_hours, part.gpu_hours.high / part.gpu_hours)
        elif key != "experiments" and not (key == "staff" and staff_grows):
            yield Swing(part.name, total - part.usd + part.usd.low, total - part.usd + part.usd.high)
