"""Charts: arrays in, Plotly figures out. It knows no planner type; one colour and one band mean the same everywhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from planner.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

INK, BAND, ACCENT, MUTED = "#2b7bd1", "rgba(43, 123, 209, 0.25)", "#d9530f", "#7d8590"
"""Central line, its 90 % range, the chosen point, everything for reference only."""


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
    figure = _figure("Training and serving compute (FLOPs)", f"Loss ({loss_unit})")
    figure.update_xaxes(type="log")
    figure.add_scatter(x=flops, y=high, mode="lines", line_width=0, hoverinfo="skip", showlegend=False)
    figure.add_scatter(x=flops, y=low, mode="lines", line_width=0, fill="tonexty", fillcolor=BAND, name="90 % range")
    figure.add_scatter(x=flops, y=loss, mode="lines", line_color=INK, name="Best loss for the compute")
    figure.add_scatter(
        x=[chosen[0]], y=[chosen[1]], mode="markers", marker={"color": ACCENT, "size": 12}, name="This plan"
    )
    if fitted_to:
        figure.add_vline(x=fitted_to, line_dash="dot", line_color=MUTED)
        # Annotations take the exponent on a logarithmic axis.
        note = {"text": "largest run of the law", "showarrow": False, "xanchor": "right", "yanchor": "bottom"}
        figure.add_annotation(x=math.log10(fitted_to), y=0, yref="paper", textangle=-90, **note)
    return figure


def fit_figure(flops: NDArray[Any], loss: NDArray[Any], predicted: NDArray[Any], loss_unit: str) -> Any:
    """Relative residual of each run over its compute, with measured and predicted loss on hover.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    figure = _figure("Compute of the run (FLOPs)", "Measured above predicted loss")
    figure.update_xaxes(type="log")
    figure.update_yaxes(tickformat="+.1%")
    figure.add_hline(y=0, line_color=MUTED)
    figure.add_scatter(
        x=flops,
        y=loss / predicted - 1,
        mode="markers",
        marker={"color": INK, "size": 7, "opacity": 0.7},
        customdata=list(zip(loss, predicted, strict=True)),
        hovertemplate=f"measured %{{customdata[0]:.3f}}, predicted %{{customdata[1]:.3f}} {loss_unit}<extra></extra>",
        name="Runs",
    )
    return figure


def bars_figure(labels: Sequence[str], values: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Any:
    """Horizontal bars in dollars with their 90 % ranges, first label on top.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    figure = _figure("US dollars", "")
    figure.add_bar(
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
    figure.update_xaxes(tickformat="$~s")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(showlegend=False)
    return figure


def offline_html(figure: Any, *, first: bool) -> str:
    """`figure` as an HTML fragment for a page without network; the first of a page brings the Plotly script along."""
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=first, config={"displaylogo": False, "responsive": True}
    )
    return html


def _figure(x_title: str, y_title: str) -> Any:
    try:
        import plotly.graph_objects as go
    except ImportError:
        raise MissingExtra.of("plotly", extra="plot") from None
    figure = go.Figure()
    figure.update_layout(
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.12},
        height=380,
    )
    figure.update_xaxes(title=x_title, exponentformat="power", gridcolor="rgba(128,128,128,0.25)", automargin=True)
    figure.update_yaxes(title=y_title, gridcolor="rgba(128,128,128,0.25)", automargin=True)
    return figure


def on_page(figure: Any) -> Any:
    """`figure` made to fit a page of any width: its legend above the axes and, on a log axis, one label per decade."""
    figure.update_layout(legend={"x": 0, "y": 1.02, "yanchor": "bottom"}, font_size=13)
    figure.for_each_xaxis(lambda axis: axis.update(dtick=1, tickangle=0) if axis.type == "log" else None)
    return figure
