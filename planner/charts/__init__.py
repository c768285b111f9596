"""Charts: arrays in, Plotly figures out. They know no planner type; one colour and one band mean one thing."""

from planner.charts.bills import tornado_figure, waterfall_figure
from planner.charts.fits import fit_figure, posterior_figure
from planner.charts.forecasts import calibration_figure, fan_figure
from planner.charts.losses import contours_figure, isoflop_figure, valley_figure
from planner.charts.plans import frontier_figure
from planner.charts.style import ACCENT, BAND, INK, MUTED, offline_html, on_page

__all__ = [
    "ACCENT", "BAND", "INK", "MUTED", "calibration_figure", "contours_figure", "fan_figure",
    "fit_figure", "frontier_figure", "isoflop_figure", "offline_html", "on_page", "posterior_figure",
    "tornado_figure", "valley_figure", "waterfall_figure",
]  # fmt: skip
