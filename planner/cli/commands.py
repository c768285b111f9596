"""Commands: thin ones over the public verbs, `--json` on each. They print; they compute nothing."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from planner.advising import advise
from planner.cli.advice import ADVICE_COMMANDS
from planner.cli.inputs import SAVED, case_of, cluster_of, fit_of, fitted, is_saved, made_of, plan_of, runs_of, table_of
from planner.cli.layouts import layout_command
from planner.cli.options import Group, case_options, conventions, goal, hardware, printed, refuse_options_beside
from planner.cli.prices import bill, prices_group
from planner.cli.validation import validate_costs_command
from planner.costing import cost
from planner.designing import design
from planner.errors import DataError, InputError, MissingExtra
from planner.fitting import fit
from planner.planning import Plan
from planner.planning.plans import DEFAULT_LAW
from planner.sheet import Sheet


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
      planner design --budget-flops 1e20 --for-flops 1e22
      planner advise --set task=qa --set knowledge=private_changing --set citations=true
    """


main.add_command(prices_group)


@main.command("plan")
@goal
@printed
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
    return plan_of(fitted=fit_of(options), **options)


@main.command("cost")
@click.option("--params", metavar="PARAMS", required=True, help="Parameters, such as 70B.")
@click.option("--tokens", metavar="TOKENS", required=True, help="Training tokens, such as 1.4T.")
@click.option("--active-params", metavar="PARAMS", help="Parameters that each token passes, for mixtures of experts.")
@click.option("--when", metavar="MONTH", help='Month of the run, such as "2023-07"; default today.')
@hardware
@bill
@printed
def cost_command(params: str, tokens: str, active_params: str | None, when: str | None, **around: Any) -> Sheet:
    """What it costs to train a model: GPU-hours, days, dollars, energy, carbon, and the bill around the run.

    \b
    Examples:
      planner cost --params 70B --tokens 1.4T --cluster "512x h100"
      planner cost --params 175B --tokens 300B --cluster "10000x v100" --when 2020-05 --price 1.5
      planner cost --params 671B --active-params 37B --tokens 14.8T --cluster "2048x h800" --price 2
    """
    hired = cluster_of(around)
    return cost(params=params, tokens=tokens, active_params=active_params, cluster=hired, when=when, **around)


@main.command("fit")
@click.argument("runs")
@conventions
@click.option(
    "--form", default="auto", show_default=True, help="additive, coupled, tied, fixed, kaplan, farseer, or auto."
)
@click.option("--delta", type=float, help="Bare Huber losses that bend here: 0.001 is Hoffmann et al. 2022; 0 is L1.")
@click.option("--draws", type=click.IntRange(min=20), default=1000, show_default=True, help="Bootstrap resamples.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the resampling.")
@click.option("--save", metavar="FILE", help="Also write the whole fit as JSON, which --runs takes as well.")
@printed
def fit_command(
    runs: str, form: str, delta: float | None, draws: int, seed: int, save: str | None, **said: Any
) -> Sheet:
    """Fit a scaling law to RUNS: a .csv, .tsv, .jsonl or .parquet, or the name of a shipped table.

    The table needs the columns params, tokens and loss. A fit that --save wrote is printed as it is.

    \b
    Examples:
      planner fit sweep.csv
      planner fit sweep.csv --form additive --delta 0.001
      planner fit sweep.csv --save law.json && planner plan --budget-flops 1e21 --runs law.json
      planner fit results.jsonl --column params=n_params --column loss=val_loss
      planner fit sweep.csv --in-unit bits/byte --bytes-per-token 4.2 --counted non_embedding
    """
    if is_saved(runs):
        refuse_options_beside("runs")
        return fitted(runs)
    if save is not None and not is_saved(save):
        raise InputError(
            f"--save {save} does not end in {SAVED}, by which --runs knows a fit.", mend="Name it law.json."
        )
    found = fit(runs_of(runs, **said), form=form, draws=draws, seed=seed, delta=delta)
    if save is not None:
        found.save(save)
    return found


@main.command("approaches")
@click.argument("runs")
@click.option("--for-flops", metavar="FLOPS", help="The budget to size a model for; default ten times the largest run.")
@conventions
@printed
def approaches_command(runs: str, for_flops: str | None, **said: Any) -> Sheet:
    """The best size for a budget by envelope, by isoFLOP curves and by the fitted law, side by side.

    RUNS is a table as for `planner fit`, or a fit that it saved.

    \b
    Examples:
      planner approaches sweep.csv --for-flops 1e22
    """
    return fitted(runs, **said).approaches(flops=for_flops)


@main.command("design")
@click.option("--budget-flops", metavar="FLOPS", required=True, help="Compute of the whole sweep, such as 1e20.")
@click.option("--for-flops", metavar="FLOPS", required=True, help="Compute of the run to forecast, such as 1e22.")
@click.option("--law", metavar="NAME", help=f"Published law to lay the runs out around; default {DEFAULT_LAW}.")
@click.option("--runs", metavar="FILE", help="Runs already made, or a saved fit of them: what they tell is known.")
@conventions
@click.option("--candidates", metavar="FILE", help="Choose from these runs: a table with params and tokens.")
@click.option("--out", metavar="FILE", help="Write the runs as CSV too: a sweep for python -m experiments.")
@printed
def design_command(
    budget_flops: str,
    for_flops: str,
    law: str | None,
    runs: str | None,
    candidates: str | None,
    out: str | None,
    **said: Any,
) -> Sheet:
    """Which calibration runs to buy before a large one.

    \b
    Examples:
      planner design --budget-flops 1e20 --for-flops 1e22
      planner design --budget-flops 1e20 --for-flops 1e22 --runs sweep.csv
      planner design --budget-flops 1e20 --for-flops 1e22 --candidates possible.csv
      planner design --budget-flops 1e14 --for-flops 1e16 --out design.csv
    """
    if law is not None and runs is not None:
        raise InputError("--law and --runs are both given.", mend="Give one of them.")
    chosen = design(
        budget_flops=budget_flops,
        for_flops=for_flops,
        law=law,
        runs=made_of(runs, said),
        candidates=table_of(candidates),
    )
    if out is not None:
        try:
            chosen.table.to_csv(out, index=False)
        except OSError as error:
            problem = f"{out} cannot be written: {error.strerror or error}."
            raise DataError(problem, mend="Choose another path.") from None
    return chosen


@main.command("report")
@goal
@case_options
@click.option(
    "--out", metavar="FILE", default="report.html", show_default=True, help="Where it goes; a name in .pdf makes a PDF."
)
@click.option("--json", "as_json", is_flag=True, help="Also print plan, cost, advice and fit as JSON.")
def report_command(out: str, case: str | None, fields: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """A page for the meeting: plan, cost, advice and, with --runs, the fit; one HTML file that opens offline, or a PDF.

    With --runs the plan follows the law fitted to them; with --law as well it follows that one, and the fit is shown
    beside it. The advice is for a team that wants a general model in a year for the plan's money; --set and --case
    say otherwise.

    \b
    Examples:
      planner report --budget-usd 2M --cluster "256x h100" --out report.html
      planner report --budget-usd 2M --out report.pdf
      planner report --budget-usd 2M --runs sweep.csv --set task=qa --set weeks=20
    """
    from planner.reporting import report

    law = fit_of(options)
    chosen = plan_of(fitted=law, **options)
    bill = cost(chosen)
    assumed: dict[str, Any] = {"task": "general", "team": "infra", "weeks": 52}
    if chosen.goal.name == "budget_usd":
        assumed["budget_usd"] = chosen.goal.amount
    elif bill.programme_usd is not None:
        assumed["budget_usd"] = float(bill.programme_usd)
    if chosen.tokens_available is not None:
        assumed["unlabeled_tokens"] = chosen.tokens_available
    advice = advise(case_of(case, fields, assumed), cluster=bill.cluster)
    path = report(chosen, cost=bill, advice=advice, fit=law).save(out)
    if as_json:
        parts = {"plan": chosen, "cost": bill, "advice": advice, "fit": law}
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
    page = Path(__file__).parents[1] / "ui" / "served.py"
    sys.exit(subprocess.call([sys.executable, "-m", "streamlit", "run", str(page), "--server.port", str(port)]))


main.add_command(layout_command)
main.add_command(validate_costs_command)
for command in ADVICE_COMMANDS:
    main.add_command(command)
