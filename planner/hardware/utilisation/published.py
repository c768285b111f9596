"""What published training runs and benchmarks achieved, from published_runs.csv and mfu.csv."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from planner.catalog import Record as Line
from planner.catalog import records
from planner.hardware.accelerators import Accelerator
from planner.hardware.utilisation.terms import Facts
from planner.hardware.utilisation.values import Kind, Precision


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


@cache
def highest_mfu(family: str, precision: Precision | None) -> Record | None:
    """The highest steady MFU published for this family at this precision, of the bf16 peak; None where there is none.

    Where no precision is named, bf16 and fp16 count. Figures that count recomputation do not.
    """
    named = ("bf16", "fp16") if precision is None else (precision,)
    stated = [
        Record(float(row["mfu"]), row["model"], row["source"])
        for row in records("mfu")
        if row["mfu"] and row["precision"] in named and Accelerator.of(row["accelerator"]).family == family
    ]
    implied = [
        Record(run.utilisation, run.name, run.source)
        for run in published_runs()
        if run.facts.accelerator.family == family and run.facts.precision in named
    ]
    return max(stated + implied, key=lambda record: record.mfu, default=None)


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
