"""Commands that hold our predictions against what was published."""

from __future__ import annotations

import click

from planner.cli.options import printed
from planner.validating import Validation, validate_costs


@click.command("validate-costs")
@printed
def validate_costs_command() -> Validation:
    """Predicted against published GPU-hours and dollars of every training run that utilisation is predicted from.

    Each run is predicted as if nothing had been published about it; the scores stand at the top.
    """
    return validate_costs()
