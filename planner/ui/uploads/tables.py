"""Tables: the cells of an uploaded file, and the limits that every kind of file keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from planner.errors import DataError
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MOST_BYTES = 10_000_000
MOST_COLUMNS = 200
MOST_ROWS = 50_000
MOST_CHARACTERS = 1_000
"""Characters of one cell, or of the name of a column."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """The cells of a file, as text or numbers; `frame` is indexed by the number that people give each row.

    `notes` say what was taken for granted in reading, one sentence each; `digest` is the SHA-256 of the file's bytes.
    """

    name: str
    frame: pd.DataFrame = field(repr=False)
    digest: str
    notes: tuple[str, ...] = ()


def refuse_columns(count: int, name: str) -> None:
    if count > MOST_COLUMNS:
        raise DataError(
            f"{name} has {show(count, 'count')} columns; at most {MOST_COLUMNS} are read.",
            mend="Keep the columns of size, tokens, loss and the like.",
        )


def refuse_rows(count: int, name: str) -> None:
    if count > MOST_ROWS:
        raise DataError(
            f"{name} has more than {show(MOST_ROWS, 'count')} rows.",
            mend="Keep one row for each finished run, not one for each step.",
        )


def refuse_names(names: Sequence[str], name: str) -> None:
    """Raise where a column has a name that no reader could tell from another, or none that could be shown."""
    seen: set[str] = set()
    for column in names:
        if len(column) > MOST_CHARACTERS:
            raise DataError(f"{name} has a column with an endless name.", mend="Is the first line a header?")
        if column in seen:
            raise DataError(f"{name} has two columns called {column!r}.", mend="Rename or drop one of them.")
        seen.add(column)


def refuse_long(cell: Any, row: int, name: str) -> None:
    if isinstance(cell, str) and len(cell) > MOST_CHARACTERS:
        raise DataError(
            f"A cell of row {row} of {name} has {show(len(cell), 'count')} characters.",
            mend="Is a quotation mark missing before it? Leave long texts out.",
        )


def frame_of(columns: Sequence[str], rows: Sequence[Sequence[Any]], numbers: Sequence[int], name: str) -> pd.DataFrame:
    """The cells as a frame, indexed by the numbers of the rows.

    Raises:
        DataError: there are no rows, or more than are read.
    """
    import pandas as pd

    refuse_names(columns, name)
    refuse_rows(len(rows), name)
    if not rows:
        raise DataError(f"{name} has a header but no rows.", mend="Add one row for each finished run.")
    for number, row in zip(numbers, rows, strict=True):
        for cell in row:
            refuse_long(cell, number, name)
    return pd.DataFrame(rows, columns=list(columns), index=pd.Index(numbers, name="row"), dtype=object)
