"""Spreadsheets: tables as CSV that a spreadsheet opens without running what a stranger typed into a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(frame: pd.DataFrame) -> str:
    """`frame` as CSV without its index; text that would begin a formula stands behind an apostrophe."""
    plain = frame.map(harmless).rename(columns=harmless)
    return str(plain.to_csv(index=False))


def harmless(cell: Any) -> Any:
    """`cell` with an apostrophe before it where it is text that begins like a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_BEGINS_A_FORMULA) else cell
