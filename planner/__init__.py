"""What language model a budget can buy, what it will cost, and whether to train one at all: with an interval on all."""

from planner.catalog import accelerators, laws, models, prices
from planner.fitting import Fit, fit
from planner.hardware import Cluster
from planner.planning import Comparison, Plan, compare, plan
from planner.runs import Runs, load_runs
from planner.transformer import Transformer

__all__ = [
    "Cluster", "Comparison", "Fit", "Plan", "Runs", "Transformer",
    "accelerators", "compare", "fit", "laws", "load_runs", "models", "plan", "prices",
]  # fmt: skip
