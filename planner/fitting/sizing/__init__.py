"""The three approaches of Hoffmann et al. 2022 to the best size for a budget, side by side."""

from planner.fitting.sizing.comparison import Approaches, approaches
from planner.fitting.sizing.estimates import Approach
from planner.fitting.sizing.valleys import Vertex, vertices

__all__ = ["Approach", "Approaches", "Vertex", "approaches", "vertices"]
