"""Checking: the cells of a run table as numbers. Every bad row is named with its reasons, and none is dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import DataError, InputError
from planner.runs.table import LEAST_BYTES_PER_TOKEN, SHOWN
from planner.units import read

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NEEDED = ("params", "tokens", "loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the cells of a column must be; unit "" is that of the loss, `least` the smallest number allowed."""

    unit: str
    zero: bool = False
    empty: bool = True
    least: float = 0.0
    hint: str = ""


_SIZE = "Is it in millions or billions? Write 0.4B."
RULES = {
    "params": Rule(unit="params", empty=False, least=1, hint=_SIZE),
    "tokens": Rule(unit="tokens", empty=False, least=1, hint=_SIZE),
    "loss": Rule(unit="", empty=False),
    "flops": Rule(unit="flops"),
    "weight": Rule(unit="count", zero=True, empty=False),
    "loss_error": Rule(unit="", zero=True),
    "bits_per_byte": Rule(unit="bits/byte"),
    "bytes_per_token": Rule(unit="bytes", least=LEAST_BYTES_PER_TOKEN, hint="Is it tokens per byte?"),
    "params_non_embedding": Rule(unit="params", least=1, hint=_SIZE),
    "params_total": Rule(unit="params", least=1, hint=_SIZE),
    "unique_tokens": Rule(unit="tokens", least=1, hint=_SIZE),
    "epochs": Rule(unit="epochs"),
}


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no run: its position in the table, its number in the source, and what is wrong with it."""

    position: int
    row: int
    reasons: str


def bad_rows(table: pd.DataFrame, loss_unit: str) -> tuple[BadRow, ...]:
    """Every row of `table` that breaks a rule."""
    present = {column: rule for column, rule in RULES.items() if column in table}
    numbers = {column: _numbers(table[column], rule, rule.unit or loss_unit) for column, rule in present.items()}
    bad = {column: _misses(numbers[column], table[column], rule) for column, rule in present.items()}
    positions = [int(position) for position in np.flatnonzero(np.any(list(bad.values()), axis=0))]
    return tuple(
        BadRow(at, int(table["source_row"].iloc[at]), _reasons(table, present, bad, loss_unit, at)) for at in positions
    )


def checked(table: pd.DataFrame, loss_unit: str, name: str) -> pd.DataFrame:
    """`table` with the columns of RULES as floats, NaN where a cell may be empty and is.

    Raises:
        DataError: some cells are not what their rule wants; the message names rows, by `source_row`, and reasons.
    """
    if table.empty:
        raise DataError(f"{name} holds no finished runs.", mend="Add rows with params, tokens and loss.")
    present = {column: rule for column, rule in RULES.items() if column in table}
    numbers = {column: _numbers(table[column], rule, rule.unit or loss_unit) for column, rule in present.items()}
    bad = {column: _misses(numbers[column], table[column], rule) for column, rule in present.items()}
    positions = np.flatnonzero(np.any(list(bad.values()), axis=0))
    if len(positions):
        lines = [_line(table, present, bad, loss_unit, int(position)) for position in positions[:SHOWN]]
        more = f" And {len(positions) - SHOWN} more." if len(positions) > SHOWN else ""
        raise DataError(
            f"{name} has {len(positions)} bad row{'s' * (len(positions) > 1)}. {' '.join(lines)}{more}",
            mend="Correct these rows or take them out.",
        )
    if "weight" in numbers and not numbers["weight"].any():
        raise DataError(f"Every weight of {name} is 0.", mend="Give the runs that count a positive weight.")
    return table.assign(**numbers)


def _misses(numbers: NDArray[np.float64], cells: pd.Series[Any], rule: Rule) -> NDArray[np.bool_]:
    """Which cells break the rule, shape (rows,)."""
    good = np.isfinite(numbers) & ((numbers >= 0) if rule.zero else (numbers > 0)) & (numbers >= rule.least)
    return ~(good | _empty(cells)) if rule.empty else ~good


def _line(
    table: pd.DataFrame, rules: dict[str, Rule], bad: dict[str, NDArray[np.bool_]], loss_unit: str, position: int
) -> str:
    """What is wrong with one row, and which it is."""
    return f"row {table['source_row'].iloc[position]}: {_reasons(table, rules, bad, loss_unit, position)}"


def _reasons(
    table: pd.DataFrame, rules: dict[str, Rule], bad: dict[str, NDArray[np.bool_]], loss_unit: str, position: int
) -> str:
    return " ".join(
        _reason(table[column].iloc[position], column, rule, rule.unit or loss_unit)
        for column, rule in rules.items()
        if bad[column][position]
    )


def _reason(cell: Any, column: str, rule: Rule, unit: str) -> str:
    if _is_empty(cell):
        return f"{column} is empty."
    try:
        number = read(_text_of(cell), unit, name=column, zero=rule.zero)
    except InputError as error:
        return error.problem
    return f"{column} must be {rule.least!s} or more, not {number!s}. {rule.hint}"


def _numbers(cells: pd.Series[Any], rule: Rule, unit: str) -> NDArray[np.float64]:
    """The cells as floats, NaN where they are none; dates and truth values are no numbers."""
    numbers = _plain_numbers(cells)
    odd = np.flatnonzero(~np.isfinite(numbers) & ~_empty(cells))
    texts = [_text_of(cell) for cell in cells.iloc[odd].to_numpy(dtype=object)]
    # A table has few different sizes, however many rows.
    values = {text: _value(text, rule, unit) for text in set(texts)}
    numbers[odd] = [values[text] for text in texts]
    return numbers


def _plain_numbers(cells: pd.Series[Any]) -> NDArray[np.float64]:
    import pandas as pd

    if pd.api.types.is_bool_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return np.full(len(cells), np.nan)
    if cells.dtype == object:
        cells = cells.where(~cells.map(lambda cell: isinstance(cell, bool | list | dict)), None)
    return pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan, copy=True)


def _value(text: float | str, rule: Rule, unit: str) -> float:
    try:
        return read(text, unit, name="", zero=rule.zero)
    except InputError:
        return np.nan


def _empty(cells: pd.Series[Any]) -> NDArray[np.bool_]:
    """Which cells hold nothing or blanks, shape (rows,)."""
    import pandas as pd

    nothing = cells.isna().to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(cells):
        return nothing
    return nothing | (cells.astype(str).str.strip() == "").to_numpy(dtype=bool)


def _is_empty(cell: Any) -> bool:
    import pandas as pd

    return (isinstance(cell, str) and not cell.strip()) or (pd.api.types.is_scalar(cell) and bool(pd.isna(cell)))


def _text_of(cell: Any) -> float | str:
    """The cell as `read` wants it: numbers are plain floats, all else is its text."""
    return float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else str(cell)
