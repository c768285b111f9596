"""report(...) -> Report: one HTML page for the meeting, with figures, that opens without a network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from planner.charts import bars_figure, offline_html
from planner.errors import DataError, InputError
from planner.planning import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.advising import Advice
    from planner.costing import Cost
    from planner.fitting import Fit
    from planner.sheet import Finding, Sheet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """A plan and what was said about it, ready to be drawn as one page."""

    plan: Plan
    cost: Cost | None
    advice: Advice | None
    fit: Fit | None
    made_on: date

    def to_html(self) -> str:
        """The page: the answer, its numbers and figures, the bill, the advice, the fit, then the sources."""
        body = "\n".join(self._sections())
        title = escape(f"Training plan: {self.plan.goal.text}")
        return (
            f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
            f"<meta name='viewport' content='width=device-width, initial-scale=1'><style>{_STYLE}</style></head>"
            f"<body><main>{body}</main></body></html>\n"
        )

    def save(self, path: str | Path) -> Path:
        """Write the page to `path` and give the path back.

        Raises:
            DataError: the file cannot be written.
        """
        target = Path(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(self.to_html(), encoding="utf-8")
        except OSError as error:
            raise DataError(f"{target} cannot be written: {error.strerror}.", mend="Choose another path.") from None
        return target

    def _repr_html_(self) -> str:
        return self.to_html()

    def _sections(self) -> Iterable[str]:
        yield "<h1>Training plan</h1>"
        yield f"<p class='answer'>{escape(self.plan.title)}</p>"
        if self.advice is not None:
            yield f"<p class='answer'>{escape(self.advice.title)}</p>"
        yield from _findings(self.plan.findings)
        yield "<h2>The plan</h2>" + _table(self.plan)
        yield "<h2>Loss against compute</h2>" + offline_html(self.plan.figure(), first=True)
        if self.cost is not None:
            yield "<h2>What it costs</h2>" + _table(self.cost) + self._bars()
            yield from _findings(self.cost.findings)
        if self.advice is not None:
            yield "<h2>Should we train at all?</h2>" + f"<div class='wide'>{self.advice._repr_html_()}</div>"
        if self.fit is not None:
            yield "<h2>The law and its runs</h2>" + _table(self.fit) + offline_html(self.fit.figure(), first=False)
            yield from _findings(self.fit.findings)
        yield "<h2>Where the numbers come from</h2>" + self._sources()

    def _bars(self) -> str:
        if self.cost is None:
            return ""
        parts = self.cost.parts[self.cost.parts["in_total"]]
        if parts.empty:
            return ""
        columns = (parts[name].tolist() for name in ("part", "usd", "low", "high"))
        return offline_html(bars_figure(*columns), first=False)

    def _sources(self) -> str:
        from importlib.metadata import version

        law = self.plan.calibration
        lines = [
            f"Law: {law.title}. {law.source}. {law.notes}",
            f"Range of the law: {law.basis}, run-to-run noise, and the drift of extrapolation.",
            "All ranges are 90 % ranges. Compute is 6 x parameters x tokens.",
        ]
        if self.plan.cluster is not None:
            lines.append(f"Utilisation: {self.plan.cluster.utilisation_basis}.")
            lines.append(f"Price: {self.plan.cluster.price_basis}.")
        lines.append(f"Made on {self.made_on.isoformat()} with planner {version('planner')}.")
        return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def report(plan: Plan, *, cost: Cost | None = None, advice: Advice | None = None, fit: Fit | None = None) -> Report:
    """The page for `plan`, with a section for each of the others that is given.

    Raises:
        InputError: `plan` is no Plan.
    """
    if not isinstance(plan, Plan):
        raise InputError(f"A {type(plan).__name__} is no plan.", mend="Give what plan(...) returns.")
    return Report(plan=plan, cost=cost, advice=advice, fit=fit, made_on=date.today())


def _table(sheet: Sheet) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{escape(row.label)}</th><td>{escape(row.text)}</td><td>{escape(row.range_text)}</td>"
        f"<td class='note'>{escape(row.note)}</td></tr>"
        for row in sheet.rows()
    )
    head = "".join(f"<th scope='col'>{name}</th>" for name in ("Quantity", "Value", "90 % range", "Basis"))
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"


def _findings(findings: tuple[Finding, ...]) -> Iterable[str]:
    for finding in findings:
        text = " ".join(part for part in (finding.because, finding.todo) if part)
        yield f"<p class='{finding.level}'><strong>{escape(finding.title)}</strong> {escape(text)}</p>"


_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2937; margin: 0; background: #fff; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #d1d5db; }
.answer { font-size: 1.25rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #e5e7eb; vertical-align: top; }
thead th { color: #4b5563; font-size: .85rem; } tbody th { font-weight: 500; }
.note { color: #4b5563; font-size: .85rem; }
.note, .warning, .problem { break-inside: avoid; }
p.note, p.warning, p.problem { border-left: 4px solid #6b7280; padding: .3rem .8rem; background: #f3f4f6; }
p.warning { border-color: #b45309; background: #fffbeb; } p.problem { border-color: #b91c1c; background: #fef2f2; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr, tbody th, td { display: block; border: 0; padding: .1rem 0; }
  tr { border-bottom: 1px solid #e5e7eb; padding: .4rem 0; }
}
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } }
"""
