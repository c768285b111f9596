"""What people see of a sweep: a live table while it runs, and sheets and tables before and after."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from experiments.cautions import cautions
from experiments.config import Leg, chains
from experiments.following import Ended, Event
from experiments.oddities import law_of, oddities
from experiments.speed import going, mfu_of
from planner.sheet import Finding, Row, Sheet
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live

    from experiments.config import Config
    from experiments.ledger import Ledger, Progress, Record
    from experiments.run_sweep import Pace, Todo
    from planner.fitting import Fit

SILENT_SECONDS = 60.0
"""A run that has said nothing for so long is held, or its worker is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Sheet):
    """What a sweep will take, before anything is spent, where as many `workers` as it has cores or GPUs do it."""

    todo: Todo
    workers: int
    pace: Pace

    @property
    def title(self) -> str:  # type: ignore[override]
        """The sweep's own title."""
        return self.todo.sweep.title

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """What is odd about the text, and what the sweep does not do as asked."""
        return self.todo.findings

    @property
    def seconds(self) -> float:
        """Time that the workers take."""
        return self.todo.seconds(pace=self.pace, workers=self.workers)

    def rows(self) -> Iterable[Row]:
        """Text, counts, compute and time."""
        legs = self.todo.legs
        yield from self.todo.corpus.rows()
        yield Row("recorded", "Runs recorded already", self.todo.recorded, "count")
        yield Row("runs", "Runs to do", len(legs), "count")
        yield Row("tokens_to_do", "Tokens to train on", sum(leg.tokens for leg in legs), "tokens")
        yield Row("flops", "Compute to spend", self.todo.flops, "flops", "runs of one size share their trunk")
        yield Row("checkpoint_bytes", "Disk for checkpoints", self.todo.checkpoint_bytes, "bytes")
        yield Row("workers", "Workers", self.workers, "count", self.pace.device)
        note = f"from a probe of this machine; workers start in {show(self.pace.start_seconds, 'seconds')}"
        yield Row("seconds", "Estimated time", self.seconds, "seconds", note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Sheet):
    """What a sweep gave so far: its runs, those under way, how many more were begun, and the law they fit.

    `work_done` is the share of its FLOPs, overheads included. `seconds_left` is what the rest takes if as many runs as
    now go on side by side at the pace of those recorded; None where none is, or nothing goes on.
    """

    name: str
    runs: int
    records: tuple[Record, ...]
    others: int
    running: tuple[tuple[Config, Progress], ...]
    silent: int
    work_done: float
    seconds_left: float | None
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
        if self.others:
            yield Row("others", "Runs of other sweeps here", self.others, "count", "on the same text; exported too")
        if self.silent:
            note = f"not heard of for {show(SILENT_SECONDS, 'seconds')}; `run` goes on with them"
            yield Row("silent", "Runs held or lost", self.silent, "count", note)
        left = "" if self.seconds_left is None else f"about {show(self.seconds_left, 'seconds')} left at this pace"
        yield Row("work_done", "Work done", self.work_done, "fraction", left)
        yield Row("running", "Runs under way", len(self.running), "count")
        for config, progress in self.running:
            label = f"  {show(config.shape.params, 'params')}, {show(config.tokens, 'tokens')}"
            how = ", ".join(f"{what} {value}" for what, value in going(config, progress).items())
            yield Row(progress.run, label, progress.step / config.steps, "fraction", how)
        seconds = sum(record.seconds for record in self.records)
        yield Row("worker_seconds", "Training time, all workers", seconds, "seconds")
        if seconds:
            tokens = sum(record.tokens_done for record in self.records)
            yield Row("tokens_per_second", "Speed of a worker", tokens / seconds, "tokens/s")
        utilisation = mfu_of(self.records)
        if utilisation is not None:
            yield Row("mfu", "Utilisation of the GPUs", utilisation, "fraction", "of their bf16 peak, all runs")
        if finished:
            yield Row("loss", "Lowest held-out loss", min(record.loss or 0.0 for record in finished), "nats/token")
        if self.fit is not None:
            yield from self.fit.rows()


def summary(ledger: Ledger) -> Summary:
    """The summary of what a ledger records, with a law where the runs determine one."""
    sweep, corpus = ledger.serves()
    records = ledger.records()
    legs = {leg.config.identity(corpus.fingerprint): leg for chain in chains(sweep, corpus.vocabulary) for leg in chain}
    left = legs.keys() - {record.run for record in records}
    begun = [progress for progress in ledger.progress() if progress.run in left]
    running = [progress for progress in begun if ledger.silent_seconds(progress.run) <= SILENT_SECONDS]
    total = sum(leg.work for leg in legs.values())
    done = sum(leg.work for run, leg in legs.items() if run not in left)
    done += sum(_part(legs[progress.run], progress) for progress in begun)
    finished = {record.run: record.seconds for record in records if record.status == "ok"}
    per_work = sum(finished.values()) / sum(legs[run].work for run in finished) if finished else 0.0
    fit, findings = law_of(ledger, records)
    return Summary(
        name=sweep.name,
        runs=len(legs),
        records=records,
        others=ledger.others,
        running=tuple((legs[progress.run].config, progress) for progress in running),
        silent=len(begun) - len(running),
        work_done=done / total,
        seconds_left=(total - done) * per_work / len(running) if running and finished else None,
        fit=fit,
        findings=(*corpus.findings, *cautions(sweep, corpus), *oddities(records), *findings),
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
    """A live table of the runs under way, on a terminal only, and a line for every run that ends."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, quiet=quiet, highlight=False, markup=False, emoji=False)
        self._live: Live | None = None
        self._legs: dict[Config, Leg] = {}
        self._running: dict[Config, Progress] = {}
        self._work = self._done = 0.0
        self._began: float | None = None

    def __enter__(self) -> Self:
        return self

    def begin(self, todo: Todo) -> None:
        """Start at nothing done of `todo`."""
        from rich.live import Live

        self._legs = {leg.config: leg for leg in todo.legs}
        self._work = todo.work
        self._say(f"{todo.sweep.title}. {todo.recorded} runs are recorded, {len(self._legs)} to go.")
        for finding in todo.findings:
            self._say(str(finding))
        if self._console.is_terminal and not self._console.quiet:
            self._live = Live(self, console=self._console, refresh_per_second=4, transient=True)
            self._live.start()

    def __call__(self, event: Event) -> None:
        self._began = self._began or time.monotonic()
        if isinstance(event, Ended):
            self._running.pop(event.config, None)
            self._done += self._legs.pop(event.config).work
            self._say(f"{ended_text(event.record)}; {len(self._legs)} to go")
        else:
            self._running[event.config] = event.progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.table import Table

        lines = [_line(config, progress) for config, progress in self._running.items()]
        if lines:
            headings = dict.fromkeys(heading for line in lines for heading in line)
            table = Table(*headings, box=None, header_style="dim", padding=(0, 1, 0, 0))
            for line in lines:
                table.add_row(*(line.get(heading, "") for heading in headings))
            yield table
        yield f"{show(self._share(), 'fraction')} of the work done, {self._left()}"

    def _share(self) -> float:
        """How much of the work is done."""
        under_way = sum(_part(self._legs[config], going) for config, going in self._running.items())
        return (self._done + under_way) / self._work if self._work else 1.0

    def _left(self) -> str:
        share = self._share()
        if self._began is None or not share:
            return "time left not known yet"
        spent = time.monotonic() - self._began
        return f"{show(spent, 'seconds')} spent, about {show(spent * (1 - share) / share, 'seconds')} left"

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()


def _line(config: Config, progress: Progress) -> dict[str, str]:
    """A run in the live table, under its headings."""
    return {
        "model": show(config.shape.params, "params"),
        "tokens": show(config.tokens, "tokens"),
        "done": show(progress.step / config.steps, "fraction"),
        **going(config, progress),
    }


def _part(leg: Leg, progress: Progress) -> float:
    """The work of `leg` that is done."""
    done = leg.steps - (leg.config.steps - progress.step)
    return Leg(leg.config, min(max(done, 0), leg.steps)).work


def ended_text(record: Record) -> str:
    """One line about a run that has ended."""
    size = f"{show(record.params, 'params')}, {show(record.tokens, 'tokens')}"
    result = show(record.loss, "nats/token") if record.status == "ok" else f"failed: {record.reason}"
    return f"{size}: {result} in {show(record.seconds, 'seconds')}"
