"""Texts: bytes to text whatever their encoding, and text to rows whatever stands between its cells."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from planner.errors import DataError
from planner.ui.uploads.tables import frame_of, refuse_columns, refuse_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SEPARATORS = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}
_NEWLINE = re.compile(r"[\r\n]")
_QUOTED = re.compile(r'"[^"]*"')
_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+([eE][-+]?[0-9]+)?[kKmMbBtT%]?")
_MAYBE_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}")
_NUMBER = re.compile(r"[-+]?[0-9][0-9.eE+-]*")
_SAMPLE = 4096


def decoded(content: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """The text, and what was taken for granted about it.

    Raises:
        DataError: these bytes are no text.
    """
    encoding = next((known for mark, known in _MARKS.items() if content.startswith(mark)), None) or _wide(content)
    not_text = DataError(f"{name} is not text.", mend="Give a CSV, JSONL or Parquet file.")
    if encoding is None and b"\0" in content:
        raise not_text
    try:
        return content.decode(encoding or "utf-8"), ()
    except UnicodeDecodeError:
        if encoding is not None or _is_noise(content):
            raise not_text from None
    return content.decode("cp1252", errors="replace"), ("The text is not UTF-8: it is read as Windows-1252.",)


def _wide(content: bytes) -> str | None:
    """The encoding of text of two bytes a character without its mark."""
    sample = content[:_SAMPLE]
    if len(sample) < 4 or len(content) % 2:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > 0.4 * len(sample) / 2 and not even:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * len(sample) / 2 and not odd else None


def _is_noise(content: bytes) -> bool:
    """Whether many bytes are none that a text of one byte a character has."""
    sample = content[:_SAMPLE]
    odd = sum((byte < 32 and byte not in b"\t\r\n") or 127 <= byte < 160 for byte in sample)
    return 20 * odd > len(sample)


def frame_of_text(text: str, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The cells of a text with a header line, all of them text, and what was taken for granted.

    Raises:
        DataError: it is no such table, or one beyond the limits; the header line is judged before anything is parsed.
    """
    start = len(text) - len(text.lstrip("\r\n"))
    header = _NEWLINE.split(text[start:], maxsplit=1)[0]
    separator = _separator(header, name)
    refuse_columns(header.count(separator) + 1 if '"' not in header else len(_cells(header, separator)), name)
    columns, rows, numbers = _parsed(text, separator, name)
    notes: tuple[str, ...] = () if separator == "," else (f"{_SEPARATORS[separator]} stands between the cells.",)
    if separator != ",":
        rows, comma = _with_points(columns, rows, name)
        notes += ("Decimal commas are read as points.",) if comma else ()
    return frame_of(columns, rows, numbers, name), notes


def _separator(header: str, name: str) -> str:
    bare = _QUOTED.sub("", header)
    found = max(_SEPARATORS, key=bare.count)
    if not bare.count(found):
        raise DataError(
            f"{name} has one column only, or something unusual between its cells.",
            mend="Separate the cells by commas, semicolons or tabs, and name the columns in the first line.",
        )
    return found


def _cells(header: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=separator))
    except (csv.Error, StopIteration):
        return _QUOTED.sub("", header).split(separator)


def _parsed(text: str, separator: str, name: str) -> tuple[list[str], list[list[str | None]], list[int]]:
    """Names of the columns, rows of as many cells, and the line on which each row ends."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    rows: list[list[str | None]] = []
    numbers: list[int] = []
    columns: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _named(cells, name)
                continue
            _refuse_ragged(cells, columns, reader.line_num, name)
            rows.append([cell or None for cell in cells[: len(columns)]] + [None] * (len(columns) - len(cells)))
            numbers.append(reader.line_num)
            refuse_rows(len(rows), name)
    except csv.Error as error:
        raise DataError(
            f"Line {reader.line_num} of {name} cannot be read: {error}.",
            mend="Is a quotation mark missing or too many?",
        ) from None
    return columns, rows, numbers


def _named(cells: Sequence[str], name: str) -> list[str]:
    """The header's names; one that is empty is called by its place."""
    named = [cell.strip() or f"column {place}" for place, cell in enumerate(cells, start=1)]
    refuse_columns(len(named), name)
    if all(_NUMBER.fullmatch(cell) for cell in named):
        raise DataError(
            f"{name} has no header: its first line holds numbers.", mend="Name the columns in a first line."
        )
    return named


def _refuse_ragged(cells: Sequence[str], columns: Sequence[str], line: int, name: str) -> None:
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        raise DataError(
            f"Line {line} of {name} has {len(cells)} cells, its header {len(columns)}.",
            mend="Name every column, and put texts that hold a comma in quotation marks.",
        )


def _with_points(
    columns: Sequence[str], rows: Sequence[list[str | None]], name: str
) -> tuple[list[list[str | None]], bool]:
    """The rows with decimal points where they have decimal commas, and whether any has."""
    commas = [cell for cell in _every(rows) if _COMMA.fullmatch(cell)]
    if not commas:
        return list(rows), False
    if all(_MAYBE_THOUSANDS.fullmatch(cell) for cell in commas):
        where = next(column for column, *cells in zip(columns, *rows, strict=True) if commas[0] in cells)
        raise DataError(
            f"{commas[0]} in the column {where!r} of {name} may be a decimal or a thousand.",
            mend="Write decimal points.",
        )
    return [[cell.replace(",", ".") if cell and _COMMA.fullmatch(cell) else cell for cell in row] for row in rows], True


def _every(rows: Iterable[Sequence[str | None]]) -> Iterable[str]:
    return (cell for row in rows for cell in row if cell and "," in cell)
