"""What published training runs and benchmarks achieved, from published_runs.csv and mfu.csv."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from statistics import median

from planner.catalog import Record as Line
from planner.catalog import records
from planner.hardware.accelerators import Accelerator
from planner.hardware.utilisation.terms import LOW_PRECISION, Facts
from planner.hardware.utilisation.values import Kind, Precision

MOST_EXPECTED = 0.9
"""No steady MFU is expected above it, whatever was published of the bf16 peak in lower precision: our assumption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRun:
    """What one published run took. `usd` is what its source states, None where it states nothing."""

    key: str
    name: str
    facts: Facts
    params: float
    tokens: float
    gpus: int | None
    gpu_hours: float
    utilisation: float
    usd: float | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyFigure:
    """The MFU of steady training steps that the makers of a model state; `run` is the run it belongs to, or ''."""

    facts: Facts
    run: str
    mfu: float


@dataclass(frozen=True, slots=True)
class Record:
    """The highest MFU that anyone has published for some hardware, and who."""

    mfu: float
    name: str
    source: str


@cache
def published_runs() -> tuple[PublishedRun, ...]:
    """The runs of published_runs.csv from which utilisation is predicted."""
    return tuple(_run(row) for row in records("published_runs") if row["use_in_fit"] == "yes")


@cache
def steady_figures() -> tuple[SteadyFigure, ...]:
    """The figures of mfu.csv from which steady MFU is predicted: production runs whose makers state it."""
    tokens = {row["key"]: row["tokens"] for row in records("published_runs")}
    return tuple(
        SteadyFigure(facts=_facts(row, tokens.get(row["run"], ""), row["as_of"]), run=row["run"], mfu=float(row["mfu"]))
        for row in records("mfu")
        if row["use_in_fit"] == "yes"
    )


def highest_published() -> PublishedRun:
    """The run that got most out of its hardware, as a whole."""
    return max(published_runs(), key=lambda run: run.utilisation)


def highest_mfu(family: str, precision: Precision | None, kind: Kind = "moe") -> Record | None:
    """The highest steady MFU published for this family at this precision, of the bf16 peak; None where there is none.

    bf16 and fp16 count as one, also where no precision is named. A dense model is compared with dense ones, a mixture
    with all. Figures that count recomputation do not.
    """
    records_of_it = [one.record for one in _comparable(precision, kind) if one.family == family]
    return max(records_of_it, key=lambda record: record.mfu, default=None)


@cache
def ceiling(family: str, precision: Precision | None, kind: Kind, known: frozenset[str]) -> float:
    """The most that a steady MFU may be expected to be, by the figures of `known` runs and of no run at all.

    The highest published for such models on this family; where there is none, the middle of the other families'.
    """
    best: dict[str, float] = {}
    for one in _comparable(precision, kind):
        if not one.run or one.run in known:
            best[one.family] = max(one.record.mfu, best.get(one.family, 0.0))
    return min(best.get(family, median(best.values())), MOST_EXPECTED)


@dataclass(frozen=True, slots=True)
class _Published:
    """A record that some model set on some family; `run` is the run it belongs to, or ''."""

    record: Record
    run: str
    family: str
    kind: str
    precision: str | None


@cache
def _published() -> tuple[_Published, ...]:
    """Every steady MFU stated, and the utilisation of every published run, below which its MFU cannot have been."""
    stated = [
        _Published(
            Record(float(row["mfu"]), row["model"], row["source"]),
            row["run"],
            Accelerator.of(row["accelerator"]).family,
            row["kind"],
            row["precision"],
        )
        for row in records("mfu")
        if row["mfu"]
    ]
    implied = [
        _Published(
            Record(run.utilisation, run.name, run.source),
            run.key,
            run.facts.accelerator.family,
            run.facts.kind,
            run.facts.precision,
        )
        for run in published_runs()
    ]
    return (*stated, *implied)


@cache
def _comparable(precision: Precision | None, kind: Kind) -> tuple[_Published, ...]:
    """What such a model can be compared with on any hardware."""
    named = (LOW_PRECISION,) if precision == LOW_PRECISION else ("bf16", "fp16")
    return tuple(one for one in _published() if one.precision in named and (kind == "moe" or one.kind == "dense"))


def _run(row: Line) -> PublishedRun:
    facts = _facts(row, row["tokens"], row["date"])
    hours = float(row["gpu_hours"])
    return PublishedRun(
        key=row["key"],
        name=row["name"],
        facts=facts,
        params=float(row["params"]),
        tokens=float(row["tokens"]),
        gpus=int(row["gpus"]) if row["gpus"] else None,
        gpu_hours=hours,
        utilisation=float(row["flops"]) / (hours * 3600 * facts.accelerator.flops_per_second),
        usd=_number(row["usd"]),
        source=row["source"],
    )


def _facts(row: Line, tokens: str, month: str) -> Facts:
    kind: Kind = "moe" if row["kind"] == "moe" else "dense"
    return Facts(
        accelerator=Accelerator.of(row["accelerator"]),
        kind=kind,
        precision=row["precision"] or None,  # type: ignore[arg-type]
        active_params=_number(row["params_active"] or row["params"]),
        tokens=_number(tokens),
        gpus=_number(row["gpus"]),
        month=month,
    )


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
