"""The tables of data/: finds them, reads them, looks rows up by name. It knows no meaning of any column."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from planner.errors import DataError, UnknownName

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, str]


def data_folder() -> Path:
    """The folder of tables: inside the installed package, or beside it in a checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here / "data", here.parent / "data"):
        if (folder / "laws.csv").is_file():
            return folder
    raise DataError("The data tables of planner are missing.", mend="Reinstall the package.")


@cache
def records(table: str) -> tuple[Record, ...]:
    """Rows of `data/<table>.csv` as dictionaries of text; an empty cell is ''."""
    with (data_folder() / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def record(table: str, key: str, name: str, *, kind: str) -> Record:
    """The row of `table` whose column `key` equals `name`, ignoring case and writing blanks as hyphens.

    Raises:
        UnknownName: no such row; the message offers the closest names.
    """
    wanted = "-".join(name.lower().split())
    rows = records(table)
    for row in rows:
        if "-".join(row[key].lower().split()) == wanted:
            return row
    titled = [row[key] for row in rows if wanted and wanted in row.get("title", "").lower()]
    raise UnknownName.of(kind, name, known=(row[key] for row in rows), close=titled)


def frame(table: str) -> pd.DataFrame:
    """`data/<table>.csv` as a new DataFrame with numbers as numbers."""
    import pandas as pd

    return pd.read_csv(data_folder() / f"{table}.csv")


def run_tables() -> dict[str, Path]:
    """Name and path of each run table shipped in data/runs."""
    return {path.stem: path for path in sorted((data_folder() / "runs").glob("*.csv"))}


def laws() -> pd.DataFrame:
    """The published laws: name, coefficients, what they count, the span of their runs, source and date."""
    return frame("laws")


def accelerators() -> pd.DataFrame:
    """The accelerators: dense peak rates, memory, power, aliases, source and date."""
    return frame("accelerators")


def models() -> pd.DataFrame:
    """The open models: parameters, training tokens, licence, release, source and date."""
    return frame("models")


def prices() -> pd.DataFrame:
    """The price snapshot: US dollars per GPU-hour by accelerator, provider, region and tier, with source and date."""
    return frame("prices")
