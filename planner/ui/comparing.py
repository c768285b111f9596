"""Comparing: scenarios as columns: what differs first, then their numbers, and which is ahead. It knows no widget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.costing import Cost, cost
from planner.errors import PlannerError
from planner.estimate import Estimate
from planner.planning import Plan
from planner.sheet import Row
from planner.ui.inputs import LABELS, Inputs, Scenario, choices, names
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from planner.laws import Calibrated

COMPARED = ("usd", "total_usd", "days", "gpu_hours", "params", "tokens", "loss", "flops", "kwh")
"""Keys of the numbers that stand side by side: money, time, then the model."""

AHEAD = {"loss": "the lowest expected loss", "total_usd": "the lowest whole bill", "days": "the shortest run"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A scenario with its plan and its bill."""

    scenario: Scenario
    plan: Plan
    bill: Cost

    def row(self, key: str) -> Row:
        """The row of plan or bill with this key; one without value where there is none."""
        found = {row.key: row for sheet in (self.bill, self.plan) for row in sheet.rows()}
        return found.get(key, Row(key, key, None))


def answers_of(
    scenarios: Iterable[Scenario], own: Calibrated | None
) -> tuple[list[Answer], list[tuple[Scenario, PlannerError]]]:
    """The answers to the scenarios, and the errors of those that have none."""
    found: list[Answer] = []
    failed: list[tuple[Scenario, PlannerError]] = []
    for scenario in scenarios:
        try:
            chosen = scenario.inputs.plan(own)
            found.append(Answer(scenario, chosen, cost(chosen)))
        except PlannerError as error:
            failed.append((scenario, error))
    return found, failed


def differing(scenarios: Sequence[Scenario]) -> dict[str, list[str]]:
    """The inputs in which the scenarios differ: the label of each, and its text in every scenario."""
    table: dict[str, list[str]] = {}
    if len({scenario.inputs.goal for scenario in scenarios}) > 1:
        table["Goal"] = [f"{LABELS[it.inputs.goal]}: {it.inputs.amount}" for it in scenarios]
        compared = names()[2:]
    else:
        compared = names()[1:]
    for name in compared:
        texts = [_said(it.inputs, name) for it in scenarios]
        if len(set(texts)) > 1:
            table[LABELS[scenarios[0].inputs.goal if name == "amount" else name]] = texts
    return table


def _said(inputs: Inputs, name: str) -> str:
    """What the input says, as people read it."""
    text: str = getattr(inputs, name)
    offered = choices(inputs.goal if name == "amount" else name) if name != "price" else {}
    return offered.get(text, text) or "not given"


def numbers(answers: Sequence[Answer]) -> dict[str, list[Row]]:
    """The numbers that any of the answers has: the label of each, and its row in every answer."""
    table = {}
    for key in COMPARED:
        rows = [answer.row(key) for answer in answers]
        labels = [row.label for row in rows if row.value is not None]
        if labels:
            table[labels[0]] = rows
    return table


def ahead(answers: Sequence[Answer]) -> list[str]:
    """Which answer leads in loss, money and time, in a sentence each, and how sure that is."""
    return [sentence for key, said in AHEAD.items() if (sentence := _leads(answers, key, said))]


def _leads(answers: Sequence[Answer], key: str, said: str) -> str:
    """The sentence about one number; '' where an answer lacks it or nobody could tell the least two apart."""
    rows = [(answer, row, row.value) for answer in answers if isinstance((row := answer.row(key)).value, Estimate)]
    if len(rows) < max(2, len(answers)):
        return ""
    (first, row, _), (second, other, _) = sorted(rows, key=lambda it: it[2])[:2]
    if row.text == other.text:
        return ""
    lead = f"{first.scenario.name} has {said}: {row.text} against {other.text} of {second.scenario.name}"
    return f"{lead}{_doubt(first, second) if key == 'loss' else _shared(first, second)}."


def _doubt(first: Answer, second: Answer) -> str:
    """How often the first has the lower loss among the draws of the law, where both follow the same one."""
    laws = [answer.plan.calibration for answer in (first, second)]
    if laws[0].source != laws[1].source:
        return ", under different laws"
    one, other = (
        np.asarray(law.ensemble.loss(float(answer.plan.params), float(answer.plan.tokens)))
        for law, answer in zip(laws, (first, second), strict=True)
    )
    share = show(float(np.mean(one < other)), "fraction")
    return f", in {share} of the draws of their law, prices and utilisation taken as known"


def _shared(first: Answer, second: Answer) -> str:
    """Whether both amounts are uncertain for the same reasons."""
    chips = {answer.plan.cluster.accelerator.key for answer in (first, second) if answer.plan.cluster}
    same = len(chips) == 1 and first.scenario.inputs.hardware == second.scenario.inputs.hardware
    return f", {'with the same price and utilisation in doubt' if same else 'on other hardware or at other prices'}"


def table_of(answers: Sequence[Answer]) -> pd.DataFrame:
    """Value, low and high of every number of every scenario, one line each."""
    import pandas as pd

    frames = {
        answer.scenario.name: pd.concat({"plan": answer.plan.to_frame(), "cost": answer.bill.to_frame()}, names=["of"])
        for answer in answers
    }
    return pd.concat(frames, names=["scenario"])
