"""What serving a model takes: serve(...) -> Serving."""

from planner.serving.sheets import Serving
from planner.serving.verb import serve

__all__ = ["Serving", "serve"]
