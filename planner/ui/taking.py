"""Taking: from a table of strangers' cells to runs, with what a person said about its columns. It knows no widget."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from planner.errors import DataError, InputError, PlannerError
from planner.runs import BadRow, Counting, LossUnit, Runs, load_runs, spoiled_rows
from planner.runs.checking import RULES

if TYPE_CHECKING:
    import pandas as pd

    from planner.ui.uploads import Table

SCALES = {"": "as they stand", "K": "thousands", "M": "millions", "B": "billions", "T": "trillions"}
"""The letter that numbers of a column lack, and what it means."""
_CARRIED = (*RULES, "trunk", "seed", "loss_unit", "counting")
_BARE = re.compile(r"\s*[0-9.]+([eE][-+]?[0-9]+)?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person said about a table: our names to its columns, the scales of params and tokens, and the units.

    `law_unit` is the unit in which the law is wanted; `bytes_per_token` is text, empty where it is not known.
    """

    columns: Mapping[str, str]
    scales: Mapping[str, str]
    loss_unit: LossUnit = "nats/token"
    law_unit: LossUnit = "nats/token"
    counting: Counting = "total"
    bytes_per_token: str = ""

    @property
    def key(self) -> str:
        """All of it as text, to tell it from anything else that can be said."""
        parts = (
            sorted(self.columns.items()),
            sorted(self.scales.items()),
            self.loss_unit,
            self.law_unit,
            self.counting,
        )
        return repr((*parts, self.bytes_per_token))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The runs in a table, and the rows left out because they are none."""

    runs: Runs
    bad: tuple[BadRow, ...]


def taken(table: Table, said: Said) -> Taken:
    """The runs in `table`; bad rows are left out and named by their numbers in the file.

    Raises:
        PlannerError: a column is missing or is taken twice, or nothing is left, or units contradict each other.
    """
    frame = _renamed(table, said)
    try:
        bad = spoiled_rows(frame, loss_unit=said.loss_unit)
        left = [bad_row.position for bad_row in bad]
        kept = frame.drop(index=left)
        if kept.empty:
            raise DataError(
                f"No row of {table.name} is a run. Row {table.frame.index[left[0]]}: {bad[0].reasons}",
                mend="Choose other columns or units above, or correct the table.",
            )
        runs = load_runs(
            kept,
            loss_unit=said.loss_unit,
            counting=said.counting,
            bytes_per_token=said.bytes_per_token or None,
        )
    except PlannerError as error:
        raise DataError(error.problem.replace("a DataFrame", table.name), mend=error.mend) from None
    rows = table.frame.index[kept.index].to_numpy()[runs.frame["source_row"].to_numpy()]
    runs = replace(runs, source=table.name, frame=runs.frame.assign(source_row=rows))
    named = tuple(BadRow(row.position, int(table.frame.index[row.position]), row.reasons) for row in bad)
    return Taken(runs=runs.in_unit(said.law_unit), bad=named)


def _renamed(table: Table, said: Said) -> pd.DataFrame:
    """The columns that were chosen, under our names, and those that have our names anyway."""
    theirs = list(said.columns.values())
    twice = next((name for name in theirs if theirs.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"The column {twice!r} is chosen twice.", mend="Choose another column for one of them.")
    chosen = {name: ours for ours, name in said.columns.items()}
    also = [name for name in table.frame if name in _CARRIED and name not in chosen and name not in said.columns]
    frame = table.frame[[*chosen, *also]].rename(columns=chosen).reset_index(drop=True)
    scaled = {ours: frame[ours].map(lambda cell, letter=letter: _with(letter, cell))
              for ours, letter in said.scales.items() if letter and ours in frame}  # fmt: skip
    return frame.assign(**scaled)


def _with(letter: str, cell: Any) -> Any:
    """The cell with the letter after it, where it is a bare number."""
    text = repr(cell) if isinstance(cell, float) else str(cell)
    return f"{text.strip()}{letter}" if _BARE.fullmatch(text) else cell
