"""The figure of plans: loss against compute along the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planner.charts.style import ACCENT, INK, band, figure, largest_run

if TYPE_CHECKING:
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
