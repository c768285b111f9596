"""python -m experiments: thin commands over the sweep machine."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from experiments.board import Board
from experiments.corpus import Source, build
from experiments.ledger import Ledger
from experiments.machine import cores, device_here, gpus, require_torch
from experiments.needs import check as enough
from experiments.options import (
    corpus_bar,
    device_option,
    gpus_option,
    json_option,
    out_option,
    reads,
    sweep_argument,
    workers_option,
)
from experiments.quotes import Quote
from experiments.rules import check_rule
from experiments.run_sweep import Stopped, plan_sweep, probe, run_sweep
from experiments.sweeps import load_sweep
from experiments.watching import Bar, Forecast, legs_text, records_text, summary
from planner.errors import DataError, InputError, PlannerError, UnknownName
from planner.units import read, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.following import Event

BAD_INPUT, FAILED, STOPPED, INTERRUPTED = 2, 1, 75, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Train a family of small language models on your text, to fit a scaling law to.

    SWEEP is smoke (seconds), cpu (minutes) or gpu (half an hour on a large GPU), a path to a TOML or JSON file like
    those in experiments/sweeps, or a CSV or JSON table of runs with the columns params and tokens.

    \b
    Examples:
      python -m experiments plan cpu
      python -m experiments check cpu --corpus my-texts
      python -m experiments run cpu --out runs/mine --corpus my-texts
      python -m experiments run design.csv --out runs/designed --corpus my-texts --vocabulary 4096
      python -m experiments status --out runs/mine
      python -m experiments export --out runs/mine > mine.csv
    """


@main.command()
@sweep_argument
@reads
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run; its runs are not counted again.")
@workers_option
@device_option
@click.option("--price-per-hour", help="Dollars for an hour of this machine, such as '$2.50', where it is rented.")
@json_option
def plan(
    sweep: str,
    source: Source,
    allow_repeats: bool,
    out: Path | None,
    workers: int | None,
    device: str | None,
    price_per_hour: str | None,
    as_json: bool,
) -> None:
    """Say what SWEEP would train, how long it takes and what it costs, and train nothing.

    With --out the corpus is prepared there, and `run` finds it.

    \b
    Examples:
      python -m experiments plan cpu --corpus my-texts
      python -m experiments plan gpu --corpus my-texts --vocabulary 8192 --price-per-hour '$3'
    """
    price = None if price_per_hour is None else read(price_per_hour, "usd", name="--price-per-hour", zero=True)
    todo_of = load_sweep(sweep)
    require_torch()
    device = device_here(device)
    with corpus_bar(quiet=as_json) as tell:
        ready = source if out is None else Path(build(source, out / "corpus", tell=tell).folder)
        todo = plan_sweep(todo_of, ready, out=out, allow_repeats=allow_repeats, tell=tell)
    workers = workers or (len(gpus()) if device == "cuda" else cores())
    quote = Quote(forecast=Forecast(todo=todo, workers=workers, pace=probe(todo, device=device)), price_per_hour=price)
    runs = [
        {"params": leg.config.shape.params, "tokens": leg.config.tokens, "flops": leg.config.flops} for leg in todo.legs
    ]
    _show(as_json, quote.to_dict() | {"sweep": sweep, "table": runs}, str(quote), legs_text(todo.legs))


@main.command()
@sweep_argument
@reads
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run, where the corpus is kept.")
@device_option
@json_option
def check(sweep: str, source: Source, allow_repeats: bool, out: Path | None, device: str | None, as_json: bool) -> None:
    """Try half and twice the learning rates of SWEEP in short runs of its smallest and its middle size.

    \b
    Example:
      python -m experiments check cpu --corpus my-texts
    """
    tried = load_sweep(sweep)
    require_torch()
    device = device_here(device)
    with corpus_bar(quiet=as_json) as tell, TemporaryDirectory() as folder:
        corpus = build(source, (out or Path(folder)) / "corpus", tell=tell)
        enough(tried, corpus, allow_repeats=allow_repeats)
        result = check_rule(tried, corpus, device=device, tell=tell)
    _show(as_json, result.to_dict(), str(result))


@main.command()
@sweep_argument
@reads
@out_option
@click.option("--backend", help="serial, pool, ray or slurm. Default: pool, this machine's cores or GPUs.")
@workers_option
@device_option
@gpus_option
@click.option("--board", is_flag=True, help="Draw TensorBoard curves too, in the folder board of --out.")
@json_option
def run(
    sweep: str,
    source: Source,
    allow_repeats: bool,
    out: Path,
    backend: str | None,
    workers: int | None,
    device: str | None,
    gpus_per_run: int,
    board: bool,
    as_json: bool,
) -> None:
    """Train every run of SWEEP that is not recorded in the folder --out yet.

    Stop it at any moment (Ctrl-C): the same command goes on from there, and no run is counted twice.

    \b
    Examples:
      python -m experiments run smoke --out runs/smoke
      python -m experiments run cpu --out runs/mine --corpus my-texts
    """
    started = time.perf_counter()
    todo_of = load_sweep(sweep)
    require_torch()
    with corpus_bar(quiet=as_json) as tell, Bar(quiet=as_json) as bar, ExitStack() as more:
        listeners: list[Callable[[Event], None]] = [bar]
        if board:
            listeners.append(more.enter_context(Board(out)))
        ledger = run_sweep(
            todo_of,
            source,
            out=out,
            backend=backend,
            workers=workers,
            device=device,
            gpus_per_run=gpus_per_run,
            allow_repeats=allow_repeats,
            tell=tell,
            announce=bar.begin,
            emit=lambda event: _tell_all(listeners, event),
        )
    result = summary(ledger)
    spent = time.perf_counter() - started
    _show(
        as_json,
        result.to_dict() | {"seconds": spent, "table": [asdict(record) for record in result.records]},
        records_text(result.records),
        str(result),
        f"This took {show(spent, 'seconds')}. Next: python -m experiments export --out {out} > runs.csv",
    )
    if any(record.status != "ok" for record in result.records):
        sys.exit(FAILED)


@main.command()
@out_option
@json_option
def status(out: Path, as_json: bool) -> None:
    """Show the runs recorded in the folder --out, also while they go on.

    \b
    Example:
      python -m experiments status --out runs/mine
    """
    result = summary(Ledger(out))
    _show(
        as_json,
        result.to_dict() | {"table": [asdict(record) for record in result.records]},
        records_text(result.records),
        str(result),
    )


@main.command()
@out_option
@json_option
def export(out: Path, as_json: bool) -> None:
    """Print the table of runs recorded in the folder --out, as CSV.

    \b
    Example:
      python -m experiments export --out runs/mine > mine.csv
    """
    table = Ledger(out).export()
    click.echo(table.to_json(orient="records", indent=2) if as_json else table.to_csv(index=False), nl=as_json)


def _tell_all(listeners: list[Callable[[Event], None]], event: Event) -> None:
    for listener in listeners:
        listener(event)


def _show(as_json: bool, record: dict[str, Any], *texts: str) -> None:
    click.echo(json.dumps(record, indent=2) if as_json else "\n\n".join(texts))


def run_main() -> None:
    """`main`, with every failure a person can meet told in a line and its mend."""
    try:
        main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(BAD_INPUT)
    except Stopped as error:
        _tell(error.problem, error.mend)
        sys.exit(STOPPED)
    except PlannerError as error:
        _tell(error.problem, error.mend)
        sys.exit(BAD_INPUT if isinstance(error, InputError | UnknownName | DataError) else FAILED)
    except OSError as error:
        _tell(f"The system refused: {error}.", "Free space or mend the rights, then run the same command again.")
        sys.exit(FAILED)
    except (KeyboardInterrupt, click.Abort):
        _tell("Interrupted.", "What was recorded is kept; the same command goes on with the rest.")
        sys.exit(INTERRUPTED)


def _tell(problem: str, mend: str) -> None:
    click.echo(f"{problem} {mend}".strip(), err=True)


if __name__ == "__main__":
    run_main()
