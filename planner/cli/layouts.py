"""The command `planner layout`: how a model fits on a cluster."""

from __future__ import annotations

import click

from planner.cli.options import printed
from planner.errors import InputError
from planner.layouts import Layout, lay_out
from planner.planning.plans import DEFAULT_CLUSTER
from planner.transformer import Transformer, shape_of


@click.command("layout")
@click.option("--params", metavar="PARAMS", help="Parameters of a usual dense shape, such as 70B.")
@click.option("--model", metavar="NAME", help="Instead: the shape of an open model, such as llama-3.1-70b.")
@click.option("--cluster", metavar="TEXT", default=DEFAULT_CLUSTER, show_default=True, help="Such as 64x h100.")
@click.option("--tokens", metavar="TOKENS", help="Training tokens; default 20 per parameter.")
@click.option("--context", metavar="TOKENS", default="4096", show_default=True, help="Tokens per sequence.")
@click.option("--tokens-per-batch", metavar="TOKENS", help="Tokens per step; default what suits the run.")
@printed
def layout_command(
    params: str | None, model: str | None, cluster: str, tokens: str | None, context: str, tokens_per_batch: str | None
) -> Layout:
    """How a model fits on a cluster: who computes what, the memory of a GPU, the fewest GPUs, how many still help.

    \b
    Examples:
      planner layout --params 70B --cluster "64x h100"
      planner layout --model llama-3.1-405b --cluster "16384x h100" --tokens 15.6T --context 8192
      planner layout --model deepseek-v3 --cluster "2048x h800" --tokens 14.8T
    """
    return lay_out(_shape(params, model), cluster, tokens=tokens, context=context, tokens_per_batch=tokens_per_batch)


def _shape(params: str | None, model: str | None) -> Transformer:
    if params is not None and model is not None:
        raise InputError("--params and --model are both given.", mend="Give one of them.")
    if model is not None:
        return shape_of(model)
    if params is None:
        raise InputError("No model is given.", mend="Give --params, such as 70B, or --model, such as llama-3.1-70b.")
    return Transformer.near(params)
