"""Documents: records of JSON, one a line or all in a list, as rows. Lists and records inside them are left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planner.errors import DataError
from planner.ui.uploads.tables import frame_of, refuse_columns, refuse_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


def frame_of_json(text: str, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The records' plain values, and what was left out.

    Raises:
        DataError: it is no list or sequence of records, or one beyond the limits.
    """
    found = list(_listed(text, name) if text.lstrip().startswith("[") else _lined(text, name))
    nested = dict.fromkeys(key for _, record in found for key, value in record.items() if _is_nested(value))
    columns = list(dict.fromkeys(key for _, record in found for key in record if key not in nested))
    refuse_columns(len(columns), name)
    if not columns:
        raise DataError(f"{name} holds no plain values.", mend="Give records of numbers and texts.")
    rows = [[record.get(column) for column in columns] for _, record in found]
    shown = ", ".join(str(key)[:40] for key in list(nested)[:5])
    notes = (f"Left out, because they hold lists or records: {shown}.",) if nested else ()
    return frame_of(columns, rows, [number for number, _ in found], name), notes


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _lined(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    count = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            count += 1
            refuse_rows(count, name)
            yield number, _record(_loaded(line, f"Line {number} of {name}"), number, name)


def _listed(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    records = _loaded(text, name)
    refuse_rows(len(records), name)
    for number, record in enumerate(records, start=1):
        yield number, _record(record, number, name)


def _loaded(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise DataError(f"{what} is nested too deeply.", mend="Give records of numbers and texts.") from None
    except ValueError:
        raise DataError(f"{what} is no JSON.", mend='Write one record on each line, such as {"params": 1e8}.') from None


def _record(value: Any, number: int, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"Record {number} of {name} is no record.", mend='Write {"params": 1e8, "tokens": 2e9, ...}.')
    refuse_columns(len(value), name)
    return value
