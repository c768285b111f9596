"""validate_forecasts() -> Forecasts: how far forecasts of the loss were off, as the benchmarks measured them.

The measurements take minutes, so they are tabled in data/extrapolation.csv with their date; nothing is measured here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.catalog import Record, records
from planner.sheet import Row, Sheet
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABELS = {
    "public tables": "Public run tables",
    "small sweeps": "Small sweeps from them",
    "simulated sweeps": "Simulated sweeps, 100 times beyond",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One group of forecasts: fractions of the loss, the factor of the best size, shares inside 90 % ranges.

    `cases` is None where the benchmark states no count, `plain_error` where no bare fit was made, the sizes where
    the best size is not known.
    """

    study: str
    case: str
    cases: int | None
    error: float
    plain_error: float | None
    half_width: float
    held_90: float
    size_factor: float | None
    size_held_90: float | None
    source: str
    as_of: str

    @property
    def note(self) -> str:
        """What the row says besides the error, in words."""
        parts = [f"{show(self.held_90, 'fraction')} inside the 90 % range of +-{show(self.half_width, 'fraction')}"]
        if self.plain_error is not None:
            parts.append(f"a bare fit is off by {show(self.plain_error, 'fraction')}")
        if self.size_factor is not None and self.size_held_90 is not None:
            held = show(self.size_held_90, "fraction")
            parts.append(f"the best size is off by {show(self.size_factor)}x, {held} inside its range")
        if self.cases is not None:
            parts.append(f"{show(float(self.cases), 'count')} cases")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts(Sheet):
    """All studies, as they were measured."""

    studies: tuple[Study, ...]

    title = "Losses forecast beyond the runs of a fit, against what was measured there"

    def rows(self) -> Iterator[Row]:
        """One line per study: the relative error, and how often ranges held."""
        for number, study in enumerate(self.studies, start=1):
            label = f"{_LABELS[study.study]}: {study.case}"
            yield Row(f"study_{number}", label, study.error, "fraction", study.note)
        last = self.studies[-1]
        yield Row("as_of", "Measured", last.as_of, "", "tests/benchmarks/README.md")


def validate_forecasts() -> Forecasts:
    """How far forecasts of the loss were off, by data/extrapolation.csv."""
    return Forecasts(studies=tuple(_study(row) for row in records("extrapolation")))


def _study(row: Record) -> Study:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return Study(
        study=row["study"],
        case=row["case"],
        cases=int(row["cases"]) if row["cases"] else None,
        error=float(row["error"]),
        plain_error=number("plain_error"),
        half_width=float(row["half_width"]),
        held_90=float(row["held_90"]),
        size_factor=number("size_factor"),
        size_held_90=number("size_held_90"),
        source=row["source"],
        as_of=row["as_of"],
    )
