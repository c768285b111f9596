"""Reading: what a file is by its bytes, not by its name, and the table in it. Size is judged first."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

from planner.errors import DataError, InputError
from planner.ui.uploads.curves import curve_of, runs_of_curves
from planner.ui.uploads.documents import frame_of_json
from planner.ui.uploads.parquet import frame_of_parquet
from planner.ui.uploads.tables import MOST_BYTES, Table
from planner.ui.uploads.texts import decoded, frame_of_text
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

FORMATS = ("csv", "tsv", "txt", "json", "jsonl", "ndjson", "parquet", "gz")
"""Endings that the box for files offers; what a file is, its bytes say."""
MOST_FILES = 100
_MOST_NAME = 60
_GZIP = b"\x1f\x8b"
_OTHERS = {
    b"\xd0\xcf\x11\xe0": ("an old spreadsheet (.xls)", "Save it as CSV."),
    b"%PDF": ("a PDF document", "Give the table itself, as CSV."),
    b"\x89PNG": ("a picture", "Give the numbers behind it, as CSV."),
    b"\xff\xd8\xff": ("a picture", "Give the numbers behind it, as CSV."),
    b"SQLite format 3": ("a database", "Export its table as CSV."),
    b"\x80\x04\x95": ("a Python pickle, which is never opened here", "Write it with to_csv or to_parquet."),
    b"\x80\x05\x95": ("a Python pickle, which is never opened here", "Write it with to_csv or to_parquet."),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "Unpack it first."),
    b"BZh": ("packed with bzip2", "Unpack it first."),
    b"\xfd7zXZ": ("packed with xz", "Unpack it first."),
}
"""First bytes of files that people take for tables, what those are, and the mend."""
_PAGES = ("<!doctype", "<html", "<?xml", "<svg", "<script")


def read_uploads(files: Sequence[tuple[str, bytes]]) -> Table:
    """One table of runs: that of the one file, or a row for each training curve in them.

    Raises:
        DataError: a file cannot be used; the message says what it is and what to do.
    """
    if len(files) > MOST_FILES:
        raise InputError(f"These are {len(files)} files.", mend=f"Give at most {MOST_FILES}.")
    tables = [read_upload(name, content) for name, content in files]
    curves = [curve_of(table) for table in tables]
    if all(curves):
        return runs_of_curves(tables, [curve for found in curves for curve in found])
    if len(tables) == 1:
        return tables[0]
    odd = next(table.name for table, found in zip(tables, curves, strict=True) if not found)
    raise DataError(
        f"{odd} is a table of runs, and there are other files.", mend="Give one table, or training curves only."
    )


def read_upload(name: str, content: bytes) -> Table:
    """The table in a file called `name`, which is shown and used for nothing else.

    Raises:
        DataError: it cannot be used; the message says what it is and what to do.
    """
    called = " ".join(name.split())[:_MOST_NAME] or "The file"
    _refuse_large(len(content), called)
    unpacked = _unzipped(content, called) if content.startswith(_GZIP) else content
    frame, notes = _frame(unpacked, called)
    packed = ("The file is unpacked.",) if unpacked is not content else ()
    return Table(name=called, frame=frame, digest=hashlib.sha256(content).hexdigest(), notes=(*packed, *notes))


def _frame(content: bytes, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    if not content.strip():
        raise DataError(f"{name} is empty.", mend="Upload a CSV, JSONL or Parquet file.")
    if content.startswith(b"PAR1"):
        return frame_of_parquet(content, name)
    _refuse_other_kinds(content, name)
    text, notes = decoded(content, name)
    begin = text.lstrip()[:16].lower()
    if begin.startswith(_PAGES):
        raise DataError(f"{name} is a web page or a drawing, not a table.", mend="Save the table itself, as CSV.")
    frame, more = (frame_of_json if begin.startswith(("{", "[")) else frame_of_text)(text, name)
    return frame, (*notes, *more)


def _refuse_large(size: int, name: str) -> None:
    if size > MOST_BYTES:
        raise DataError(
            f"{name} has {show(size, 'bytes')}; at most {show(MOST_BYTES, 'bytes')} are read.",
            mend="Keep one row for each finished run and the columns that matter.",
        )


def _unzipped(content: bytes, name: str) -> bytes:
    """The unpacked bytes; unpacking ends where the limit is passed."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(content, MOST_BYTES + 1)
    except zlib.error:
        raise DataError(f"{name} is a damaged gzip file.", mend="Pack it again, or upload it unpacked.") from None
    if len(found) > MOST_BYTES:
        raise DataError(
            f"{name} unpacks to more than {show(MOST_BYTES, 'bytes')}.", mend="Keep one row for each finished run."
        )
    if not unpacker.eof:
        raise DataError(f"{name} is a damaged gzip file: its end is missing.", mend="Upload it again.")
    if found.startswith(_GZIP):
        raise DataError(f"{name} is packed twice.", mend="Unpack it first.")
    return found


def _refuse_other_kinds(content: bytes, name: str) -> None:
    if content.startswith(b"PK\x03\x04"):
        if b"xl/" in content[:4096] or b"xl/" in content[-65536:]:
            raise DataError(f"{name} is a spreadsheet (.xlsx).", mend="Save it as CSV.")
        raise DataError(f"{name} is a ZIP archive.", mend="Unpack it, and upload the table in it.")
    for mark, (what, mend) in _OTHERS.items():
        if content.startswith(mark):
            raise DataError(f"{name} is {what}, not a table.", mend=mend)
