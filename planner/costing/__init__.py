"""What a model costs: its whole bill, and what prices, owning, fine-tuning and APIs cost beside it."""

from planner.costing.adapting import AdaptCost, adapt_cost
from planner.costing.bills import Cost
from planner.costing.calling import ApiCost, api_cost
from planner.costing.grids import what_if
from planner.costing.listing import PriceList, price_list
from planner.costing.refreshing import PriceChanges, PriceReset, refresh, reset
from planner.costing.renting import OwnOrRent, own_or_rent
from planner.costing.verb import cost

__all__ = [
    "AdaptCost", "ApiCost", "Cost", "OwnOrRent", "PriceChanges", "PriceList", "PriceReset", "adapt_cost", "api_cost",
    "cost", "own_or_rent", "price_list", "refresh", "reset", "what_if",
]  # fmt: skip
