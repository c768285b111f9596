"""Downloads: the answer of the page as files, among them a script and a notebook that make it again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planner.planning.plans import DEFAULT_LAW
from planner.ui.inputs import OWN_LAW, VERSION, Inputs, address_of, price_month
from planner.ui.spreadsheets import csv_of

if TYPE_CHECKING:
    from planner.costing import Cost
    from planner.planning import Plan

LAW_FILE = "law.json"
"""The saved fit that script and notebook expect beside them where the plan follows a law of one's own."""


def script(inputs: Inputs) -> str:
    """A Python script that makes the plan and the bill of `inputs` again and prints them."""
    return "\n\n".join(('"""A plan and its bill, made again."""', *_cells(inputs), "print(chosen)\nprint(bill)\n"))


def notebook(inputs: Inputs) -> str:
    """The same as a Jupyter notebook."""
    said = f"# A plan and its bill, made again\n\nPrices known in {inputs.when or price_month()}."
    about = {"cell_type": "markdown", "id": "about", "metadata": {}, "source": said}
    code: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"cell-{number}", "metadata": {}, "execution_count": None, "outputs": [],
         "source": source}
        for number, source in enumerate((*_cells(inputs), "chosen", "bill"), start=1)
    ]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": [about, *code], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def _cells(inputs: Inputs) -> tuple[str, ...]:
    """Import, law of one's own, cluster, and at last `chosen` and `bill`."""
    own = inputs.law == OWN_LAW
    law = "law" if own else repr(inputs.law or DEFAULT_LAW)
    load = [f"law = Fit.load({LAW_FILE!r})  # saved on the page Calibrate"] if own else []
    hardware = _keywords({**inputs.hardware, "when": inputs.when or price_month()})
    given = [f"    {text}," for text in (_keywords(inputs.keywords), f"law={law}, cluster=cluster")]
    return (
        f"from planner import Cluster, {'Fit, ' if own else ''}cost, plan",
        *load,
        f"cluster = Cluster.parse({inputs.cluster!r}).at({hardware})",
        "\n".join(("chosen = plan(", *given, ")", "bill = cost(chosen)")),
    )


def _keywords(said: dict[str, str]) -> str:
    return ", ".join(f"{name}={text!r}" for name, text in said.items())


def answer_json(inputs: Inputs, found: Plan, bill: Cost) -> str:
    """Inputs, plan and bill as JSON, with the versions and the month of the prices that they belong to."""
    from importlib.metadata import version

    head = {"schema_version": VERSION, "planner_version": version("planner"), "prices": price_month()}
    sheets = {name: json.loads(sheet.to_json()) for name, sheet in (("plan", found), ("cost", bill))}
    return json.dumps({**head, "inputs": address_of(inputs), **sheets}, indent=2)


def answer_csv(found: Plan, bill: Cost) -> str:
    """The rows of plan and bill as CSV."""
    import pandas as pd

    return csv_of(pd.concat({"plan": found.to_frame(), "cost": bill.to_frame()}, names=["of"]).reset_index())
