"""Wording: what the library calls its keywords, said in the labels of the page; and what is offered to choose from."""

from __future__ import annotations

import re

from planner.catalog import Record, records
from planner.errors import PlannerError
from planner.hardware import Cluster
from planner.hardware.prices import TIERS
from planner.hardware.prices.keeping import in_use
from planner.ui.cases import WORDS
from planner.ui.inputs.asking import CASE, CLUSTER, GOALS, MORE

LABELS = {name: re.split(r" \(|,", ask.label)[0] for name, ask in {**GOALS, **MORE, **CASE, "cluster": CLUSTER}.items()}
"""What people call each keyword of the library."""
_NAMES = "|".join(LABELS)
_KEYWORD = re.compile(
    rf"^({_NAMES})(?=:| is | must )|(?<=\bGive )({_NAMES})(?= in )|(?<![\w'])({_NAMES})=\.\.\."
    rf"|(?<![\w'])({'|'.join(name for name in LABELS if '_' in name)})\b(?!=)"
)
_EQUALS = re.compile(rf"(?<![\w'])(?:{_NAMES})=(?!\.\.\.)")


def on_the_page(text: str) -> str:
    """`text` of the library with the labels of the inputs in place of its keywords."""
    return _KEYWORD.sub(lambda found: LABELS[next(filter(None, found.groups()))], _EQUALS.sub("", text))


def choices(name: str, cluster: str = "") -> dict[str, str]:
    """What is offered for an input with known answers: its text, and what people read; prices of `cluster` only."""
    match name:
        case "law":
            return {row["name"]: row["title"] for row in records("laws")}
        case "target_model":
            return {row["name"]: row["title"] for row in records("models") if row["train_tokens"]}
        case "task" | "knowledge":
            return WORDS[name]
        case "price":
            rows = _prices_of(cluster)
            tiers = [tier for tier in TIERS if any(row["tier"] == tier for row in rows)]
            return {text: text for text in (*tiers, *sorted({row["provider"] for row in rows}, key=str.lower))}
    return {}


def _prices_of(cluster: str) -> list[Record]:
    """The rows of the price snapshot for the accelerator of `cluster`; all of them where the text names none."""
    try:
        chip = Cluster.parse(cluster).accelerator.key
    except PlannerError:
        return list(in_use().rows)
    return [row for row in in_use().rows if row["accelerator"] == chip]
