"""Vms: reads a vms.csv in the layout of the SkyPilot catalogue (schema v8, Apache-2.0)."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from planner.catalog import Record
from planner.errors import DataError, UnknownName
from planner.hardware.prices.catalogues import PROVIDERS, Offer, as_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Price", "Region", "SpotPrice")
MOST_ROWS, MOST_BYTES = 500_000, 100_000_000
"""No cloud lists more; a larger file is something else, and is refused before it is read."""

_HOW = "Give a vms.csv of the SkyPilot catalogue: catalogs/v8/<cloud>/vms.csv."


def read_vms(path: str | Path, *, provider: str, today: date) -> list[Record]:
    """The prices in the file as rows of ours, dated with the day on which the file was written.

    Raises:
        UnknownName: no provider is called so.
        DataError: it is no such file, or far too large, contradicts itself, or holds no accelerator that we know.
    """
    if provider.lower() not in PROVIDERS:
        raise UnknownName.of("provider", provider, known=PROVIDERS)
    file = Path(path)
    if not file.is_file():
        raise DataError(f"There is no file {path}.", mend=_HOW)
    size = file.stat()
    if size.st_size > MOST_BYTES:
        raise DataError(f"{path} is far too large for a price table ({size.st_size:,} bytes).", mend=_HOW)
    month = f"{min(date.fromtimestamp(size.st_mtime), today):%Y-%m}"
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            _refuse_many_lines(text, path)
            text.seek(0)
            offers = list(_offers(csv.DictReader(text), path, provider))
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{path} is no text table.", mend=_HOW) from None
    _refuse_two_counts(offers, path)
    rows = as_rows("skypilot", offers, month=month, source="uploaded vms.csv")
    if not rows:
        raise DataError(f"{path} prices no accelerator that planner knows together with its machine.", mend=_HOW)
    return rows


def _refuse_many_lines(text: Iterator[str], path: str | Path) -> None:
    if sum(1 for _ in text) > MOST_ROWS + 1:
        raise DataError(f"{path} has more than {MOST_ROWS:,} rows, which no price table has.", mend=_HOW)


def _refuse_two_counts(offers: list[Offer], path: str | Path) -> None:
    """Raise where one instance type has now so many accelerators and now as many others."""
    counts: dict[tuple[str, str], int] = {}
    for offer in offers:
        known = counts.setdefault((offer.instance, offer.name), offer.gpus)
        if known != offer.gpus:
            raise DataError(
                f"{path} contradicts itself: {offer.instance} has {known} {offer.name} and {offer.gpus} {offer.name}.",
                mend=_HOW,
            )


def _offers(table: csv.DictReader[str], path: str | Path, provider: str) -> Iterator[Offer]:
    """The offers of each line. A line without an instance prices bare GPUs without their machine, and is left out."""
    missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
    if missing:
        raise DataError(f"{path} lacks the columns {', '.join(missing)}.", mend=_HOW)
    for row in table:
        currency = str(row.get("Currency") or "USD").strip().upper()
        if currency != "USD":
            raise DataError(f"{path} is in {currency}, not in US dollars.", mend="Convert its prices first.")
        if row["AcceleratorName"] and row["InstanceType"]:
            yield from _of_line(row, path, provider, table.line_num)


def _of_line(row: dict[str, str], path: str | Path, provider: str, line: int) -> Iterator[Offer]:
    try:
        gpus = float(row["AcceleratorCount"])
    except (TypeError, ValueError):
        raise DataError(f"{path}, line {line}: {row['AcceleratorCount']!r} is no count.", mend=_HOW) from None
    for column, spot in (("Price", False), ("SpotPrice", True)):
        if row[column] and row[column].strip().lower() != "nan" and gpus == int(gpus):
            yield Offer(
                name=row["AcceleratorName"],
                memory_gb=None,
                provider=provider,
                region=row["Region"] or "all",
                instance=row["InstanceType"],
                gpus=int(gpus),
                spot=spot,
                usd_per_hour=row[column].strip(),
            )
