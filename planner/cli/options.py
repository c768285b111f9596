"""Options: what several commands share, and how a command prints its result and our errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from planner.errors import DataError, InputError, PlannerError, UnknownName
from planner.planning.plans import DEFAULT_LAW

if TYPE_CHECKING:
    from planner.sheet import Sheet

Command = TypeVar("Command", bound=Callable[..., Any])


class Group(click.Group):
    """Turns our errors into one line, the mend, and an exit code: 2 for bad input, 1 for everything else."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PlannerError as error:
            click.echo(f"Error: {error.problem}", err=True)
            if error.mend:
                click.echo(error.mend, err=True)
            ctx.exit(2 if isinstance(error, InputError | UnknownName | DataError) else 1)


def refuse_options_beside(argument: str) -> None:
    """Raise where the command line gives an option; --json only says how to print."""
    context = click.get_current_context()
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in (argument, "as_json") and source is click.core.ParameterSource.COMMANDLINE:
            raise InputError(
                f"A saved fit is printed as it is, without --{name.replace('_', '-')}.", mend="Fit the runs again."
            )


def printed(command: Command) -> Command:
    """Add --json and print the Sheet that `command` returns."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
    @wraps(command)
    def run(as_json: bool, **options: Any) -> None:
        result: Sheet = command(**options)
        click.echo(result.to_json() if as_json else str(result))

    return run  # type: ignore[return-value]


def options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


hardware = options(
    click.option("--cluster", metavar="TEXT", help='Accelerators, such as "256x h100".'),
    click.option(
        "--utilisation", metavar="FRACTION", help='Of the whole run, such as "35 %"; default: published runs.'
    ),
    click.option("--mfu", metavar="FRACTION", help="Of steady training steps, instead of --utilisation."),
    click.option("--goodput", metavar="FRACTION", help="What the whole run keeps of --mfu."),
    click.option("--price", metavar="PRICE", help='USD per GPU-hour, a tier ("spot") or a provider ("lambda").'),
)
case_options = options(
    click.option("--case", metavar="FILE", help="The case as .toml or .json, field = value."),
    click.option(
        "--set", "fields", metavar="FIELD=VALUE", multiple=True, help="One field of the case; may be repeated."
    ),
)
conventions = options(
    click.option(
        "--column",
        metavar="OURS=THEIRS",
        multiple=True,
        help="Where the file names a column otherwise; may be repeated.",
    ),
    click.option("--loss-unit", metavar="UNIT", help="What the loss column holds: nats/token (default) or bits/byte."),
    click.option("--counting", metavar="WAY", help="What the params column counts: total (default) or non_embedding."),
    click.option("--bytes-per-token", metavar="BYTES", help="Bytes of text per token, where no column tells them."),
    click.option("--in-unit", metavar="UNIT", help="Convert the losses to nats/token or bits/byte before the fit."),
    click.option("--counted", metavar="WAY", help="Fit to total or non_embedding params, by a column that has them."),
)
goal = options(
    click.option("--budget-flops", metavar="FLOPS", help="Goal: spend this compute, such as 1e22."),
    click.option("--budget-usd", metavar="USD", help="Goal: spend this money, such as 2M."),
    click.option("--budget-gpu-hours", metavar="HOURS", help="Goal: spend these GPU-hours, such as 100k."),
    click.option("--days", metavar="DAYS", help='Goal: use the cluster this long, such as "30 days".'),
    click.option("--target-loss", metavar="LOSS", help="Goal: reach this loss for the least compute."),
    click.option("--target-model", metavar="NAME", help="Goal: be as good as this open model, such as llama-3.1-8b."),
    click.option("--law", metavar="NAME", help=f"Published law; default {DEFAULT_LAW}."),
    click.option("--runs", metavar="FILE", help="Fit the law to these runs instead, or load a fit saved as .json."),
    conventions,
    click.option("--tokens-available", metavar="TOKENS", help="Unique tokens you have; more are repeats."),
    click.option(
        "--inference-tokens", metavar="TOKENS", default="0", help="Tokens to serve; they count as compute too."
    ),
    click.option("--params", metavar="PARAMS", help="Fix the parameters, such as 7B."),
    click.option("--tokens", metavar="TOKENS", help="Fix the training tokens, such as 1T."),
    click.option("--when", metavar="MONTH", help='Prices known by then, such as "2026-07"; default: the latest.'),
    hardware,
)
