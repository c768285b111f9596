"""The command line: thin commands over the public verbs, `--json` on each. It prints; it computes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from planner.advising import UseCase, advise
from planner.costing import cost
from planner.errors import DataError, InputError, MissingExtra, PlannerError, UnknownName
from planner.fitting import Fit, fit
from planner.hardware import Cluster
from planner.planning import Plan, plan
from planner.planning.plans import DEFAULT_CLUSTER, DEFAULT_LAW
from planner.runs import Runs, load_runs

if TYPE_CHECKING:
    from planner.sheet import Sheet

Command = TypeVar("Command", bound=Callable[..., Any])
_CONVENTIONS = ("loss_unit", "counting", "bytes_per_token", "in_unit", "counted")
_SWITCH = {"true": True, "yes": True, "false": False, "no": False}


class _Group(click.Group):
    """Turns our errors into one line, the mend, and an exit code: 2 for bad input, 1 for everything else."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PlannerError as error:
            click.echo(f"Error: {error.problem}", err=True)
            if error.mend:
                click.echo(error.mend, err=True)
            ctx.exit(2 if isinstance(error, InputError | UnknownName | DataError) else 1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="planner")
def main() -> None:
    """Plan the training of a language model: size, tokens, compute, dollars, and whether to train at all.

    Magnitudes are written as people write them: $2M, 1e22, 7B, "30 days", 100k.
    Ranges are 90 % ranges. Every command that answers takes --json.

    \b
    Examples:
      planner plan --budget-usd 2M --cluster "256x h100"
      planner cost --params 70B --tokens 1.4T --cluster "512x h100"
      planner fit sweep.csv
      planner advise --set task=qa --set knowledge=private_changing --set citations=true
    """


def _printed(command: Command) -> Command:
    """Add --json and print the Sheet that `command` returns."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
    @wraps(command)
    def run(as_json: bool, **options: Any) -> None:
        result: Sheet = command(**options)
        click.echo(result.to_json() if as_json else str(result))

    return run  # type: ignore[return-value]


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_hardware = _options(
    click.option("--cluster", metavar="TEXT", help='Accelerators, such as "256x h100".'),
    click.option(
        "--utilisation", metavar="FRACTION", help='Of the whole run, such as "35 %"; default: published runs.'
    ),
    click.option("--price", metavar="PRICE", help='USD per GPU-hour, a tier ("spot") or a provider ("lambda").'),
)
_case_options = _options(
    click.option("--case", metavar="FILE", help="The case as .toml or .json, field = value."),
    click.option(
        "--set", "fields", metavar="FIELD=VALUE", multiple=True, help="One field of the case; may be repeated."
    ),
)
_conventions = _options(
    click.option("--loss-unit", metavar="UNIT", help="What the loss column holds: nats/token (default) or bits/byte."),
    click.option("--counting", metavar="WAY", help="What the params column counts: total (default) or non_embedding."),
    click.option("--bytes-per-token", metavar="BYTES", help="Bytes of text per token, where no column tells them."),
    click.option("--in-unit", metavar="UNIT", help="Convert the losses to nats/token or bits/byte before the fit."),
    click.option("--counted", metavar="WAY", help="Fit to total or non_embedding params, by a column that has them."),
)
_goal = _options(
    click.option("--budget-flops", metavar="FLOPS", help="Goal: spend this compute, such as 1e22."),
    click.option("--budget-usd", metavar="USD", help="Goal: spend this money, such as 2M."),
    click.option("--budget-gpu-hours", metavar="HOURS", help="Goal: spend these GPU-hours, such as 100k."),
    click.option("--days", metavar="DAYS", help='Goal: use the cluster this long, such as "30 days".'),
    click.option("--target-loss", metavar="LOSS", help="Goal: reach this loss for the least compute."),
    click.option("--target-model", metavar="NAME", help="Goal: be as good as this open model, such as llama-3.1-8b."),
    click.option("--law", metavar="NAME", help=f"Published law; default {DEFAULT_LAW}."),
    click.option("--runs", metavar="FILE", help="Fit the law to these runs instead."),
    _conventions,
    click.option("--tokens-available", metavar="TOKENS", help="Unique tokens you have; more are repeats."),
    click.option(
        "--inference-tokens", metavar="TOKENS", default="0", help="Tokens to serve; they count as compute too."
    ),
    click.option("--params", metavar="PARAMS", help="Fix the parameters, such as 7B."),
    click.option("--tokens", metavar="TOKENS", help="Fix the training tokens, such as 1T."),
    _hardware,
)


@main.command("plan")
@_goal
@_printed
def plan_command(**options: Any) -> Plan:
    """The best model for one budget, or the cheapest way to one target.

    Give exactly one goal.

    \b
    Examples:
      planner plan --budget-usd 2M --cluster "256x h100"
      planner plan --budget-flops 5.76e23 --law hoffmann-2022
      planner plan --target-model llama-3.1-8b --cluster "1024x h100" --price 2.5
      planner plan --days "30 days" --cluster "64x a100" --tokens-available 20B
    """
    if options["law"] is not None and options["runs"] is not None:
        raise InputError("--law and --runs are both given.", mend="Give one of them.")
    return _plan(fitted=_fitted(options), **options)


@main.command("cost")
@click.option("--params", metavar="PARAMS", required=True, help="Parameters, such as 70B.")
@click.option("--tokens", metavar="TOKENS", required=True, help="Training tokens, such as 1.4T.")
@click.option("--active-params", metavar="PARAMS", help="Parameters that each token passes, for mixtures of experts.")
@click.option("--when", metavar="MONTH", help='Month of the run, such as "2023-07"; default today.')
@_hardware
@_printed
def cost_command(params: str, tokens: str, active_params: str | None, when: str | None, **hardware: Any) -> Sheet:
    """What it costs to train a model: GPU-hours, days, dollars, energy, carbon.

    \b
    Examples:
      planner cost --params 70B --tokens 1.4T --cluster "512x h100"
      planner cost --params 175B --tokens 300B --cluster "10000x v100" --when 2020-05 --price 1.5
      planner cost --params 671B --active-params 37B --tokens 14.8T --cluster "2048x h800" --price 2
    """
    cluster = _cluster(**hardware)
    return cost(
        params=params, tokens=tokens, active_params=active_params, cluster=cluster or DEFAULT_CLUSTER, when=when
    )


@main.command("fit")
@click.argument("runs")
@click.option(
    "--column", "columns", metavar="OURS=THEIRS", multiple=True, help="Where the file names a column otherwise."
)
@_conventions
@click.option("--draws", default=1000, show_default=True, help="Bootstrap resamples.")
@click.option("--seed", default=0, show_default=True, help="Of the resampling.")
@_printed
def fit_command(runs: str, columns: tuple[str, ...], draws: int, seed: int, **conventions: Any) -> Sheet:
    """Fit L = E + A/N^alpha + B/D^beta to RUNS: a .csv, .tsv, .jsonl or .parquet, or the name of a shipped table.

    The table needs the columns params, tokens and loss.

    \b
    Examples:
      planner fit sweep.csv
      planner fit results.jsonl --column params=n_params --column loss=val_loss
      planner fit sweep.csv --in-unit bits/byte --bytes-per-token 4.2 --counted non_embedding
    """
    pairs = dict(_pair(column, "--column") for column in columns)
    return fit(_loaded(runs, pairs, **conventions), draws=draws, seed=seed)


@main.command("advise")
@_case_options
@click.option(
    "--law", metavar="NAME", default=DEFAULT_LAW, show_default=True, help="Law for both sides of the comparison."
)
@click.option("--runs", metavar="FILE", help="Fit the law to these runs instead.")
@_printed
def advise_command(case: str | None, fields: tuple[str, ...], law: str, runs: str | None) -> Sheet:
    """Whether to pretrain, continue pretraining, fine-tune, retrieve or just prompt, with reasons and break-even.

    \b
    Examples:
      planner advise --set task=qa --set knowledge=private_changing --set citations=true
      planner advise --set budget_usd=3.3M --set unlabeled_tokens=363B --set wish=pretrain --set team=infra
      planner advise --case case.toml --json
    """
    return advise(_case(case, fields), law=_fitted({"runs": runs}) or law)


@main.command("report")
@_goal
@_case_options
@click.option("--out", metavar="FILE", default="report.html", show_default=True, help="Where the page goes.")
@click.option("--json", "as_json", is_flag=True, help="Also print plan, cost, advice and fit as JSON.")
def report_command(out: str, case: str | None, fields: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """A page for the meeting: plan, cost, advice and, with --runs, the fit; one HTML file that opens offline.

    With --runs the plan follows the law fitted to them; with --law as well it follows that one, and the fit is shown
    beside it. The advice is for a team that wants a general model in a year for the plan's money; --set and --case
    say otherwise.

    \b
    Examples:
      planner report --budget-usd 2M --cluster "256x h100" --out report.html
      planner report --budget-usd 2M --runs sweep.csv --set task=qa --set weeks=20
    """
    from planner.reporting import report

    fitted = _fitted(options)
    chosen = _plan(fitted=fitted, **options)
    bill = cost(chosen)
    assumed: dict[str, Any] = {"task": "general", "team": "infra", "weeks": 52}
    if chosen.goal.name == "budget_usd":
        assumed["budget_usd"] = chosen.goal.amount
    elif bill.programme_usd is not None:
        assumed["budget_usd"] = float(bill.programme_usd)
    if chosen.tokens_available is not None:
        assumed["unlabeled_tokens"] = chosen.tokens_available
    advice = advise(_case(case, fields, assumed), cluster=bill.cluster)
    path = report(chosen, cost=bill, advice=advice, fit=fitted).save(out)
    if as_json:
        parts = {"plan": chosen, "cost": bill, "advice": advice, "fit": fitted}
        texts = [f'"{name}": {part.to_json()}' for name, part in parts.items() if part is not None]
        click.echo("{" + ",\n".join([f'"path": {json.dumps(str(path))}', *texts]) + "}")
    else:
        click.echo(f"{chosen.title}\nWritten to {path}")


@main.command("app")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Where to serve it.")
def app_command(port: int) -> None:
    """Serve the app in the browser."""
    import subprocess
    from importlib.util import find_spec
    from pathlib import Path

    if find_spec("streamlit") is None:
        raise MissingExtra.of("streamlit", extra="app")
    page = Path(__file__).parent / "ui" / "page.py"
    sys.exit(subprocess.call([sys.executable, "-m", "streamlit", "run", str(page), "--server.port", str(port)]))


def _plan(*, law: str | None, fitted: Fit | None, **options: Any) -> Plan:
    hardware = {name: options.pop(name) for name in ("cluster", "utilisation", "price")}
    return plan(**options, law=law or fitted or DEFAULT_LAW, cluster=_cluster(**hardware))


def _fitted(options: dict[str, Any]) -> Fit | None:
    """The fit to the runs that `options` name, which are taken out of them."""
    runs = options.pop("runs")
    said = {name: options.pop(name, None) for name in _CONVENTIONS}
    given = next((name for name in _CONVENTIONS if said[name] is not None), None)
    if runs is None and given is not None:
        option = f"--{given.replace('_', '-')}"
        raise InputError(f"{option} speaks of runs, but no --runs are given.", mend=f"Give --runs, or drop {option}.")
    return fit(_loaded(runs, {}, **said)) if runs is not None else None


def _loaded(runs: str, columns: dict[str, str], *, in_unit: Any, counted: Any, **said: Any) -> Runs:
    table = load_runs(runs, columns=columns, **{name: value for name, value in said.items() if value is not None})
    table = table.in_unit(in_unit) if in_unit is not None else table
    return table.counted(counted) if counted is not None else table


def _cluster(cluster: str | None, utilisation: str | None, price: str | None) -> Cluster | None:
    if cluster is None and utilisation is None and price is None:
        return None
    return Cluster.parse(cluster or DEFAULT_CLUSTER).at(utilisation=utilisation, price=price)


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise InputError(f"{option} {text!r} is not of the form name=value.", mend="Write it like name=value.")
    return name.strip(), value.strip()


def _case(path: str | None, fields: tuple[str, ...], assumed: dict[str, Any] | None = None) -> UseCase:
    """The case: what is assumed, what the file says, what --set says, each over the one before."""
    said = dict(_pair(entry, "--set") for entry in fields)
    switched = {name: _SWITCH.get(value.lower(), value) for name, value in said.items()}
    return UseCase.from_dict((assumed or {}) | (_case_file(path) if path else {}) | switched)


def _case_file(path: str) -> dict[str, Any]:
    import tomllib
    from pathlib import Path

    file = Path(path)
    if not file.is_file():
        raise DataError(f"There is no file {path}.", mend="Check the path.")
    try:
        case = json.loads(file.read_text("utf-8")) if file.suffix == ".json" else tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise DataError(
            f"{path} is no valid {file.suffix or 'TOML'} file: {error}.", mend="Correct the file."
        ) from None
    if not isinstance(case, dict):
        raise DataError(f"{path} holds no table of fields.", mend="Write field = value.")
    return case
