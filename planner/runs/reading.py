"""Reading: a run table as its file or DataFrame has it, under our column names. It judges no cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.catalog import run_tables
from planner.errors import DataError, InputError, UnknownName
from planner.runs.checking import NEEDED, RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_READERS = {".csv": "read_csv", ".tsv": "read_table", ".jsonl": "read_json", ".parquet": "read_parquet"}
_BETWEEN = (";", "\t")
"""What stands between the cells of a .csv that has no commas there."""
_OURS = (*RULES, "trunk", "seed", "run", "status", "counting", "loss_unit", "flops_measured")


def raw_table(source: str | Path | pd.DataFrame) -> tuple[pd.DataFrame, str, int]:
    """The table as it is, its name, and the number that people give its first row."""
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return source.reset_index(drop=True), "a DataFrame", 0
    if not isinstance(source, str | Path):
        raise InputError(f"Runs cannot be read from a {type(source).__name__}.", mend="Give a path or a DataFrame.")
    path = _path(source)
    suffix = path.suffix.lower()
    return _read(path, suffix).dropna(how="all"), path.name, {".jsonl": 1, ".parquet": 0}.get(suffix, 2)


def _path(source: str | Path) -> Path:
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path} is a folder.", mend="Give the table in it.")
    if not path.suffix:
        shipped = run_tables()
        if str(source) not in shipped:
            raise UnknownName.of("run table", str(source), known=shipped)
        return shipped[str(source)]
    if path.suffix.lower() not in _READERS:
        raise DataError(f"{path.name} is of a kind we do not read.", mend=f"Give one of {', '.join(_READERS)}.")
    if not path.is_file():
        raise DataError(f"There is no file {path}.", mend="Check the path.")
    return path


def _read(path: Path, suffix: str) -> pd.DataFrame:
    import pandas as pd

    reader = _READERS[suffix]
    options: dict[str, Any] = {"lines": True} if suffix == ".jsonl" else {}
    if reader in ("read_csv", "read_table"):
        # Blank lines stay until rows are numbered as the file numbers them.
        options = {"skip_blank_lines": False, "encoding": "utf-8-sig"}
    try:
        raw: pd.DataFrame = getattr(pd, reader)(path, **options)
        if reader == "read_csv" and len(raw.columns) == 1:
            header = str(raw.columns[0])
            between = next((sign for sign in _BETWEEN if sign in header), None)
            raw = raw if between is None else pd.read_csv(path, sep=between, **options)
    except (ValueError, OSError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path.name} cannot be read: {reason}.", mend="Is it really that kind of file?") from None
    if reader != "read_parquet" and not isinstance(raw.index, pd.RangeIndex):
        # pandas takes the first column for labels then, and every other one shifts.
        raise DataError(f"Rows of {path.name} have more cells than its header.", mend="Name every column.")
    return raw.reset_index(drop=True)


def renamed(raw: pd.DataFrame, columns: Mapping[str, str], name: str) -> pd.DataFrame:
    """`raw` under our names: those that differ only in case and blanks, and those that `columns` maps to theirs."""
    if not raw.columns.is_unique:
        twice = raw.columns[raw.columns.duplicated()][0]
        raise DataError(f"{name} has two columns called {twice}.", mend="Rename or drop one of them.")
    unknown = [ours for ours in columns if ours not in _OURS]
    if unknown:
        raise UnknownName.of("column that planner reads", str(unknown[0]), known=_OURS)
    raw = raw.rename(columns={given: _tidy(given) for given in raw.columns if _tidy(given) not in raw})
    absent = [theirs for theirs in columns.values() if theirs not in raw]
    if absent:
        raise UnknownName.of(f"column of {name}", absent[0], known=map(str, raw.columns))
    taken = raw.drop(columns=[ours for ours, theirs in columns.items() if ours in raw and ours != theirs])
    table = taken.rename(columns={theirs: ours for ours, theirs in columns.items()})
    missing = [column for column in NEEDED if column not in table]
    if missing:
        raise DataError(
            f"{name} has no column {', '.join(missing)}; it has {', '.join(map(str, raw.columns)) or 'none'}.",
            mend=f"Say which of yours is {missing[0]}: columns={{{missing[0]!r}: ...}}, or --column {missing[0]}=...",
        )
    return table


def _tidy(column: object) -> object:
    """One of our own names where `column` is that but for case and blanks, otherwise `column`."""
    plain = str(column).strip().lower()
    return plain if plain in _OURS else column
