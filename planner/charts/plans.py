"""Figures of plans: loss against compute along the frontier, and bills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planner.charts.style import ACCENT, INK, band, figure, largest_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def frontier_figure(
    *,
    flops: NDArray[Any],
    loss: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    chosen: tuple[float, float],
    fitted_to: float,
    loss_unit: str,
) -> Any:
    """Loss against compute with its 90 % range, the chosen (flops, loss), and where the law's own runs end.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    drawn = figure("Training and serving compute (FLOPs)", f"Loss ({loss_unit})")
    drawn.update_xaxes(type="log")
    band(drawn, flops, low, high, name="90 % range")
    drawn.add_scatter(x=flops, y=loss, mode="lines", line_color=INK, name="Best loss for the compute")
    drawn.add_scatter(
        x=[chosen[0]], y=[chosen[1]], mode="markers", marker={"color": ACCENT, "size": 12}, name="This plan"
    )
    if fitted_to:
        largest_run(drawn, fitted_to)
    return drawn


def bars_figure(labels: Sequence[str], values: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Any:
    """Horizontal bars in dollars with their 90 % ranges, first label on top.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    drawn = figure("US dollars", "")
    drawn.add_bar(
        y=list(labels),
        x=list(values),
        orientation="h",
        marker_color=INK,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [top - value for top, value in zip(high, values, strict=True)],
            "arrayminus": [value - bottom for bottom, value in zip(low, values, strict=True)],
            "color": ACCENT,
        },
    )
    drawn.update_xaxes(tickformat="$~s")
    drawn.update_yaxes(autorange="reversed")
    drawn.update_layout(showlegend=False)
    return drawn
