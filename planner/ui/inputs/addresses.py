"""Addresses: a link holds every input, also the defaults, the version of its form and the month of its prices.

So a link means the same later: an older form is moved to this one or refused with a sentence, and prices that became
known after the link are left out of its answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from planner.errors import InputError
from planner.hardware.prices.keeping import in_use
from planner.ui.inputs.asking import GOALS, LONGEST
from planner.ui.inputs.values import Inputs, names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = "2"
"""Version of the addresses this page writes. It changes when an old address would come to mean something else."""

MOST_SCENARIOS = 4
SCENARIO = "s"
"""The name under which an address of the page Compare carries each scenario."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The inputs that an address carries, and what its reader must know about how they were read."""

    inputs: Inputs
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """Inputs under the name that someone gave them."""

    name: str
    inputs: Inputs


def price_month() -> str:
    """The month of the newest price in use, such as "2026-07"."""
    return max(row["as_of"] for row in in_use().rows)


def address_of(inputs: Inputs) -> dict[str, str]:
    """The address that makes these inputs again, under the library's keywords."""
    texts = {name: getattr(inputs, name) for name in names()[2:]}
    return {"v": VERSION, "prices": price_month(), inputs.goal: inputs.amount, **texts}


def opened(address: Mapping[str, str]) -> Opened:
    """The inputs that an address carries; those that it leaves out are the defaults.

    Raises:
        InputError: an unknown version wrote it, it carries two goals, or a text too long to be meant.
    """
    version = address.get("v", VERSION)
    if version not in ("1", VERSION):
        raise InputError(
            f"This link was made by another version of this page: {version[:LONGEST]!r}, not {VERSION!r}.",
            mend="Fill in the inputs again and share the new address.",
        )
    for name, value in address.items():
        if len(value) > LONGEST:
            raise InputError(
                f"{name[:LONGEST]!r} in the link is longer than {LONGEST} characters.", mend="Fill it in again."
            )
    given = [name for name in GOALS if name in address]
    if len(given) > 1:
        raise InputError(
            f"The link has two goals: {given[0]} and {given[1]}.", mend="Keep one of them, or fill in the goal."
        )
    goal = {"goal": given[0], "amount": address[given[0]]} if given else {}
    inputs = Inputs.of({**{name: address[name] for name in names()[2:] if name in address}, **goal})
    notes = [f"The link has an input that this page does not know and leaves out: {name}" for name in _unknown(address)]
    if version == "1":
        notes.append("This link was made by an earlier version of this page, which did not keep the month of prices.")
    return _dated(inputs, address.get("prices", ""), notes)


def _dated(inputs: Inputs, month: str, notes: list[str]) -> Opened:
    """The inputs at the prices of `month`, where newer ones have become known since."""
    if inputs.when or not month or month >= price_month():
        return Opened(inputs, tuple(notes))
    told = f"This link counts with the prices known in {month}. Newer ones are known: empty the month to use them."
    return Opened(replace(inputs, when=month), (*notes, told))


def _unknown(address: Mapping[str, str]) -> list[str]:
    return [name for name in address if name not in {"v", "prices", SCENARIO, *GOALS, *names()[2:]}]


def packed(scenario: Scenario) -> str:
    """The scenario as one text of an address."""
    return urlencode({"name": scenario.name, **address_of(scenario.inputs)})


def unpacked(text: str) -> tuple[Scenario, tuple[str, ...]]:
    """The scenario in a text that `packed` wrote, or in a link to a plan; and what its reader must know.

    Raises:
        InputError: the text holds no inputs.
    """
    said = dict(parse_qsl(urlsplit(text.strip()).query or text.strip(), keep_blank_values=True))
    name = said.pop("name", "")[:LONGEST].strip()
    if not any(goal in said for goal in GOALS):
        raise InputError("This is no link to a plan.", mend="Copy the address of the page Plan.")
    found = opened(said)
    return Scenario(name or _called(found.inputs), found.inputs), found.notes


def _called(inputs: Inputs) -> str:
    return f"{inputs.amount} on {inputs.cluster}"[:LONGEST]


def distinct(scenarios: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """The scenarios with a number behind each name that stands before it."""
    taken: list[str] = []
    for scenario in scenarios:
        count = 2
        name = scenario.name or _called(scenario.inputs)
        while name in taken:
            name, count = f"{scenario.name} ({count})", count + 1
        taken.append(name)
    return tuple(replace(scenario, name=name) for scenario, name in zip(scenarios, taken, strict=True))
