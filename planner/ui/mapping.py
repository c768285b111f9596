"""Mapping: what the columns of an uploaded table are, asked with guesses filled in; and what came of its rows."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import streamlit as st

from planner.runs.table import COUNTINGS, LOSS_UNITS
from planner.ui.spreadsheets import csv_of
from planner.ui.taking import SCALES, Said
from planner.ui.uploads import NEEDED, OPTIONAL, counts_without_embedding, guessed, guessed_scale
from planner.ui.widgets import literal
from planner.units import show as written

if TYPE_CHECKING:
    from planner.ui.taking import Taken
    from planner.ui.uploads import Table

LABELS = {
    "params": ("Parameters", "The numbers the model learns: its size."),
    "tokens": ("Training tokens", "Tokens the model read in training, repeats included. A token is a piece of a word."),
    "loss": ("Final loss", "On text that the model was not trained on, when training had ended."),
    "flops": (
        "Compute (FLOPs)",
        "A FLOP is one floating-point operation. Without it, 6 x parameters x tokens is taken.",
    ),
    "status": ("Status", "Rows whose status is no success, such as crashed, are left out as failed runs."),
}
"""What each column is called on the page, and what it is in plain words."""
UNITS = {"nats/token": "nats per token", "bits/byte": "bits per byte"}
COUNTED = {"total": "All parameters", "non_embedding": "All but the embedding"}
_PREVIEW, _WIDEST = 8, 12
_SCALED = ("params", "tokens")


def ask_meaning(table: Table) -> Said | None:
    """What the columns are and in which units; None as long as one that is needed is missing."""
    st.markdown("**What the columns are**")
    names = [str(name) for name in table.frame]
    guess = guessed(names)
    columns: dict[str, str | None] = {}
    for ours, place in zip(NEEDED, st.columns(len(NEEDED)), strict=True):
        with place:
            columns[ours] = _choice(ours, names, guess, table)
    scales = _ask_scales(columns, table)
    with st.expander("First rows, more columns and units"):
        st.dataframe(table.frame.iloc[:_PREVIEW, :_WIDEST], alt="The first rows of the table as they were read")
        for ours, place in zip(OPTIONAL, st.columns(len(OPTIONAL)), strict=True):
            with place:
                columns[ours] = _choice(ours, names, guess, table)
        units = _ask_units(columns, table)
    missing = [LABELS[ours][0] for ours in NEEDED if not columns[ours]]
    if missing:
        st.warning(literal(f"Choose the column that holds: {', '.join(missing)}."))
        return None
    chosen = {ours: theirs for ours, theirs in columns.items() if theirs}
    return Said(columns=chosen, scales=scales, **units)  # type: ignore[arg-type]


def _choice(ours: str, names: list[str], guess: dict[str, str], table: Table) -> str | None:
    """One column of theirs, chosen from a list, which draws names as text."""
    label, about = LABELS[ours]
    at = names.index(guess[ours]) if ours in guess else None
    found: str | None = st.selectbox(
        label, names, index=at, placeholder="Choose a column", key=_key(ours, table), help=literal(about)
    )
    return found


def _key(name: str, table: Table) -> str:
    """A name of a widget that belongs to this table alone, so that another one starts from its own guesses."""
    return f"calibrate_{name}_{table.digest[:12]}"


def _ask_scales(columns: dict[str, str | None], table: Table) -> dict[str, str]:
    """The letter that the numbers of params and tokens lack."""
    found = {}
    for ours, place in zip(_SCALED, st.columns(len(NEEDED)), strict=False):
        said = list(SCALES).index(guessed_scale(columns[ours] or ""))
        with place:
            label = f"{LABELS[ours][0]} are written"
            found[ours] = st.selectbox(
                label, list(SCALES), index=said, format_func=SCALES.__getitem__, key=_key(f"{ours}_scale", table)
            )
    return found


def _ask_units(columns: dict[str, str | None], table: Table) -> dict[str, str]:
    """Units and conventions, as the keywords of `Said`."""
    given, wanted = st.columns(2)
    with given:
        loss_unit = st.selectbox(
            "The loss is in",
            LOSS_UNITS,
            format_func=UNITS.__getitem__,
            key=_key("loss_unit", table),
            help="What training programs print is nats per token. Bits per byte does not depend on the tokenizer.",
        )
    with wanted:
        law_unit = st.selectbox(
            "The law shall be in",
            LOSS_UNITS,
            index=LOSS_UNITS.index(loss_unit),
            format_func=UNITS.__getitem__,
            key=_key(f"law_unit_{loss_unit}", table),
            help="A law in bits per byte can be held against losses that you measured of open models.",
        )
    count, size = st.columns(2)
    with count:
        apart = counts_without_embedding(columns["params"] or "")
        counting = st.selectbox(
            "Parameters counted",
            COUNTINGS,
            index=int(apart),
            format_func=COUNTED.__getitem__,
            key=_key(f"counting_{apart}", table),
            help="The embedding is the table of the vocabulary. Papers differ in whether they count it.",
        )
    with size:
        bytes_per_token = st.text_input(
            "Bytes per token, if known",
            key=_key("bytes_per_token", table),
            max_chars=20,
            placeholder="4.2",
            help="Bytes of a text over its tokens. Needed only to convert the unit of the loss.",
        )
    said = {"loss_unit": loss_unit, "law_unit": law_unit, "counting": counting}
    return said | {"bytes_per_token": (bytes_per_token or "").strip()}


def ask_runs_of_curves(table: Table) -> Table:
    """The table with the sizes and tokens of its runs as a person typed them."""
    st.markdown("**What the runs were**")
    typed = st.data_editor(
        table.frame,
        disabled=["run", "step", "loss"],
        num_rows="fixed",
        hide_index=True,
        column_config={
            "params": st.column_config.TextColumn("params, such as 70M", max_chars=20),
            "tokens": st.column_config.TextColumn("tokens, such as 1.4B", max_chars=20),
        },
        key=_key("curves", table),
        alt="The runs of the curves, with parameters and tokens to fill in",
    )
    cells = typed[["params", "tokens"]].to_csv()
    return replace(table, frame=typed, digest=sha256(f"{table.digest} {cells}".encode()).hexdigest())


def show_taken(found: Taken) -> None:
    """How many rows are runs, and every row that is none with its reasons."""
    runs = len(found.runs.frame)
    parts = [f"{written(float(runs), 'count')} rows are finished runs."]
    if found.runs.failed:
        statuses = ", ".join(found.runs.left_out)
        parts.append(f"{written(float(found.runs.failed), 'count')} failed ({statuses}) and are left out.")
    st.text(" ".join(parts))
    if not found.bad:
        return
    count = written(float(len(found.bad)), "count")
    st.warning(literal(f"{count} row{'s are' if len(found.bad) > 1 else ' is'} no run and left out of the fit:"))
    import pandas as pd

    table = pd.DataFrame({"row": [bad.row for bad in found.bad], "why": [bad.reasons for bad in found.bad]})
    st.dataframe(
        table, hide_index=True, height="content" if len(table) <= _PREVIEW else 320, alt="Rows left out, and why"
    )
    st.download_button("Rows left out (CSV)", lambda: csv_of(table), "left-out.csv", "text/csv", on_click="ignore")
