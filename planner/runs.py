"""Runs: the validated table of training runs that a law is fitted to. Bad rows are named one by one, never dropped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from planner.catalog import run_tables
from planner.errors import DataError, InputError, UnknownName
from planner.sheet import Row, Sheet
from planner.units import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Counting = Literal["total", "non_embedding"]
LossUnit = Literal["nats/token", "bits/byte"]

NEEDED = ("params", "tokens", "loss")
_UNITS = {"params": "params", "tokens": "tokens", "loss": "nats/token", "flops": "flops"}
SUCCESS = ("ok", "finished", "completed", "complete", "done", "success", "succeeded")
_SHOWN = 10
_READERS = {".csv": "read_csv", ".tsv": "read_table", ".jsonl": "read_json", ".parquet": "read_parquet"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs(Sheet):
    """Training runs, one row each, in base units; `frame` has at least params, tokens, flops and loss, all positive.

    `flops` is 6 * params * tokens where the source gives none. `counting` says which parameters `params` counts,
    `loss_unit` what the loss is, `failed` how many rows were left out because their `status` names no success, and
    `left_out` which statuses those were.
    """

    frame: pd.DataFrame
    counting: Counting
    loss_unit: LossUnit
    source: str
    failed: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def title(self) -> str:  # type: ignore[override]
        """What these runs are, for people."""
        return f"{len(self.frame)} training runs from {self.source}"

    def column(self, name: str) -> NDArray[np.float64]:
        """A column as an array of floats, shape (runs,)."""
        return cast("NDArray[np.float64]", self.frame[name].to_numpy(dtype=float))

    def rows(self) -> Iterable[Row]:
        """Counts and spans of the table."""
        yield Row("runs", "Runs", float(len(self.frame)), "count")
        yield Row("failed", "Failed runs left out", float(self.failed), "count")
        for name, label in (("params", "Parameters"), ("tokens", "Tokens"), ("flops", "Compute"), ("loss", "Loss")):
            unit = self.loss_unit if name == "loss" else _UNITS[name]
            yield Row(f"{name}_min", f"{label}, least", float(self.column(name).min()), unit)
            yield Row(f"{name}_max", f"{label}, most", float(self.column(name).max()), unit)
        yield Row("counting", "Parameters counted", self.counting)
        yield Row("loss_unit", "Unit of loss", self.loss_unit)


def load_runs(
    source: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    loss_unit: LossUnit = "nats/token",
    counting: Counting = "total",
) -> Runs:
    """The validated runs in `source`.

    Args:
        source: a path to .csv, .tsv, .jsonl or .parquet; a DataFrame; or the name of a table shipped in data/runs.
        columns: where the source names them otherwise, our name to theirs: {"params": "model_size"}.
        loss_unit: what the loss column holds, "nats/token" or "bits/byte".
        counting: which parameters the params column counts, "total" or "non_embedding".

    Raises:
        DataError: the file or a column is missing, or rows are bad; the message lists rows and reasons.
    """
    if loss_unit not in ("nats/token", "bits/byte"):
        raise UnknownName.of("unit of loss", str(loss_unit), known=("nats/token", "bits/byte"))
    if counting not in ("total", "non_embedding"):
        raise UnknownName.of("way of counting", str(counting), known=("total", "non_embedding"))
    raw, name, first_line = _raw_table(source)
    table = _renamed(raw, columns or {}, name)
    finished = _finished(table)
    left_out = tuple(sorted(set(table.loc[~finished, "status"].astype(str)))) if not finished.all() else ()
    if left_out and not finished.any():
        raise DataError(
            f"No run of {name} is finished; their statuses are {', '.join(left_out)}.",
            mend=f"A finished run has one of these: {', '.join(SUCCESS)}.",
        )
    clean = _checked(table[finished], first_line, name)
    failed = int((~finished).sum())
    return Runs(frame=clean, counting=counting, loss_unit=loss_unit, source=name, failed=failed, left_out=left_out)


def _finished(table: pd.DataFrame) -> pd.Series[bool]:
    import pandas as pd

    if "status" not in table:
        return pd.Series(True, index=table.index)
    return table["status"].isna() | table["status"].astype(str).str.strip().str.lower().isin((*SUCCESS, ""))


def _raw_table(source: str | Path | pd.DataFrame) -> tuple[pd.DataFrame, str, int]:
    """The table as it is, its name, and the number that people give its first row."""
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return source.reset_index(drop=True), "a DataFrame", 0
    if not isinstance(source, str | Path):
        raise InputError(f"Runs cannot be read from a {type(source).__name__}.", mend="Give a path or a DataFrame.")
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path} is a folder.", mend="Give the table in it.")
    if not path.suffix:
        shipped = run_tables()
        if str(source) not in shipped:
            raise UnknownName.of("run table", str(source), known=shipped)
        path = shipped[str(source)]
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path.name} is of a kind we do not read.", mend=f"Give one of {', '.join(_READERS)}.")
    if not path.is_file():
        raise DataError(f"There is no file {path}.", mend="Check the path.")
    options: dict[str, Any] = {"lines": True} if path.suffix.lower() == ".jsonl" else {}
    if reader in ("read_csv", "read_table"):
        # Blank lines stay until rows are numbered as the file numbers them.
        options = {"skip_blank_lines": False, "encoding": "utf-8-sig"}
    try:
        raw: pd.DataFrame = getattr(pd, reader)(path, **options)
        if reader == "read_csv" and len(raw.columns) == 1 and ";" in str(raw.columns[0]):
            raw = pd.read_csv(path, sep=";", **options)
    except (ValueError, OSError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path.name} cannot be read: {reason}.", mend="Is it really that kind of file?") from None
    return raw.dropna(how="all"), path.name, {".jsonl": 1, ".parquet": 0}.get(path.suffix.lower(), 2)


def _renamed(raw: pd.DataFrame, columns: Mapping[str, str], name: str) -> pd.DataFrame:
    if not raw.columns.is_unique:
        twice = raw.columns[raw.columns.duplicated()][0]
        raise DataError(f"{name} has two columns called {twice}.", mend="Rename or drop one of them.")
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
    return plain if plain in (*NEEDED, "flops", "status", "unique_tokens") else column


def _checked(table: pd.DataFrame, first_line: int, name: str) -> pd.DataFrame:
    import numpy as np

    if table.empty:
        raise DataError(f"{name} holds no finished runs.", mend="Add rows with params, tokens and loss.")
    reasons: dict[int, list[str]] = {}
    clean = table.copy()
    for column in [name for name in _UNITS if name in table]:
        numbers = _numbers(table[column])
        for position in np.flatnonzero(~(np.isfinite(numbers) & (numbers > 0))):
            cell = table[column].iloc[position]
            if column == "flops" and _is_empty(cell):
                continue
            try:
                numbers[position] = read(_text_of(cell), _UNITS[column], name=column)
            except InputError as error:
                reasons.setdefault(int(position), []).append(error.problem)
        if column in ("params", "tokens"):
            for position in np.flatnonzero(numbers < 1):
                reasons.setdefault(int(position), []).append(f"{column} must be 1 or more, not {numbers[position]!s}.")
        clean[column] = numbers
    if reasons:
        labels = [position + first_line for position in (table.index[p] for p in sorted(reasons))]
        lines = [f"row {label}: {' '.join(reasons[p])}" for label, p in zip(labels, sorted(reasons), strict=True)]
        more = f" And {len(lines) - _SHOWN} more." if len(lines) > _SHOWN else ""
        raise DataError(
            f"{name} has {len(lines)} bad row{'s' * (len(lines) > 1)}. {' '.join(lines[:_SHOWN])}{more}",
            mend="Correct these rows or take them out.",
        )
    by_rule = 6.0 * clean["params"] * clean["tokens"]
    clean["flops"] = clean["flops"].fillna(by_rule) if "flops" in clean else by_rule
    return clean.reset_index(drop=True)


def _numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """The cells as floats, NaN where they are none; dates and truth values are no numbers."""
    import numpy as np
    import pandas as pd

    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return np.full(len(column), np.nan)
    plain = column.where(~column.map(lambda cell: isinstance(cell, bool | list | dict)), None)
    return pd.to_numeric(plain, errors="coerce").to_numpy(dtype=float, na_value=np.nan, copy=True)


def _is_empty(cell: Any) -> bool:
    import pandas as pd

    return (isinstance(cell, str) and not cell.strip()) or (pd.api.types.is_scalar(cell) and bool(pd.isna(cell)))


def _text_of(cell: Any) -> float | str:
    """The cell as `read` wants it: numbers are plain floats, an empty cell reads as such, all else is its text."""
    if _is_empty(cell):
        return "(empty)"
    return float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else str(cell)
