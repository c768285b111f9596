"""What language model a budget can buy, what it will cost, and whether to train one at all: with an interval on all."""

from planner.advising import Advice, UseCase, advise
from planner.catalog import accelerators, laws, models, prices
from planner.costing import Cost, cost
from planner.designing import Sweep, design
from planner.fitting import Fit, fit
from planner.hardware import Cluster
from planner.planning import Comparison, Plan, compare, plan
from planner.reporting import Report, report
from planner.runs import Runs, load_runs
from planner.transformer import Transformer

__all__ = [
    "Advice", "Cluster", "Comparison", "Cost", "Fit", "Plan", "Report", "Runs", "Sweep", "Transformer", "UseCase",
    "accelerators", "advise", "compare", "cost", "design", "fit", "laws", "load_runs", "models", "plan", "prices",
    "report",
]  # fmt: skip
