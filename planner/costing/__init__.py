"""What training costs: cost(...) -> Cost."""

from planner.costing.bills import Cost
from planner.costing.verb import cost

__all__ = ["Cost", "cost"]
