"""The Sweeps page: a sweep of training runs as its folder tells it, drawn anew while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from planner.charts import on_page
from planner.charts.sweeps import sweep_figure
from planner.ui.cards import show_cards
from planner.ui.ledgers import VARIABLE, Progress, ledgers, progress_of
from planner.ui.spreadsheets import csv_of
from planner.ui.widgets import errors_shown, literal, offer_files, show_findings, show_rows
from planner.units import show as written

if TYPE_CHECKING:
    from pathlib import Path

HEADLINES = {
    "finished": ("Runs finished", "Runs that have a result."),
    "share": ("Compute done", "Of the compute of all runs, in FLOPs: floating-point operations."),
    "seconds_left": ("Time left", "If as many runs as now go on side by side, as fast as those that are finished."),
    "under_way": ("Runs under way", "Runs that were heard of within the last minute."),
    "failed": ("Runs failed", "Runs that gave no result; the next start of the sweep tries them again."),
    "loss": ("Lowest loss", "The best model so far, on text it was not trained on. Lower is better."),
}
"""The numbers shown large: what they are called, and what each means in plain words."""
PERIOD_SECONDS = 5.0
"""How often a sweep that goes on is drawn anew."""
_COMMANDS = """python -m experiments plan cpu                      # FLOPs, time and dollars; trains nothing
python -m experiments run cpu --out runs/mine       # about four minutes on two cores
{variable}=runs/mine streamlit run app.py     # this page then shows it"""
_UNITS = {"params": "params", "tokens": "tokens", "flops": "flops", "loss": "nats/token", "seconds": "seconds"}


def show() -> None:
    """Draw the page."""
    st.title("Sweeps of training runs", anchor=False)
    found = ledgers()
    if not found:
        _show_nothing()
        return
    name = st.selectbox("Sweep", list(found), key="sweep", persist_state="session")
    with errors_shown(str):
        done = progress_of(name, found[name]).is_done
        st.fragment(_watch, run_every=None if done else PERIOD_SECONDS)(name, found[name])


def _show_nothing() -> None:
    st.text(
        "A sweep trains small models of several sizes, so that a law can be fitted to them. "
        "No sweep is shown here yet. Whoever runs this server starts one and names its folder:"
    )
    st.code(_COMMANDS.format(variable=VARIABLE), language=None, wrap_lines=True)
    st.text("A folder of several sweeps can be named as well. The page follows a sweep while it goes on.")


def _watch(name: str, folder: Path) -> None:
    """The sweep as it is now."""
    with errors_shown(str):
        progress = progress_of(name, folder)
        st.header(literal(progress.title), anchor=False)
        st.progress(progress.share, text=f"{written(progress.share, 'fraction')} of the compute")
        show_cards(progress.rows(), HEADLINES)
        show_findings(progress.findings)
        _show_going(progress)
        _show_runs(progress)


def _show_going(progress: Progress) -> None:
    if not progress.under_way:
        return
    st.subheader("Under way", anchor=False)
    going = progress.under_way
    st.dataframe(
        {
            "run": [str(run["run"]) for run in going],
            "step": [written(float(run["step"]), "count") for run in going],
            "loss of the last step": [written(float(run["loss"]), "nats/token") for run in going],
            "speed": [written(float(run["tokens_per_second"]), "tokens/s") for run in going],
            "on": [str(run["device"]) for run in going],
        },
        hide_index=True,
        alt="Runs under way",
    )


def _show_runs(progress: Progress) -> None:
    if not progress.records:
        st.info("No run has ended yet: the first ones appear here.")
        return
    st.subheader("Loss against compute", anchor=False)
    if progress.finished:
        says = "Held-out loss of every finished run against its compute; a colour is a model size."
        points = {name: [float(run[name]) for run in progress.finished] for name in ("flops", "loss", "params")}
        st.plotly_chart(on_page(sweep_figure(**points)), key="sweep_figure", config={"displayModeBar": False}, alt=says)
        st.caption(literal(says))
    st.subheader("Runs", anchor=False)
    table = progress.table()
    drawn = table.assign(**{name: [written(value, unit) for value in table[name]] for name, unit in _UNITS.items()})
    st.dataframe(drawn.drop(columns=["loss_error"]), hide_index=True, alt="Every run that has ended")
    if progress.finished:
        offer_files([("Runs (CSV)", lambda: csv_of(progress.runs()), "runs.csv")])
    with st.expander("All numbers"):
        show_rows(progress.rows(), alt="All numbers of the sweep")
    st.text("The page Calibrate fits a law to the finished runs: choose 'A sweep of this server' there.")
