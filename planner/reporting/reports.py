"""Reports: what is said about a plan, about an advice, or about both, in the order in which a meeting reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.advising import Advice, Assumption, UseCase
from planner.errors import DataError, InputError, MissingExtra
from planner.planning import Plan
from planner.reporting.blocks import Block, Calls, Curve, Figure, Grid, Heading, Line, Points, Steps
from planner.reporting.pages import html_of
from planner.units import show, show_range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.costing import Cost
    from planner.fitting import Fit
    from planner.sheet import Sheet

BILL = "The bill if exactly this model is trained: its size is decided, so the dollars carry the range."
"""What the bill assumes, where the plan is shown beside it."""
ASK = "Should we train at all?"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """A plan and what was said about it, or an advice alone, ready to be drawn as a page or as a paper."""

    plan: Plan | None
    cost: Cost | None
    advice: Advice | None
    fit: Fit | None
    made_on: date

    @property
    def title(self) -> str:
        """What the page is called."""
        return ASK if self.plan is None else f"Training plan: {self.plan.goal.text}"

    def to_html(self) -> str:
        """The page: the verdict, the plan with its numbers and figures, the bill, the advice, the fit, the sources.

        Raises:
            MissingExtra: the page has figures, and Plotly is not installed.
        """
        return html_of(self.title, self.blocks())

    def to_pdf(self) -> bytes:
        """The same as a PDF with text that can be searched and figures of lines; of a fit, it draws the forecast only.

        Raises:
            MissingExtra: ReportLab is not installed.
        """
        try:
            from planner.reporting.papers import pdf_of
        except ImportError:
            raise MissingExtra.of("reportlab", extra="pdf") from None
        return pdf_of(self.title, self.blocks())

    def save(self, path: str | Path) -> Path:
        """Write the report to `path`, as PDF or HTML by how its name ends, and give the path back.

        Raises:
            InputError: the name ends in something else.
            DataError: the file cannot be written.
            MissingExtra: a package that this kind of file needs is not installed.
        """
        target = Path(path)
        ending = target.suffix.lower()
        if ending not in (".pdf", ".html", ".htm"):
            raise InputError(f"A report cannot be written as {target.name}.", mend="End its name in .html or .pdf.")
        content = self.to_pdf() if ending == ".pdf" else self.to_html().encode()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise DataError(f"{target} cannot be written: {error.strerror}.", mend="Choose another path.") from None
        return target

    def _repr_html_(self) -> str:
        return self.to_html()

    def blocks(self) -> Iterable[Block]:
        """All of it in reading order."""
        yield from self._answer()
        if self.plan is not None:
            yield from _planned(self.plan)
        if self.cost is not None:
            yield from _billed(self.cost)
        if self.advice is not None:
            yield from _advised(self.advice, alone=self.plan is None)
        if self.plan is not None and self.fit is not None:
            yield from _swept(self.plan, self.fit)
        yield Heading("Where the numbers come from")
        yield Points(tuple(self._sources()))

    def _answer(self) -> Iterable[Block]:
        """Verdict and plan in a sentence each, and the calls that give them again."""
        yield Heading(ASK if self.plan is None else "Training plan", 1)
        if self.advice is not None:
            if self.plan is not None:
                yield Line(ASK, "lead")
            yield Line(self.advice.title, "answer")
        if self.plan is not None:
            if self.advice is not None:
                yield Line("If we train:", "lead")
            yield Line(self.plan.title, "answer")
        yield Calls(tuple(self._calls()))

    def _calls(self) -> Iterable[str]:
        if self.plan is not None:
            call = _call("plan", {name: value for name, value in self.plan.inputs.items() if value not in (None, 0)})
            law = self.plan.calibration
            own = self.fit is not None and _follows(self.plan, self.fit)
            yield call.replace(f"law={law.name!r}", f"law=fit({law.source!r})") if own else call
        if self.advice is not None:
            default = {**UseCase().to_dict(), "as_of": None}
            case = self.advice.case.to_dict()
            yield _call("UseCase", {name: said for name, said in case.items() if said != default.get(name)})

    def _sources(self) -> Iterable[str]:
        from importlib.metadata import version

        if self.plan is not None:
            law = self.plan.calibration
            yield f"Law: {law.title}. {', '.join(part for part in (law.source, law.as_of) if part)}."
            yield f"Range of the law: {law.basis}, run-to-run noise, and the drift of extrapolation."
            yield "All ranges are 90 % ranges. Compute is 6 x parameters x tokens."
            if self.plan.cluster is not None:
                yield f"Utilisation: {self.plan.cluster.utilisation_basis}."
                yield f"Price: {self.plan.cluster.price_basis}."
        elif self.advice is not None:
            yield f"Law: {self.advice.law}. All ranges are 90 % ranges."
            yield f"Dollars: {self.advice.prices}."
        yield f"Made on {self.made_on.isoformat()} with planner {version('planner')}."


def report(
    plan: Plan | Advice, *, cost: Cost | None = None, advice: Advice | None = None, fit: Fit | None = None
) -> Report:
    """The report on `plan`, with a section for each of the others that is given; or on an advice alone.

    Raises:
        InputError: `plan` is neither a Plan nor an Advice, or stands beside an Advice given in its place.
    """
    if isinstance(plan, Advice):
        if cost is not None or advice is not None or fit is not None:
            raise InputError(
                "A report on an advice alone has no other sections.",
                mend="Give the plan first, and advice=... beside it.",
            )
        return Report(plan=None, cost=None, advice=plan, fit=None, made_on=date.today())
    if not isinstance(plan, Plan):
        raise InputError(f"A {type(plan).__name__} is no plan.", mend="Give what plan(...) or advise(...) returns.")
    return Report(plan=plan, cost=cost, advice=advice, fit=fit, made_on=date.today())


def _planned(plan: Plan) -> Iterable[Block]:
    yield from plan.findings
    yield Heading("The plan")
    yield _table(plan)
    yield Heading("Loss against compute")
    frontier = plan.frontier()
    yield Figure(
        "The best loss for each amount of compute with its 90 % range; the point is this plan.",
        plan.figure,
        Curve(
            flops=frontier["flops"].to_numpy(),
            loss=frontier["loss"].to_numpy(),
            low=frontier["low"].to_numpy(),
            high=frontier["high"].to_numpy(),
            chosen=(plan.lifetime_flops, float(plan.loss)),
            fitted_to=plan.calibration.flops_max,
            x_title="Training and serving compute (FLOPs)",
            y_title=f"Loss ({plan.calibration.loss_unit})",
        ),
    )


def _billed(cost: Cost) -> Iterable[Block]:
    yield Heading("What it costs")
    yield Line(BILL)
    yield _table(cost)
    if cost.total_usd is not None:
        paid = [part for part in cost.items if part.in_total]
        yield Figure(
            "Each bar adds to the one above it; the last is the whole bill with its 90 % range.",
            cost.figure,
            Steps(
                tuple(part.name for part in paid),
                tuple(float(part.usd) for part in paid),
                ("The whole bill", cost.total_usd),
            ),
        )
    yield from cost.findings


def _advised(advice: Advice, *, alone: bool) -> Iterable[Block]:
    if not alone:
        yield Heading(ASK)
    yield from (Line(text, "problem") for text in advice.contradictions)
    yield Line(f"{advice.confidence_text}.")
    for heading, texts in advice._lists():
        if texts:
            yield Heading(heading, 3)
            yield Points(tuple(texts))
    head, *options = advice._table()
    yield Heading("The options side by side", 3)
    yield Grid(head, tuple(options))
    yield Line(advice._basis())
    if alone:
        yield Heading("What this rests on")
        yield Grid(("Number", "Value", "90 % range", "Basis"), tuple(_assumptions(advice)))


def _assumptions(advice: Advice) -> Iterable[tuple[str, ...]]:
    for assumed in advice.assumptions:
        value = assumed.value
        spread = "" if value.is_exact else show_range(value.low, value.high, assumed.unit)
        yield assumed.label, show(value, assumed.unit), spread, basis_of(assumed)


def basis_of(assumed: Assumption) -> str:
    """Where an assumption of the advice comes from, and its date; one of ours is called so."""
    if assumed.confidence != "assumption":
        return f"{assumed.source}, {assumed.as_of}"
    why = assumed.source.removeprefix("ours").lstrip(":;, ")
    return f"our assumption{f': {why}' if why else ''}, {assumed.as_of}"


def _follows(plan: Plan, fit: Fit) -> bool:
    """Whether the plan follows the law that was fitted; a limit on its tokens leaves the name as it is."""
    return fit.calibration.name == plan.calibration.name


def _swept(plan: Plan, fit: Fit) -> Iterable[Block]:
    """The fit, whether the plan follows it, and how far its runs are from the plan."""
    law = plan.calibration
    reach, goal = show(fit.calibration.flops_max, "flops"), show(float(plan.flops), "flops")
    about = (
        f"{len(fit.law_runs.frame)} runs from {fit.runs.source}, met to within {show(fit.error, 'fraction')}. "
        f"The largest took {reach}; this plan takes {goal}."
    )
    if _follows(plan, fit):
        yield Heading("The law and its runs")
        yield Line(f"The plan above follows the law fitted to {about}")
    else:
        yield Heading("Our own sweep (not used above)")
        yield Line(f"Nothing above follows from it: the plan uses {law.title}. A law fitted to {about}")
    yield _table(fit)
    yield Figure("Measured and fitted loss of each run.", lambda: fit.figure("runs"))
    yield Figure(
        "The best loss for each amount of compute with its 90 % range; the points are the runs.",
        lambda: fit.figure("fan"),
        _forecast(fit),
    )
    yield from fit.findings


def _forecast(fit: Fit) -> Curve:
    """The forecast of a fit, from its smallest run to a hundred times its largest."""
    import numpy as np

    runs, reach = fit.runs, fit.calibration.flops_max
    flops = np.geomspace(runs.column("flops").min(), 100 * reach, 61)
    low, high = fit.predict_interval(*fit.optimum(flops), 0.9)
    return Curve(
        flops=flops,
        loss=fit.predict(*fit.optimum(flops)),
        low=low,
        high=high,
        runs=(runs.column("flops"), runs.column("loss")),
        fitted_to=reach,
        x_title="Training compute (FLOPs)",
        y_title=f"Loss ({runs.loss_unit})",
    )


def _table(sheet: Sheet) -> Grid:
    rows = tuple((row.label, row.text, row.range_text, row.note) for row in sheet.rows())
    return Grid(("Quantity", "Value", "90 % range", "Basis"), rows)


def _call(name: str, inputs: dict[str, Any]) -> str:
    """The call of the library with these keywords, as Python; a cluster in it as its own call."""
    return f"{name}({', '.join(f'{key}={_written(value)}' for key, value in inputs.items())})"


def _written(value: object) -> str:
    if isinstance(value, dict):
        return _call(
            "Estimate" if "low" in value else "Cluster", {k: v for k, v in value.items() if k != "kind" or v != "dense"}
        )
    return f"{value:.15g}" if isinstance(value, float) else repr(value)
