"""Planning: from a goal and constraints to a model size, a token count and what they cost in compute."""

from planner.planning.comparing import Comparison, compare
from planner.planning.plans import Plan, plan

__all__ = ["Comparison", "Plan", "compare", "plan"]
