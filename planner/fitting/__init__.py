"""Fitting: from runs to a law with intervals."""

from planner.fitting.fits import Fit
from planner.fitting.verb import fit

__all__ = ["Fit", "fit"]
