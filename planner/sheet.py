"""Sheet: a result states its rows once and is drawn from them as text, HTML, a DataFrame or a dictionary."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from planner.estimate import Estimate
from planner.units import show, show_range

if TYPE_CHECKING:
    import pandas as pd

Level = Literal["note", "warning", "problem"]
Cell = float | str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the reader of a result must know: what, why, and what to do about it."""

    level: Level
    title: str
    because: str = ""
    todo: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.level}: {self.title}", self.because, self.todo) if part)

    def to_dict(self) -> dict[str, str]:
        """The four texts under their names."""
        return {"level": self.level, "title": self.title, "because": self.because, "todo": self.todo}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a result: its field's name, what people call it, the value with its unit, and where it comes from."""

    key: str
    label: str
    value: Cell
    unit: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """The value for a person."""
        return show(self.value, self.unit)

    @property
    def range_text(self) -> str:
        """The interval for a person, or '' where there is none."""
        if not isinstance(self.value, Estimate) or self.value.is_exact:
            return ""
        return show_range(self.value.low, self.value.high, self.unit)


class Sheet:
    """Base of every result: subclasses yield `rows()` and may have `findings`; this class only draws them."""

    __slots__ = ()

    title: str = ""
    findings: tuple[Finding, ...] = ()

    def rows(self) -> Iterable[Row]:
        """The lines of this result, in reading order."""
        raise NotImplementedError

    def __str__(self) -> str:
        rows = list(self.rows())
        ranged = [row for row in rows if row.range_text]
        labels = max((len(row.label) for row in rows), default=0)
        values = max((len(row.text) for row in ranged), default=0)
        both = max((values + 2 + len(row.range_text) for row in ranged), default=0)
        lines = [self.title] if self.title else []
        if ranged:
            lines.append(f"  {'':<{labels}}  {'':<{values}}  {'90 % range':<{both - values - 2}}  basis")
        for row in rows:
            # A text without a range may run on into the column of ranges.
            value = f"{row.text:<{values}}  {row.range_text}" if row.range_text else row.text
            lines.append(f"  {row.label:<{labels}}  {value:<{both}}  {row.note}".rstrip())
        for finding in self.findings:
            lines.append(f"{finding.level}: {finding.title}")
            lines += [f"  {text}" for text in (finding.because, finding.todo) if text]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = list(self.rows())
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in ("", "Value", "90 % range", "Basis"))
        body = "".join(
            f"<tr><th scope='row' style='text-align:left'>{escape(row.label)}</th><td>{escape(row.text)}</td>"
            f"<td>{escape(row.range_text)}</td><td>{escape(row.note)}</td></tr>"
            for row in rows
        )
        notes = "".join(
            f"<li><b>{escape(finding.title)}</b> {escape(finding.because)} {escape(finding.todo)}</li>"
            for finding in self.findings
        )
        caption = f"<caption style='text-align:left'><b>{escape(self.title)}</b></caption>" if self.title else ""
        table = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return table + (f"<ul>{notes}</ul>" if notes else "")

    def to_dict(self) -> dict[str, Any]:
        """Each row's value under its key, an estimate as value, low, high and level; then the findings."""
        record: dict[str, Any] = {row.key: _plain(row.value) for row in self.rows()}
        record["findings"] = [finding.to_dict() for finding in self.findings]
        return record

    def to_json(self) -> str:
        """`to_dict` as JSON text; infinity and NaN, which JSON lacks, become null."""
        return json.dumps(_finite(self.to_dict()), indent=2, allow_nan=False)

    def to_frame(self) -> pd.DataFrame:
        """One line per row, with the columns label, value, low, high, level, unit and note, indexed by key."""
        import pandas as pd

        rows = list(self.rows())
        bounds = [row.value if isinstance(row.value, Estimate) else None for row in rows]
        columns: dict[str, list[Any]] = {
            "label": [row.label for row in rows],
            "value": [float(row.value) if isinstance(row.value, Estimate) else row.value for row in rows],
            "low": [None if bound is None else bound.low for bound in bounds],
            "high": [None if bound is None else bound.high for bound in bounds],
            "level": [None if bound is None else bound.level for bound in bounds],
            "unit": [row.unit for row in rows],
            "note": [row.note for row in rows],
        }
        return pd.DataFrame(columns, index=pd.Index([row.key for row in rows], name="key"))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Cell) -> Any:
    return value.to_dict() if isinstance(value, Estimate) else value
