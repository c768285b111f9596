"""What people see of a sweep: a progress bar while it runs, and sheets and tables before and after."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from experiments.config import Leg
from experiments.jobs import Ended, Event
from planner.errors import PlannerError
from planner.sheet import Finding, Row, Sheet
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tqdm import tqdm

    from experiments.ledger import Ledger, Record
    from experiments.run_sweep import Pace, Todo
    from experiments.tokens import Corpus
    from planner.fitting import Fit

FEWEST_RUNS_FOR_A_LAW = 8

LEAST_COMPRESSED_SHARE = 0.05
"""Prose keeps a third or more of its bytes under zlib, code a quarter; less than this is the same text again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Sheet):
    """What a sweep will take, before anything is spent."""

    todo: Todo
    workers: int
    pace: Pace

    @property
    def title(self) -> str:  # type: ignore[override]
        """The sweep's own title."""
        return self.todo.sweep.title

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """What is odd about the text."""
        return tuple(corpus_findings(self.todo.corpus))

    def rows(self) -> Iterable[Row]:
        """Counts, compute and time."""
        corpus, legs = self.todo.corpus, self.todo.legs
        yield Row("corpus", "Corpus", corpus.source, note=f"fingerprint {corpus.fingerprint}")
        yield Row("train_bytes", "Text to train on", corpus.train_bytes, "bytes")
        yield Row("held_out_bytes", "Text held out", corpus.held_out_bytes, "bytes")
        yield Row("documents", "Documents", corpus.documents, "count", f"{corpus.duplicates} duplicates dropped")
        yield Row("skipped", "Files skipped", corpus.skipped, "count", "binary, empty or of another kind")
        yield Row("recorded", "Runs recorded already", self.todo.recorded, "count")
        yield Row("runs", "Runs to do", len(legs), "count")
        yield Row("tokens", "Tokens to train on", sum(leg.tokens for leg in legs), "tokens")
        yield Row("flops", "Compute to spend", self.todo.flops, "flops", "runs of one size share their trunk")
        yield Row("workers", "Workers", self.workers, "count", "one thread each")
        seconds = self.todo.seconds(pace=self.pace, workers=self.workers)
        start = show(self.pace.start_seconds, "seconds")
        yield Row(
            "seconds", "Estimated time", seconds, "seconds", f"from a probe of this machine; workers start in {start}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Sheet):
    """What a sweep gave: its runs, and the law they fit."""

    name: str
    runs: int
    records: tuple[Record, ...]
    fit: Fit | None
    findings: tuple[Finding, ...]

    @property
    def title(self) -> str:  # type: ignore[override]
        """The sweep's name."""
        return f"Sweep {self.name}"

    def rows(self) -> Iterable[Row]:
        """Counts, cost and the law's coefficients."""
        finished = [record for record in self.records if record.status == "ok"]
        yield Row("finished", "Runs finished", len(finished), "count", f"of {self.runs}")
        yield Row("failed", "Runs failed", len(self.records) - len(finished), "count")
        seconds = sum(record.seconds for record in self.records)
        yield Row("cpu_seconds", "Training time, all workers", seconds, "seconds")
        if seconds:
            tokens = sum(record.tokens_done for record in self.records)
            yield Row("tokens_per_second", "Speed of a worker", tokens / seconds, "tokens/s")
        if finished:
            yield Row("loss", "Lowest held-out loss", min(record.loss or 0.0 for record in finished), "nats/token")
        if self.fit is not None:
            yield from self.fit.rows()


def summary(ledger: Ledger) -> Summary:
    """The summary of what a ledger records, with a law where the runs determine one."""
    sweep, corpus = ledger.serves()
    records = ledger.records()
    findings = list(corpus_findings(corpus))
    findings += [
        Finding("problem", f"Run {record.run} failed.", record.reason, "It is tried again by the next `run`.")
        for record in records
        if record.status == "failed"
    ]
    fit = None
    if sum(record.status == "ok" for record in records) >= FEWEST_RUNS_FOR_A_LAW:
        from planner.fitting import fit as fit_law

        try:
            fit = fit_law(ledger.export())
            findings += fit.findings
        except PlannerError as error:
            findings.append(Finding("note", "The runs give no law.", error.problem, error.mend))
    return Summary(name=sweep.name, runs=len(sweep.configs()), records=records, fit=fit, findings=tuple(findings))


def corpus_findings(corpus: Corpus) -> Iterable[Finding]:
    """What is odd about the text itself."""
    share = corpus.compressed_share
    if share is not None and share < LEAST_COMPRESSED_SHARE:
        yield Finding(
            "warning",
            "The text says the same again and again.",
            f"Compressed, {show(share, 'fraction')} of it is left; of ordinary text it is a quarter or more. "
            "Models learn it by heart, and the text held out repeats what they trained on.",
            "A law of these losses says nothing about other text. Give more varied text.",
        )


def table_text(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Columns aligned to the right under their header."""
    cells = [tuple(header), *map(tuple, lines)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def legs_text(legs: Iterable[Leg]) -> str:
    """Every run to do with its size, tokens and FLOPs."""
    return table_text(
        ("layers x width", "parameters", "tokens", "FLOPs"),
        (
            (
                leg.config.shape.label,
                show(leg.config.shape.params, "params"),
                show(leg.config.tokens, "tokens"),
                show(leg.config.flops, "flops"),
            )
            for leg in legs
        ),
    )


def records_text(records: Iterable[Record]) -> str:
    """Every record with its loss and time."""
    return table_text(
        ("run", "parameters", "tokens", "loss", "bits per byte", "time", "status"),
        (
            (
                record.run,
                show(record.params, "params"),
                show(record.tokens, "tokens"),
                show(record.loss, "nats/token"),
                show(record.bits_per_byte, "bits/byte"),
                show(record.seconds, "seconds"),
                record.status,
            )
            for record in records
        ),
    )


class Bar:
    """A progress bar over the work to do, on a terminal only, and a line for every run that ends."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._left = 0
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def begin(self, todo: Todo) -> None:
        """Start at nothing done of `todo`."""
        from tqdm import tqdm

        self._left = len(todo.legs)
        self._bar = tqdm(
            total=todo.work,
            smoothing=0,
            disable=True if self._quiet else None,
            bar_format="{percentage:3.0f} % |{bar}| {elapsed} spent, {remaining} left",
        )
        self._say(f"{todo.sweep.title}. {todo.recorded} runs are recorded, {self._left} to go.")
        for finding in corpus_findings(todo.corpus):
            self._say(str(finding))

    def __call__(self, event: Event) -> None:
        if isinstance(event, Ended):
            self._left -= 1
            self._say(f"{ended_text(event.record)}; {self._left} to go")
        elif self._bar is not None:
            self._bar.update(Leg(event.config, 1).work)

    def _say(self, line: str) -> None:
        if self._bar is not None and not self._quiet:
            self._bar.write(line, file=sys.stderr)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def ended_text(record: Record) -> str:
    """One line about a run that has ended."""
    size = f"{show(record.params, 'params')}, {show(record.tokens, 'tokens')}"
    result = show(record.loss, "nats/token") if record.status == "ok" else f"failed: {record.reason}"
    return f"{size}: {result} in {show(record.seconds, 'seconds')}"
