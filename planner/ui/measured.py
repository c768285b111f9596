"""Measured losses: pilots that a person types or uploads in place of our assumptions."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import streamlit as st

from planner.advising import Pilot, pilots_of
from planner.advising.bases import catalogue
from planner.advising.piloting import KINDS
from planner.errors import DataError
from planner.ui.uploads import MOST_BYTES, read_upload

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = tuple(field.name for field in fields(Pilot))
_LABELS = {"zero_shot": "as it comes", "cpt": "after reading some of our text"}
_MEGABYTE, _MOST = 1_000_000, 50


def ask_pilots() -> tuple[Pilot, ...]:
    """The pilots that are typed and uploaded.

    Raises:
        PlannerError: one of them is malformed or contradicts another.
    """
    with st.expander("Losses that you measured"):
        st.text(
            "How badly open models guess your own held-out text, in bits per byte: what a byte of it takes when the "
            "model packs it. They replace our assumptions. Measure a model as it comes, and after training on some of "
            "your text."
        )
        typed = st.data_editor(
            _empty(),
            num_rows="dynamic",
            hide_index=True,
            column_config={
                "kind": st.column_config.SelectboxColumn(
                    "measured", options=list(KINDS), format_func=lambda kind: _LABELS[str(kind)]
                ),
                "model": st.column_config.SelectboxColumn("model", options=[base.name for base in catalogue()]),
                "bits_per_byte": st.column_config.TextColumn("bits per byte", max_chars=20),
                "domain_tokens": st.column_config.TextColumn("tokens of our text read before", max_chars=20),
            },
            key="advice_pilots",
            alt="Measured losses to fill in",
        )
        file = st.file_uploader(
            "Or a table of them",
            type=["csv", "json", "jsonl", "parquet"],
            max_upload_size=MOST_BYTES // _MEGABYTE,
            key="advice_pilots_file",
            help="Columns kind (zero_shot or cpt), model, bits_per_byte and, for cpt, domain_tokens.",
        )
    records_typed = _filled(typed)
    return pilots_of([*records_typed, *(_uploaded(file.name, file.getvalue()) if file is not None else ())])


def _empty() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: pd.Series(dtype=object) for name in _COLUMNS})


def _uploaded(name: str, content: bytes) -> list[dict[str, object]]:
    """The records of an uploaded table.

    Raises:
        DataError: it lacks a column, or holds far more than anyone measures.
    """
    table = read_upload(name, content)
    missing = [column for column in _COLUMNS[:3] if column not in table.frame]
    if missing:
        raise DataError(f"{table.name} lacks the column {missing[0]}.", mend=f"Columns: {', '.join(_COLUMNS)}.")
    if len(table.frame) > _MOST:
        raise DataError(
            f"{table.name} has more than {_MOST} rows.", mend="Give one row for each model and measurement."
        )
    return _filled(table.frame)


def _filled(frame: pd.DataFrame) -> list[dict[str, object]]:
    """The rows with anything in them, without their empty cells."""
    known = [name for name in _COLUMNS if name in frame]
    rows = [{name: row[name] for name in known if _says(row[name])} for row in frame[known].to_dict("records")]
    return [row for row in rows if row]


def _says(cell: object) -> bool:
    return cell is not None and cell == cell and str(cell).strip() != ""
