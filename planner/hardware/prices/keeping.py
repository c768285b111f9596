"""Keeping: the snapshot that planner ships, the one that a user refreshed, and which of them is in use."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from planner.catalog import Record, records
from planner.errors import DataError
from planner.hardware.prices.checking import flaws

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = ("accelerator", "provider", "region", "instance", "gpus", "tier", "usd_per_gpu_hour", "as_of", "source",
           "confidence", "notes")  # fmt: skip
FETCHED = "fetched"
"""The confidence of rows that a user refreshed; shipped rows have others."""
_RESET = "Run `planner prices reset` to go back to the shipped prices."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A table of prices, and whether the user refreshed it. Two snapshots are equal when their stamps are."""

    rows: tuple[Record, ...] = field(compare=False)
    refreshed: bool
    stamp: tuple[str, int, int] = ("", 0, 0)


def kept_at() -> Path:
    """Where the user's refreshed snapshot lies: XDG_DATA_HOME, or ~/.local/share, never inside the package."""
    home = os.environ.get("XDG_DATA_HOME", "")
    folder = Path(home) if home and Path(home).is_absolute() else Path.home() / ".local" / "share"
    return folder / "planner" / "prices.csv"


def in_use() -> Snapshot:
    """The user's refreshed snapshot, unless there is none or planner ships a newer one.

    Raises:
        DataError: the user's file is damaged.
    """
    path = kept_at()
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return shipped()
    kept = _read((str(path), found.st_mtime_ns, found.st_size))
    return kept if newest(kept.rows) >= newest(shipped().rows) else shipped()


@cache
def shipped() -> Snapshot:
    """The snapshot that came with planner."""
    return Snapshot(records("prices"), refreshed=False)


def newest(rows: Sequence[Record]) -> str:
    """The latest month of a table of prices."""
    return max(row["as_of"] for row in rows)


@cache
def _read(stamp: tuple[str, int, int]) -> Snapshot:
    path = stamp[0]
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = tuple(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DataError("Your refreshed prices cannot be read.", mend=_RESET) from None
    if not rows or any(None in row or tuple(row) != COLUMNS or None in row.values() for row in rows) or flaws(rows):
        raise DataError("Your refreshed prices are damaged.", mend=_RESET)
    return Snapshot(rows, refreshed=True, stamp=stamp)


def keep(rows: Sequence[Record]) -> Path:
    """Write the user's snapshot in one step, so that a crash leaves the old one, and say where it lies.

    Raises:
        DataError: the folder cannot be written.
    """
    path = kept_at()
    draft = path.with_name(f".prices-{os.getpid()}.csv")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        os.replace(draft, path)
    except OSError as error:
        raise DataError(
            f"The prices cannot be kept: {error.strerror}.", mend="Set XDG_DATA_HOME to a folder of yours."
        ) from None
    finally:
        if draft.is_file():
            draft.unlink()
    return path


def forget() -> bool:
    """Remove the user's snapshot; whether there was one."""
    path = kept_at()
    there = path.is_file()
    if there:
        path.unlink()
    return there
