"""Figures of bills: where the money goes, and what moves it most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planner.charts.style import ACCENT, INK, MUTED, figure

if TYPE_CHECKING:
    from collections.abc import Sequence


def waterfall_figure(labels: Sequence[str], values: Sequence[float], *, total: tuple[str, float, float, float]) -> Any:
    """Steps in dollars, top down, to the total, given by name, value, low and high, with its 90 % range.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    name, value, low, high = total
    drawn = figure("US dollars", "")
    drawn.add_waterfall(
        y=[*labels, name],
        x=[*values, 0],
        measure=[*("relative" for _ in values), "total"],
        orientation="h",
        increasing={"marker": {"color": INK}},
        totals={"marker": {"color": MUTED}},
        connector={"line": {"color": MUTED, "width": 1}},
    )
    drawn.add_scatter(
        y=[name],
        x=[value],
        mode="markers",
        marker={"color": ACCENT, "size": 8},
        error_x={"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low]},
    )
    drawn.update_xaxes(tickformat="$~s", rangemode="tozero")
    drawn.update_yaxes(autorange="reversed")
    drawn.update_layout(showlegend=False)
    return drawn


def tornado_figure(labels: Sequence[str], low: Sequence[float], high: Sequence[float], *, centre: float) -> Any:
    """Bars in dollars from the cheap to the dear end of each input, around the total; first label on top.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    drawn = figure("US dollars of the whole bill", "")
    for ends, colour, side in ((low, INK, "cheap end"), (high, ACCENT, "dear end")):
        drawn.add_bar(
            y=list(labels),
            x=[end - centre for end in ends],
            base=centre,
            orientation="h",
            marker_color=colour,
            name=side,
            customdata=list(ends),
            hovertemplate="%{y}: %{customdata:$.3s}<extra></extra>",
        )
    drawn.add_vline(x=centre, line_color=MUTED)
    drawn.update_xaxes(tickformat="$~s")
    drawn.update_yaxes(autorange="reversed")
    drawn.update_layout(barmode="overlay")
    return drawn
