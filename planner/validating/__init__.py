"""How right our predictions are: validate_costs() -> Validation of published runs, validate_forecasts() of the loss."""

from planner.validating.forecasts import Forecasts, Study, validate_forecasts
from planner.validating.scoring import Score
from planner.validating.verb import Checked, Validation, validate_costs

__all__ = ["Checked", "Forecasts", "Score", "Study", "Validation", "validate_costs", "validate_forecasts"]
