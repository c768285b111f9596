"""python -m experiments: thin commands over the sweep machine."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from experiments.ledger import Ledger
from experiments.run_sweep import cores, plan_sweep, probe, run_sweep
from experiments.sweeps import load_sweep
from experiments.watching import Bar, Forecast, legs_text, records_text, summary
from planner.errors import DataError, InputError, PlannerError, UnknownName
from planner.units import show

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130

_sweep = click.argument("sweep")
_corpus = click.option(
    "--corpus",
    type=click.Path(path_type=Path),
    help="File or folder of .txt, .md, .jsonl (also .gz, .bz2; field `text`). Default: Python's standard library.",
)
_out = click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder that records the runs.")
_workers = click.option("--workers", type=click.IntRange(min=1), help="Runs at once. Default: one per core.")
_repeats = click.option("--allow-repeats", is_flag=True, help="Read a corpus that is too small more than once.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Train a family of small language models on your text, to fit a scaling law to.

    SWEEP is smoke (seconds) or cpu (minutes), or a path to a TOML or JSON file like those in experiments/sweeps.

    \b
    Examples:
      python -m experiments plan cpu
      python -m experiments run cpu --out runs/mine --corpus my-texts
      python -m experiments status --out runs/mine
      python -m experiments export --out runs/mine > mine.csv
    """


@main.command()
@_sweep
@_corpus
@click.option("--out", type=click.Path(path_type=Path), help="Folder of an earlier run; what it holds is not counted.")
@_workers
@_repeats
@_json
def plan(
    sweep: str, corpus: Path | None, out: Path | None, workers: int | None, allow_repeats: bool, as_json: bool
) -> None:
    """Say what SWEEP would train and how long it takes, and train nothing.

    \b
    Example:
      python -m experiments plan cpu --corpus my-texts
    """
    todo = plan_sweep(load_sweep(sweep), corpus, out=out, allow_repeats=allow_repeats)
    forecast = Forecast(todo=todo, workers=workers or cores(), pace=probe(todo.sweep))
    runs = [
        {"params": leg.config.shape.params, "tokens": leg.config.tokens, "flops": leg.config.flops} for leg in todo.legs
    ]
    _show(as_json, forecast.to_dict() | {"sweep": sweep, "table": runs}, str(forecast), legs_text(todo.legs))


@main.command()
@_sweep
@_corpus
@_out
@click.option("--backend", help="serial (this process) or pool (worker processes). Default: pool on several cores.")
@_workers
@_repeats
@_json
def run(
    sweep: str,
    corpus: Path | None,
    out: Path,
    backend: str | None,
    workers: int | None,
    allow_repeats: bool,
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
    with Bar(quiet=as_json) as bar:
        ledger = run_sweep(
            load_sweep(sweep),
            corpus,
            out=out,
            backend=backend,
            workers=workers,
            allow_repeats=allow_repeats,
            announce=bar.begin,
            emit=bar,
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


@main.command()
@_out
@_json
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
@_out
@_json
def export(out: Path, as_json: bool) -> None:
    """Print the table of runs recorded in the folder --out, as CSV.

    \b
    Example:
      python -m experiments export --out runs/mine > mine.csv
    """
    table = Ledger(out).export()
    click.echo(table.to_json(orient="records", indent=2) if as_json else table.to_csv(index=False), nl=as_json)


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
