"""Commands about whether to train at all: advice, its replay over the years, models to start from, vocabularies."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from planner.advising import Pilot, advise, pilots_of, replay, starting_points
from planner.advising.deciding import DEFAULT_CLUSTER
from planner.cli.asking import ask_case, fields_help
from planner.cli.inputs import case_of, cluster_of, fit_of
from planner.cli.options import case_options, conventions, hardware, printed
from planner.errors import DataError, InputError
from planner.planning.plans import DEFAULT_LAW
from planner.sheet import Sheet
from planner.tokenizing import check_vocabulary


@click.command("advise", epilog=fields_help())
@case_options
@click.option(
    "--law", metavar="NAME", default=DEFAULT_LAW, show_default=True, help="Law for both sides of the comparison."
)
@click.option("--runs", metavar="FILE", help="Fit the law to these runs instead, or load a fit saved as .json.")
@conventions
@hardware
@click.option(
    "--pilots", metavar="FILE", help="Losses of open models on your text: kind, model, bits_per_byte, domain_tokens."
)
@click.option(
    "--pilot",
    "typed",
    metavar="KIND:MODEL[@TOKENS]=BITS",
    multiple=True,
    help="One such loss, such as zero_shot:llama-3.1-8b=0.81 or cpt:llama-3.1-8b@100M=0.74; may be repeated.",
)
@click.option("--sample", metavar="FILE", help="A text of yours: its tokens per word are counted, not assumed.")
@click.option(
    "--ask", is_flag=True, help="Ask the questions; on a terminal that is what happens when no case is given."
)
@printed
def advise_command(
    case: str | None,
    fields: tuple[str, ...],
    law: str,
    runs: str | None,
    pilots: str | None,
    typed: tuple[str, ...],
    sample: str | None,
    ask: bool,
    **said: Any,
) -> Sheet:
    """Whether to pretrain, continue pretraining, fine-tune, retrieve or just prompt, with reasons and break-even.

    \b
    Examples:
      planner advise
      planner advise --set task=qa --set knowledge=private_changing --set citations=true
      planner advise --set budget_usd=3.3M --set unlabeled_tokens=363B --set wish=pretrain --set team=infra
      planner advise --case case.toml --json
      planner advise --case case.toml --pilot zero_shot:llama-3.1-8b=0.81 --pilot cpt:llama-3.1-8b@100M=0.74
    """
    hired = cluster_of(said) or DEFAULT_CLUSTER
    fitted = fit_of({"runs": runs} | said)
    measured = {} if sample is None else {"fertility": check_vocabulary(Path(sample)).fertility}
    said_case = case_of(case, fields, measured)
    asked = ask_case(said_case) if ask or (not (case or fields) and on_a_terminal()) else said_case
    found: list[Pilot | Mapping[str, object]] = [*(pilots_of(pilots) if pilots else ()), *map(_pilot, typed)]
    return advise(asked, law=fitted or law, cluster=hired, pilots=found)


def on_a_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _pilot(text: str) -> dict[str, object]:
    """The pilot that one --pilot says."""
    what, equals, bits = text.partition("=")
    kind, colon, model = what.partition(":")
    model, _, tokens = model.partition("@")
    if not equals or not colon:
        raise InputError(f"--pilot {text!r} is not of the form KIND:MODEL[@TOKENS]=BITS.",
                         mend="Write it like cpt:llama-3.1-8b@100M=0.74.")  # fmt: skip
    said = {"kind": kind, "model": model, "bits_per_byte": bits, "domain_tokens": tokens}
    return {name: value for name, value in said.items() if value}


@click.command("replay", epilog=fields_help())
@case_options
@click.option("--on", "dates", metavar="DATE", multiple=True, required=True, help="A date of the decision; repeat it.")
@click.option("--law", metavar="NAME", default=DEFAULT_LAW, show_default=True, help="Law for both sides.")
@hardware
@click.option("--figure", metavar="FILE", help="Also draw the break-evens into this .svg file.")
@printed
def replay_command(
    case: str | None, fields: tuple[str, ...], dates: tuple[str, ...], law: str, figure: str | None, **said: Any
) -> Sheet:
    """The same case on several dates: what was free then, and from which budget a model of one's own would have won.

    \b
    Examples:
      planner replay --case docs/bloomberg.toml --on 2022-06-01 --on 2023-07-01 --on 2026-11-20 --figure replay.svg
    """
    found = replay(case_of(case, fields), dates, law=law, cluster=cluster_of(said) or DEFAULT_CLUSTER)
    if figure is not None:
        _save(figure, found.to_svg())
    return found


def _save(path: str, text: str) -> None:
    if not path.lower().endswith(".svg"):
        raise InputError(f"--figure {path} does not end in .svg.", mend="Name it replay.svg.")
    try:
        Path(path).write_text(text, "utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.", mend="Choose another path.") from None


@click.command("models")
@click.option("--as-of", metavar="DATE", help="Models that existed then; default today.")
@click.option(
    "--licence",
    metavar="NAME",
    default="commercial",
    show_default=True,
    help="any, commercial, permissive, open_data, or one licence by name, such as Apache-2.0.",
)
@click.option("--most-params", metavar="PARAMS", default="80B", show_default=True, help="Largest model to serve.")
@click.option("--modality", metavar="KIND", default="text", show_default=True, help="Kind of data.")
@printed
def models_command(as_of: str | None, licence: str, most_params: str, modality: str) -> Sheet:
    """Open models that a project could start from: on a date, under a licence, at a serving size.

    \b
    Examples:
      planner models --most-params 9B --licence apache-2.0
      planner models --as-of 2023-07-01 --most-params 51B
    """
    return starting_points(as_of=as_of, licence=licence, most_params=most_params, modality=modality)


@click.command("vocabulary")
@click.argument("sample")
@click.option(
    "--term", "terms", metavar="WORD", multiple=True, help="A word of your field to look at; may be repeated."
)
@printed
def vocabulary_command(sample: str, terms: tuple[str, ...]) -> Sheet:
    """How many tokens a text takes with the tokenizers of open models, which of its terms shatter, and what it costs.

    SAMPLE is a file of text. No network is needed, only the extra `vocabulary`.

    \b
    Examples:
      planner vocabulary sample.txt
      planner vocabulary sample.txt --term "mens rea" --term consideration
    """
    return check_vocabulary(Path(sample), terms=terms)


ADVICE_COMMANDS = (advise_command, replay_command, models_command, vocabulary_command)
