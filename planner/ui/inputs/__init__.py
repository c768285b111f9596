"""Inputs: what the pages ask, as text, the plan that follows, and the addresses that carry it. They know no widget."""

from planner.ui.inputs.addresses import (
    MOST_SCENARIOS,
    SCENARIO,
    VERSION,
    Opened,
    Scenario,
    address_of,
    distinct,
    opened,
    packed,
    price_month,
    unpacked,
)
from planner.ui.inputs.asking import CASE, CLUSTER, GOALS, LONGEST, MORE, Ask
from planner.ui.inputs.values import EXAMPLES, OWN_LAW, Inputs, names
from planner.ui.inputs.wording import LABELS, choices, on_the_page

__all__ = [
    "CASE", "CLUSTER", "EXAMPLES", "GOALS", "LABELS", "LONGEST", "MORE", "MOST_SCENARIOS", "OWN_LAW", "SCENARIO",
    "VERSION", "Ask", "Inputs", "Opened", "Scenario", "address_of", "choices", "distinct", "names", "on_the_page",
    "opened", "packed", "price_month", "unpacked",
]  # fmt: skip
