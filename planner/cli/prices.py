"""Price commands: what GPU-hours, own hardware, APIs and fine-tuning cost, and how prices are refreshed."""

from __future__ import annotations

from typing import Any

import click

from planner.cli.options import options, printed
from planner.costing import adapt_cost, api_cost, own_or_rent, price_list, refresh, reset
from planner.hardware import Cluster
from planner.sheet import Sheet

bill = options(
    click.option("--region", metavar="REGION", help="Whose grid, such as France or eu-north-1; default USA."),
    click.option("--inference-tokens", metavar="TOKENS", default="0", help="Tokens that will be served, such as 1T."),
    click.option("--staff-usd", metavar="USD", help="What the people cost; default: estimated from the compute."),
    click.option("--data-usd", metavar="USD", help="What data licences and labels cost; default: none counted."),
    click.option("--calibration-flops", metavar="FLOPS", default="0", help="Compute of a calibration sweep."),
)
_price = click.option("--price", metavar="PRICE", help='USD per GPU-hour, a tier ("spot"), a provider, or "own".')


@click.group("prices", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def prices_group(context: click.Context, as_json: bool) -> None:
    """Prices of a GPU-hour by accelerator and tier, with their range, providers and months.

    \b
    Examples:
      planner prices
      planner prices refresh
      planner prices refresh --from-file vms.csv --provider aws
      planner prices own "64x h100" --price lambda
    """
    if context.invoked_subcommand is None:
        listed = price_list()
        click.echo(listed.to_json() if as_json else str(listed))


@prices_group.command("refresh")
@click.option("--from-file", metavar="FILE", help="A vms.csv of the SkyPilot catalogue instead of the network.")
@click.option(
    "--provider", "providers", metavar="NAME", multiple=True, help="Only this provider, such as aws; may be repeated."
)
@printed
def refresh_command(from_file: str | None, providers: tuple[str, ...]) -> Sheet:
    """Fetch current prices, check them, keep them for later commands, and say what changed.

    Needs the extra planner[prices] and network access, or a file. When anything is off, the old prices stay.
    """
    return refresh(from_file=from_file, providers=providers)


@prices_group.command("reset")
@printed
def reset_command() -> Sheet:
    """Go back to the prices that came with planner."""
    return reset()


@prices_group.command("own")
@click.argument("cluster")
@_price
@printed
def own_command(cluster: str, price: str | None) -> Sheet:
    """Own hardware against rent: what a GPU-hour costs, and how busy it must be to pay.

    \b
    Examples:
      planner prices own "64x h100"
      planner prices own "64x h100" --price 1-year
    """
    return own_or_rent(cluster, price=price)


@prices_group.command("api")
@click.argument("model")
@click.option("--requests", metavar="COUNT", default="1", show_default=True, help="How many, such as 1M.")
@click.option("--input-tokens", metavar="TOKENS", default="1000", show_default=True, help="Into one request.")
@click.option("--output-tokens", metavar="TOKENS", default="500", show_default=True, help="Out of one request.")
@click.option("--provider", metavar="NAME", help="Who serves it, where several do.")
@printed
def api_command(model: str, **asked: Any) -> Sheet:
    """What requests to a MODEL behind an API cost.

    \b
    Examples:
      planner prices api gpt-5 --requests 1M --input-tokens 3000 --output-tokens 500
    """
    return api_cost(model, **asked)


@prices_group.command("adapt")
@click.option("--params", metavar="PARAMS", default="8B", show_default=True, help="Of the model to tune.")
@click.option("--tokens", metavar="TOKENS", default="10M", show_default=True, help="To tune on, all epochs together.")
@click.option("--cluster", metavar="TEXT", default="8x h100", show_default=True, help="Where to tune it.")
@click.option("--document-tokens", metavar="TOKENS", default="100M", show_default=True, help="Text to index.")
@click.option("--model", metavar="NAME", default="gpt-5", show_default=True, help="API model that reads the chunks.")
@_price
@printed
def adapt_command(cluster: str, price: str | None, **asked: Any) -> Sheet:
    """Unit costs of fine-tuning and of retrieval.

    \b
    Examples:
      planner prices adapt --params 70B --tokens 50M --cluster "8x h100" --price spot
    """
    return adapt_cost(cluster=Cluster.parse(cluster).at(price=price), **asked)
