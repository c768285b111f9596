"""Fitting: from runs to a law with intervals."""

from planner.fitting.fitted import Fit, fit

__all__ = ["Fit", "fit"]
