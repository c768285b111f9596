"""The Sources page: every law, price and fact with its date and link, and how right what follows from them is."""

from __future__ import annotations

import streamlit as st

from planner.ui.facts import FACTS, hits, shown
from planner.ui.spreadsheets import csv_of
from planner.ui.widgets import literal, show_rows
from planner.units import show as written
from planner.validating import validate_costs, validate_forecasts

_MOST = 80


def show() -> None:
    """Draw the page."""
    st.title("Where every number comes from", anchor=False)
    st.text("Laws, prices and facts, each with its source and date. What nobody published is marked as our assumption.")
    _show_tables()
    st.header("How right is what follows from them?", anchor=False)
    costs, forecasts = st.tabs(
        ["Costs of published runs", "Forecasts of the loss"], on_change="rerun", key="validation"
    )
    if costs.open:
        with costs:
            _show_costs()
    if forecasts.open:
        with forecasts:
            _show_forecasts()


def _show_tables() -> None:
    words = st.text_input(
        "Search all tables",
        type="search",
        key="sources_words",
        max_chars=_MOST,
        placeholder="h100, llama, 2404.10102",
        persist_state="session",
        help="Rows that hold all of these words, in any column.",
    )
    counts = {name: len(hits(name, words or "")) for name in FACTS}
    found = [name for name, count in counts.items() if count]
    if not found:
        st.info(literal(f"No row holds {words}. Try fewer words, or part of one."))
        return
    table = st.selectbox(
        "Table",
        found,
        format_func=lambda name: f"{FACTS[name].title} ({written(float(counts[name]), 'count')})",
        key="sources_table",
        persist_state="session",
    )
    st.caption(literal(FACTS[table].about))
    frame = shown(table, words or "")
    st.dataframe(
        frame,
        hide_index=True,
        alt=FACTS[table].about,
        column_config={"link": st.column_config.LinkColumn("link", display_text="open")},
    )
    st.download_button(
        "This table (CSV)", lambda: csv_of(frame), f"{table}.csv", "text/csv", on_click="ignore", key="sources_csv"
    )


def _show_costs() -> None:
    st.text(
        "Every published training run whose GPU-hours are known, predicted as if nothing had been published about it. "
        "One GPU-hour is one accelerator for one hour."
    )
    with st.spinner("Predicting every run"):
        found = validate_costs()
    published = {checked.run.key for checked in found.runs}
    show_rows((row for row in found.rows() if row.key not in published), alt="Scores over all published runs")
    columns = {
        "run": [checked.run.name for checked in found.runs],
        "published": [written(checked.run.gpu_hours, "gpu_hours") for checked in found.runs],
        "predicted": [row.text for row in found.rows() if row.key in published],
        "90 % range": [row.range_text for row in found.rows() if row.key in published],
        "times off": [written(checked.factor) for checked in found.runs],
        "source": [checked.run.source for checked in found.runs],
    }
    st.dataframe(columns, hide_index=True, alt="Published and predicted GPU-hours of every run")


def _show_forecasts() -> None:
    found = validate_forecasts()
    st.text(
        "Laws were fitted to the smaller runs of public tables, then held against the larger ones; and to simulated "
        "sweeps whose truth is known. Loss is how badly a model guesses the next token."
    )
    show_rows(found.rows(), alt=found.title, values="Off by")
