"""report(...) -> Report: one HTML page for the meeting, with figures, that opens without a network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from planner.advising import UseCase
from planner.charts import bars_figure, offline_html, on_page
from planner.errors import DataError, InputError
from planner.planning import Plan
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from planner.advising import Advice
    from planner.costing import Cost
    from planner.fitting import Fit
    from planner.sheet import Finding, Sheet

BILL = "The bill if exactly this model is trained: its size is decided, so the dollars carry the range."
"""What the bill assumes, where the plan is shown beside it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """A plan and what was said about it, ready to be drawn as one page."""

    plan: Plan
    cost: Cost | None
    advice: Advice | None
    fit: Fit | None
    made_on: date

    def to_html(self) -> str:
        """The page: the verdict, the plan with its numbers and figures, the bill, the advice, the fit, the sources."""
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
        if self.advice is not None:
            yield f"<p class='lead'>Should we train at all?</p><p class='answer'>{escape(self.advice.title)}</p>"
            yield "<p class='lead'>If we train:</p>"
        yield f"<p class='answer'>{escape(self.plan.title)}</p>"
        yield from self._asked()
        yield from _findings(self.plan.findings)
        yield "<h2>The plan</h2>" + _table(self.plan)
        yield "<h2>Loss against compute</h2>" + _drawn(on_page(self.plan.figure()), first=True)
        if self.cost is not None:
            yield f"<h2>What it costs</h2><p>{BILL}</p>" + _table(self.cost) + self._bars()
            yield from _findings(self.cost.findings)
        if self.advice is not None:
            yield "<h2>Should we train at all?</h2>" + "".join(_advice(self.advice))
        if self.fit is not None:
            yield from self._sweep(self.fit)
        yield "<h2>Where the numbers come from</h2>" + self._sources()

    def _asked(self) -> Iterable[str]:
        """The calls that give the same answers again."""
        asked = _call("plan", {name: value for name, value in self.plan.inputs.items() if value not in (None, 0)})
        if self._follows_fit:
            law = self.plan.calibration
            asked = asked.replace(f"law={law.name!r}", f"law=fit({law.source!r})")
        calls = [asked]
        if self.advice is not None:
            default = {**UseCase().to_dict(), "as_of": None}
            case = self.advice.case.to_dict()
            calls.append(_call("UseCase", {name: it for name, it in case.items() if it != default.get(name)}))
        yield f"<p class='asked'>Asked: {' and '.join(f'<code>{escape(call)}</code>' for call in calls)}</p>"

    @property
    def _follows_fit(self) -> bool:
        """Whether the plan follows the law that was fitted; a limit on its tokens leaves the name as it is."""
        return self.fit is not None and self.fit.calibration.name == self.plan.calibration.name

    def _sweep(self, fit: Fit) -> Iterable[str]:
        """The fit, whether the plan follows it, and how far its runs are from the plan."""
        law = self.plan.calibration
        reach, goal = show(fit.calibration.flops_max, "flops"), show(float(self.plan.flops), "flops")
        about = (
            f"{len(fit.law_runs.frame)} runs from {fit.runs.source}, met to within {show(fit.error, 'fraction')}. "
            f"The largest took {reach}; this plan takes {goal}."
        )
        if self._follows_fit:
            yield f"<h2>The law and its runs</h2><p>The plan above follows the law fitted to {escape(about)}</p>"
        else:
            said = f"Nothing above follows from it: the plan uses {law.title}. A law fitted to {about}"
            yield f"<h2>Our own sweep (not used above)</h2><p>{escape(said)}</p>"
        yield _table(fit)
        yield from (_drawn(on_page(fit.figure(view)), first=False) for view in ("runs", "fan"))
        yield from _findings(fit.findings)

    def _bars(self) -> str:
        if self.cost is None:
            return ""
        parts = self.cost.parts[self.cost.parts["in_total"]]
        if parts.empty:
            return ""
        columns = (parts[name].tolist() for name in ("part", "usd", "low", "high"))
        return _drawn(bars_figure(*columns), first=False)

    def _sources(self) -> str:
        from importlib.metadata import version

        law = self.plan.calibration
        lines = [
            f"Law: {law.title}. {', '.join(part for part in (law.source, law.as_of) if part)}.",
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
    rows = [(row.label, row.text, row.range_text, row.note) for row in sheet.rows()]
    return _grid(("Quantity", "Value", "90 % range", "Basis"), rows)


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells carry their heading, which stands before them where the page is narrow."""
    names = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    body = "".join(
        f"<tr><th scope='row'>{escape(row[0])}</th>"
        + "".join(
            f"<td data-label='{escape(name)}'>{escape(cell)}</td>" for name, cell in zip(head[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f"<div class='wide'><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"


def _advice(advice: Advice) -> Iterable[str]:
    yield "".join(f"<p class='problem'>{escape(text)}</p>" for text in advice.contradictions)
    yield f"<p>{escape(advice.confidence_text)}.</p>"
    for heading, texts in advice._lists():
        if texts:
            yield f"<h3>{escape(heading)}</h3><ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>"
    names, *options = advice._table()
    yield _grid(names, options) + f"<p>{escape(advice._basis())}</p>"


def _drawn(figure: Any, *, first: bool) -> str:
    return f"<figure>{offline_html(figure, first=first)}</figure>"


def _call(name: str, inputs: dict[str, Any]) -> str:
    """The call of the library with these keywords, as Python; a cluster in it as its own call."""
    return f"{name}({', '.join(f'{key}={_written(value)}' for key, value in inputs.items())})"


def _written(value: object) -> str:
    if isinstance(value, dict):
        return _call(
            "Estimate" if "low" in value else "Cluster", {k: v for k, v in value.items() if k != "kind" or v != "dense"}
        )
    return f"{value:.15g}" if isinstance(value, float) else repr(value)


def _findings(findings: tuple[Finding, ...]) -> Iterable[str]:
    for finding in findings:
        text = " ".join(part for part in (finding.because, finding.todo) if part)
        yield f"<p class='{finding.level}'><strong>{escape(finding.title)}</strong> {escape(text)}</p>"


_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2937; margin: 0; background: #fff; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #d1d5db; }
h3 { font-size: 1rem; margin: 1rem 0 0; } ul { margin: .3rem 0; } figure { margin: 1rem 0; break-inside: avoid; }
.lead { margin-bottom: 0; color: #4b5563; }
.answer { font-size: 1.25rem; font-weight: 600; margin-top: 0; }
.asked { color: #4b5563; font-size: .85rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #e5e7eb; vertical-align: top; }
thead th { color: #4b5563; font-size: .85rem; } tbody th { font-weight: 500; }
td:last-child { color: #4b5563; font-size: .85rem; }
tr, p { break-inside: avoid; }
p.note, p.warning, p.problem { border-left: 4px solid #6b7280; padding: .3rem .8rem; background: #f3f4f6; }
p.warning { border-color: #b45309; background: #fffbeb; } p.problem { border-color: #b91c1c; background: #fef2f2; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr, tbody th, td { display: block; border: 0; padding: .1rem 0; }
  tr { border-bottom: 1px solid #e5e7eb; padding: .4rem 0; }
  tbody th { font-weight: 600; } td:empty { display: none; }
  td::before { content: attr(data-label) ": "; color: #4b5563; }
}
@page { margin: 15mm; }
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } }
"""
