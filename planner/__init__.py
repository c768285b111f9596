"""What language model a budget can buy, what it will cost, and whether to train one at all: with an interval on all."""

from planner.advising import Advice, Pilot, UseCase, advise, replay, starting_points
from planner.catalog import accelerators, laws, models, prices
from planner.costing import Cost, cost, what_if
from planner.designing import Sweep, design
from planner.fitting import Fit, fit
from planner.hardware import Cluster
from planner.layouts import Layout, lay_out, time_against_gpus
from planner.planning import Comparison, Plan, compare, plan
from planner.reporting import Report, report
from planner.runs import Runs, load_runs
from planner.serving import Serving, serve
from planner.tokenizing import check_vocabulary
from planner.transformer import Transformer
from planner.validating import Validation, validate_costs

__all__ = [
    "Advice", "Cluster", "Comparison", "Cost", "Fit", "Layout", "Pilot", "Plan", "Report", "Runs", "Serving", "Sweep",
    "Transformer", "UseCase", "Validation", "accelerators", "advise", "check_vocabulary", "compare", "cost", "design",
    "fit", "laws", "lay_out", "load_runs", "models", "plan", "prices", "replay", "report", "serve", "starting_points",
    "time_against_gpus", "validate_costs", "what_if",
]  # fmt: skip
