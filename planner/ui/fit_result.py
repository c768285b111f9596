"""A fit on the page: its use, its numbers, what its reader must know, its figures and the runs to buy next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from planner.charts import on_page
from planner.designing import Sweep, design
from planner.fitting import Fit
from planner.fitting.forms import form_called
from planner.fitting.saving import digest, text_of
from planner.ui.cards import show_cards
from planner.ui.sharing import chosen_law, forget_law, use_law
from planner.ui.spreadsheets import csv_of
from planner.ui.widgets import errors_shown, literal, offer_files, show_findings, show_rows
from planner.units import show as written

if TYPE_CHECKING:
    from planner.sheet import Row

HEADLINES = {
    "ahead_loss": (
        "Loss at 10 times the compute",
        "Expected at ten times the compute of your largest run, for the best size there. Lower is better.",
    ),
    "ahead_params": ("Best size there", "Parameters, the numbers a model learns, that reach the lowest loss there."),
    "ahead_tokens": (
        "Training tokens there",
        "The training text that goes with that size. A token is a piece of a word.",
    ),
    "params_exponent": (
        "Best size grows with compute to the",
        "At 0.5, ten times the compute wants 3.2 times the size.",
    ),
    "error": ("Distance of the runs", "How far the runs lie from the law that was fitted to them."),
    "backtest_error": (
        "Error on larger runs",
        "How far larger runs lay from laws that were fitted to the smaller ones alone: the honest test.",
    ),
}
"""The numbers shown large: what they are called, and what each means in plain words."""

VIEWS = {
    "runs": (
        "Runs and law",
        "Measured and fitted loss of each run over its compute, and below how far they lie apart.",
    ),
    "fan": ("Forecast", "The best loss for each amount of compute; its range grows beyond the runs."),
    "isoflop": (
        "Equal compute",
        "Loss over model size where the compute is the same; the lowest point is the best size.",
    ),
    "contours": ("Loss map", "Lines of equal loss over model size and training tokens, with the line of best sizes."),
    "valley": ("Best size", "How much loss another size than the best one costs, at ten times the largest run."),
    "posterior": ("Coefficients", "How the numbers of the law spread where the runs are resampled."),
    "calibration": (
        "Are ranges right?",
        "Share of larger runs inside the ranges of earlier fits, against what was claimed.",
    ),
}
"""The seven figures of a fit: what their tabs are called, and what they show in words."""


def show_fit(found: Fit) -> None:
    """Draw `found`."""
    st.header(literal(found.calibration.title), anchor=False)
    st.text(f"L is the loss, N the parameters, D the training tokens: {form_called(found.form).formula}.")
    _offer_use(found)
    rows = list(found.rows())
    show_cards(rows, HEADLINES)
    show_findings(found.findings)
    _show_figures(found)
    with st.expander("All numbers of the law"):
        show_rows(rows, alt="All numbers of the law")
    sized = st.expander("The best size, estimated in three ways", on_change="rerun", key="calibrate_approaches")
    if sized.open:
        with sized, errors_shown(str):
            three = found.approaches()
            show_rows(three.rows(), alt=three.title)
            show_findings(three.findings)
    _show_design(found, {row.key: row for row in rows})
    _offer_downloads(found)


def _offer_use(found: Fit) -> None:
    """A button that lets every page count with this law, or with the published one again."""
    if chosen_law() is found:
        st.success("Every page counts with this law now.")
        st.button("Use the published law again", key="calibrate_forget", on_click=forget_law)
    else:
        st.button("Use this law everywhere", type="primary", key="calibrate_use", on_click=use_law, args=(found,))


@st.fragment
def _show_figures(found: Fit) -> None:
    """One figure at a time, made when its tab is opened."""
    st.subheader("Figures", anchor=False)
    tabs = st.tabs([label for label, _ in VIEWS.values()], on_change="rerun", key="calibrate_view")
    for (view, (_, says)), tab in zip(VIEWS.items(), tabs, strict=True):
        if tab.open:
            with tab, errors_shown(str), st.spinner("Drawing", show_time=False):
                figure = on_page(found.figure(view))
                st.plotly_chart(figure, key=f"calibrate_{view}", config={"displayModeBar": False}, alt=says)
                st.caption(literal(says))


def _show_design(found: Fit, rows: dict[str, Row]) -> None:
    """The runs that would tell most about a larger one."""
    st.subheader("Which runs to buy next", anchor=False)
    st.text("Runs after which a new fit forecasts a larger one best, for the compute that you give.")
    for_label, for_help = "Compute of the run to forecast (FLOPs)", "A FLOP is one floating-point operation."
    with st.form("calibrate_design", border=False):
        budget, target = st.columns(2)
        with budget:
            budget_flops = st.text_input(
                "Compute to spend on them (FLOPs)",
                value=written(float(rows["flops_max"].value or 0), "flops"),
                max_chars=40,
                help="All of these runs together.",
                key=f"calibrate_budget_{found.calibration.flops_max}",
            )
        with target:
            for_flops = st.text_input(
                for_label,
                value=written(float(rows["ahead_flops"].value or 0), "flops"),
                max_chars=40,
                help=for_help,
                key=f"calibrate_target_{found.calibration.flops_max}",
            )
        if not st.form_submit_button("Choose the runs"):
            return
    with errors_shown(_design_words), st.spinner("Weighing possible runs"):
        chosen = _designed(f"{digest(found.runs)} {found.calibration.law}", budget_flops, for_flops, found)
        st.text(chosen.title)
        show_findings(replace(finding, todo=_design_words(finding.todo)) for finding in chosen.findings)
        table = chosen.table[["params", "tokens", "flops"]]
        drawn = {str(name): [written(value, str(name)) for value in table[name]] for name in table}
        st.dataframe(drawn, hide_index=True, alt="The runs to buy")
        st.download_button("Runs to buy (CSV)", lambda: csv_of(table), "next-runs.csv", "text/csv", on_click="ignore")
        with st.expander("What they would tell"):
            show_rows((row for row in chosen.rows() if not row.key.startswith("run_")), alt="What the runs would tell")


def _design_words(text: str) -> str:
    return (
        text.replace("a larger budget_flops", "more compute")
        .replace("budget_flops", "the compute to spend")
        .replace("for_flops", "the compute of the run to forecast")
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def _designed(key: str, budget_flops: str, for_flops: str, _found: Fit) -> Sweep:
    """The runs to buy after those of the fit; `key` tells it from every other one."""
    return design(budget_flops=budget_flops, for_flops=for_flops, runs=_found.runs)


def _offer_downloads(found: Fit) -> None:
    st.subheader("Take it along", anchor=False)
    offer_files(
        (
            ("Save the law", lambda: text_of(found), "law.json"),
            ("Runs of the fit (CSV)", lambda: csv_of(found.runs.frame), "runs.csv"),
            ("Numbers (CSV)", lambda: csv_of(found.to_frame().reset_index()), "law.csv"),
        )
    )
    st.caption("The saved law holds its runs and their hash. This page and `planner plan --runs law.json` read it.")
