"""What stands behind the answer of the Plan page: figures, tables, formulas and files, made when they are opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from planner.advising import advise
from planner.catalog import record
from planner.errors import PlannerError
from planner.fitting import Fit
from planner.planning.clusters import utilisation_rows
from planner.reporting import BILL, report
from planner.sheet import Row
from planner.ui.downloads import answer_csv, answer_json, notebook, script
from planner.ui.drawing import (
    loss_against_budget,
    loss_over_sizes,
    time_on_more_gpus,
    what_moves_it,
    where_the_money_goes,
)
from planner.ui.inputs import OWN_LAW, Inputs, on_the_page
from planner.ui.maths import Maths
from planner.ui.sharing import own_law
from planner.ui.widgets import errors_shown, offer_files, show_figure, show_findings, show_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from planner.costing import Cost
    from planner.laws import Calibrated
    from planner.planning import Plan
    from planner.reporting import Report


@dataclass(frozen=True, slots=True)
class View:
    """One figure of a plan: its name, what it shows in plain words, and what draws it."""

    title: str
    says: str
    draw: Callable[[Plan, Cost], dict[str, Any]]


VIEWS = (
    View(
        "Loss and budget",
        "The line is the best loss that each budget buys, the band its 90 % range, the orange point this plan. "
        "Grey points are open models, at the loss that the same law predicts for their size and training tokens.",
        loss_against_budget,
    ),
    View(
        "Sizes",
        "Along each line the loss is equal. The dashed line holds all sizes that take the compute of this plan, "
        "the orange point the best of them. Grey points are open models.",
        loss_over_sizes,
    ),
    View(
        "Where the money goes",
        "Each bar adds to the one above it; the last is the whole bill, the orange line its 90 % range.",
        where_the_money_goes,
    ),
    View(
        "What moves it most",
        "The whole bill if one input alone lies at the cheap (blue) or dear (orange) end of its 90 % range.",
        what_moves_it,
    ),
    View(
        "Time and GPUs",
        "Days of this run on more of the same GPUs, and their 90 % range. The line flattens where more no longer help.",
        time_on_more_gpus,
    ),
)


@st.fragment
def show_details(inputs: Inputs, found: Plan, bill: Cost) -> None:
    """The figures, one at a time, and the tables; only what is open is made, and opening one redraws nothing else."""
    for tab, view in zip(st.tabs([view.title for view in VIEWS], key="view", on_change="rerun"), VIEWS, strict=True):
        if tab.open:
            with tab, errors_shown(on_the_page):
                show_figure(view.draw(found, bill), view.says, key=view.title)
    for title, draw in _SECTIONS.items():
        section = st.expander(title, key=title, on_change="rerun")
        if section.open:
            with section:
                draw(found, bill)


def _show_plan(found: Plan, bill: Cost) -> None:
    show_rows(found.rows(), alt="All numbers of the plan")


def _show_bill(found: Plan, bill: Cost) -> None:
    st.text(BILL)
    rows = {row.key: row for row in bill.rows()}
    show_rows([*_parts(bill, paid=True), rows["total_usd"]], alt="Where the money goes")
    st.text("For comparison, not paid on top of a rental:")
    show_rows([*_parts(bill, paid=False), rows["kwh"], rows["kg_co2"]], alt="Costs that a rental includes")
    show_findings(bill.findings)


def _parts(bill: Cost, *, paid: bool) -> list[Row]:
    """The items of the bill that its total contains, or the others."""
    return [Row(part.key, part.name, part.usd, "usd", part.basis) for part in bill.items if part.in_total == paid]


def _show_maths(found: Plan, bill: Cost) -> None:
    show_rows(Maths(found, bill).rows(), alt="Every formula with its numbers", values="Formula with its numbers")


def _show_sources(found: Plan, bill: Cost) -> None:
    law = found.calibration
    rows = [Row("law", "Law", law.title, "", ", ".join(filter(None, (law.source, law.as_of))))]
    if found.cluster is not None:
        chip = record("accelerators", "key", found.cluster.accelerator.key, kind="accelerator")
        rows.append(Row("accelerator", "Accelerator", chip["name"], "", f"{chip['source']}, {chip['as_of']}"))
        rows.extend(utilisation_rows(found.cluster))
        rows.append(Row("price", "Price", found.cluster.price, "usd/gpu_hour", found.cluster.price_basis))
    show_rows(rows, alt="Sources")


_SECTIONS: dict[str, Callable[[Plan, Cost], None]] = {
    "All numbers of the plan": _show_plan,
    "What it costs": _show_bill,
    "Show the maths": _show_maths,
    "Where the numbers come from": _show_sources,
}


def report_of(inputs: Inputs, found: Plan, bill: Cost, own: Calibrated | None) -> Report:
    """The report for the meeting, with the advice where there is one, and the fit that the plan follows."""
    try:
        case, _ = inputs.judged(found, bill)
        advice = advise(case, law=found.calibration, cluster=found.cluster or inputs.cluster)
    except PlannerError:
        advice = None
    fit = own if inputs.law == OWN_LAW and isinstance(own, Fit) else None
    return report(found, cost=bill, advice=advice, fit=fit)


def show_downloads(inputs: Inputs, found: Plan, bill: Cost) -> None:
    """The answer as files, each made when it is asked for."""
    own = own_law()
    offer_files(
        (
            ("Report (HTML)", lambda: report_of(inputs, found, bill, own).to_html(), "plan.html"),
            ("Report (PDF)", lambda: report_of(inputs, found, bill, own).to_pdf(), "plan.pdf"),
            ("Numbers (JSON)", lambda: answer_json(inputs, found, bill), "plan.json"),
            ("Rows (CSV)", lambda: answer_csv(found, bill), "plan.csv"),
            ("Script (Python)", lambda: script(inputs), "plan.py"),
            ("Notebook", lambda: notebook(inputs), "plan.ipynb"),
        )
    )
