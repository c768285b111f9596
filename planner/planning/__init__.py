"""Planning: from a goal and constraints to a model size, a token count and what they cost in compute."""

from planner.planning.plans import Comparison, Plan, compare, plan

__all__ = ["Comparison", "Plan", "compare", "plan"]
