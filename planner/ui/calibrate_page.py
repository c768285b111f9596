"""The Calibrate page: runs from a file, our tables or a sweep of this host, what they mean, a fit, and its use."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import streamlit as st

from planner.catalog import run_tables
from planner.errors import DataError
from planner.fitting import Fit
from planner.fitting.saving import parts_of
from planner.runs import load_runs
from planner.ui.fit_result import show_fit
from planner.ui.fitting_jobs import follow_link, offer_fit, show_job
from planner.ui.ledgers import VARIABLE, ledgers, progress_of
from planner.ui.mapping import ask_meaning, ask_runs_of_curves, show_taken
from planner.ui.spreadsheets import csv_of
from planner.ui.taking import Said, Taken, taken
from planner.ui.uploads import FORMATS, MOST_BYTES, Table, is_of_curves, read_uploads
from planner.ui.widgets import errors_shown, literal, show_rows
from planner.units import show as written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

SOURCES = {
    "upload": "Upload runs",
    "shipped": "Shipped runs",
    "sweep": "A sweep of this server",
    "saved": "A saved law",
}
_TABLE, _FILES, _SAVED = "calibrate_table", "calibrate_files", "calibrate_saved_fit"
_MEGABYTE = 1_000_000


def show() -> None:
    """Draw the page."""
    st.title("Fit a law to your own runs", anchor=False)
    st.text(
        "A scaling law tells the loss of a model from its size and the text it is trained on. Loss is how badly the "
        "model guesses the next token: lower is better. A law of your own runs speaks about your data and your recipe, "
        "and every page can count with it."
    )
    follow_link()
    source = st.segmented_control(
        "Runs from",
        list(SOURCES),
        format_func=SOURCES.__getitem__,
        default="upload",
        required=True,
        key="calibrate_source",
        persist_state="session",
    )
    with errors_shown(str):
        {"upload": _upload, "shipped": _shipped, "sweep": _sweep, "saved": _saved}[source or "upload"]()
    with errors_shown(str):
        found = st.session_state.get(_SAVED) if source == "saved" else show_job()
        if found is not None:
            show_fit(found)


def _upload() -> None:
    """Files, their columns and units, the runs in them, and the fit."""
    files = st.file_uploader(
        "Table of runs, or training curves",
        type=list(FORMATS),
        accept_multiple_files=True,
        max_upload_size=MOST_BYTES // _MEGABYTE,
        key="calibrate_upload",
        help="CSV, JSONL or Parquet with one row for each finished run. Scalars that Weights & Biases or TensorBoard "
        "export as CSV are read as training curves, one file or column for each run.",
    )
    table = _table_of(files or [])
    if table is None:
        example = load_runs(next(iter(run_tables()))).frame[["params", "tokens", "loss", "flops", "status"]]
        st.download_button("A table to start from", lambda: csv_of(example), "runs.csv", "text/csv", on_click="ignore")
        return
    st.text(f"{table.name}: {written(float(len(table.frame)), 'count')} rows. {' '.join(table.notes)}".strip())
    if not files and st.button("Forget this table"):
        for name in (_TABLE, _FILES):
            st.session_state.pop(name, None)
        st.rerun()
    if is_of_curves(table):
        table = ask_runs_of_curves(table)
    said = ask_meaning(table)
    if said is None:
        return
    found = _taken(f"{table.digest} {said.key}", table, said)
    show_taken(found)
    offer_fit(found.runs)


def _table_of(files: Sequence[Any]) -> Table | None:
    """The table in the files, read once; without files the one that was read before another page was visited."""
    state, key = st.session_state, tuple(file.file_id for file in files)
    if key and (key != state.get(_FILES) or _TABLE not in state):
        state.pop(_TABLE, None)
        state[_FILES] = key
        with st.spinner("Reading the file"):
            state[_TABLE] = read_uploads([(file.name, file.getvalue()) for file in files])
    table: Table | None = state.get(_TABLE)
    return table


@st.cache_resource(max_entries=16, show_spinner="Checking every row")
def _taken(key: str, _table: Table, _said: Said) -> Taken:
    """The runs of a table; `key` tells the table's bytes and all that was said about them from any others."""
    return taken(_table, _said)


def _shipped() -> None:
    """One of the tables that come with the library."""
    name = st.selectbox("Table", list(run_tables()), key="calibrate_shipped", persist_state="session")
    runs = load_runs(name)
    show_rows(runs.rows(), alt="The runs of this table")
    offer_fit(runs)


def _sweep() -> None:
    """The finished runs of a sweep that this host named."""
    found = ledgers()
    if not found:
        st.info(literal(f"This server shows no sweep: whoever runs it sets {VARIABLE} to the folder of one."))
        return
    name = st.selectbox("Sweep", list(found), key="calibrate_sweep", persist_state="session")
    runs = replace(load_runs(progress_of(name, found[name]).runs()), source=name)
    show_rows(runs.rows(), alt="The finished runs of this sweep")
    offer_fit(runs)


def _saved() -> None:
    """A law that was downloaded here before."""
    file = st.file_uploader(
        "Saved law (JSON)",
        type=["json"],
        max_upload_size=MOST_BYTES // _MEGABYTE,
        key="calibrate_saved",
        help="The file that 'Save the law' below a fit wrote.",
    )
    if file is None:
        return
    if len(content := file.getvalue()) > MOST_BYTES:
        raise DataError("This file is too large to be a law.", mend="Give a file that 'Save the law' wrote.")
    st.session_state.pop(_SAVED, None)
    st.session_state[_SAVED] = _loaded(sha256(content).hexdigest(), content)


@st.cache_resource(max_entries=16, show_spinner="Reading the law")
def _loaded(key: str, _content: bytes) -> Fit:
    """The law in a file whose SHA-256 is `key`."""
    try:
        return Fit(**parts_of(_content.decode("utf-8", errors="replace"), "The file"))
    except RecursionError:
        raise DataError("The file is no fit.", mend="Give a file that 'Save the law' wrote.") from None
