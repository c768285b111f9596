"""Figures of a fit: how well it meets its runs, and how sure its coefficients are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planner.charts.style import (
    ACCENT,
    BAND,
    CORE,
    INK,
    MUTED,
    colours_of,
    compute_axis,
    grid,
    key,
    round_numbers,
    stacked,
    thinned,
)
from planner.units import show, show_range

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

_POINTS = 160


def fit_figure(
    flops: NDArray[Any],
    loss: NDArray[Any],
    predicted: NDArray[Any],
    loss_unit: str,
    *,
    params: NDArray[Any] | None = None,
    outliers: Mapping[int, str] | None = None,
) -> Any:
    """Measured and fitted loss of each run over its compute, and below how far the two lie apart.

    Runs are coloured by `params` where given; `outliers` names some of them by their position.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    drawn = stacked("Compute of the run (FLOPs)", f"Loss ({loss_unit})", "Above fitted")
    shown, error = thinned(len(flops)), loss / predicted - 1
    marker: dict[str, Any] = {"color": INK, "size": 7, "opacity": 0.8}
    if params is not None:
        marker |= {"color": np.log10(params[shown]), "coloraxis": "coloraxis"}
        drawn.update_layout(coloraxis=colours_of(params, "Parameters", show), height=620)
    hover = [_about(at, flops, loss, predicted, params, loss_unit) for at in shown]
    said = {"hovertext": hover, "hoverinfo": "text", "mode": "markers"}
    dash = {"symbol": "line-ew-open", "color": MUTED, "size": 11, "line_width": 2}
    drawn.add_scatter(x=flops[shown], y=predicted[shown], marker=dash, name="Fitted", **said, row=1, col=1)
    drawn.add_scatter(x=flops[shown], y=loss[shown], marker=marker, showlegend=False, **said, row=1, col=1)
    key(drawn, "Measured", row=1, col=1)
    drawn.add_hline(y=0, line_color=MUTED, row=2, col=1)
    drawn.add_scatter(x=flops[shown], y=error[shown], marker=marker, showlegend=False, **said, row=2, col=1)
    if outliers:
        _mark(drawn, flops, (loss, error), outliers)
    drawn.update_yaxes(tickformat="+.1%", row=2, col=1)
    compute_axis(drawn, flops)
    return drawn


def _about(
    at: int,
    flops: NDArray[Any],
    loss: NDArray[Any],
    predicted: NDArray[Any],
    params: NDArray[Any] | None,
    loss_unit: str,
) -> str:
    """The run at this position, for hovering."""
    size = [show(float(params[at]), "params")] if params is not None else []
    told = f"measured {show(float(loss[at]), loss_unit)}", f"fitted {show(float(predicted[at]), loss_unit)}"
    return "<br>".join([*size, show(float(flops[at]), "flops"), *told])


def _mark(drawn: Any, flops: NDArray[Any], heights: tuple[NDArray[Any], ...], outliers: Mapping[int, str]) -> None:
    """A ring around every outlier in each panel, and its name in the lower one."""
    at = list(outliers)
    ring = {"symbol": "circle-open", "color": ACCENT, "size": 13, "line_width": 2}
    for row, height in enumerate(heights, start=1):
        drawn.add_scatter(
            x=flops[at],
            y=height[at],
            mode="markers",
            marker=ring,
            name="Outlier",
            hovertext=list(outliers.values()),
            hoverinfo="text",
            showlegend=row == 1,
            row=row,
            col=1,
        )


def posterior_figure(
    *, draws: Mapping[str, NDArray[Any]], central: Mapping[str, float], logarithmic: Collection[str] = ("A", "B")
) -> Any:
    """How the draws of each coefficient spread: their density, its 90 % in the middle darker, the central value a line.

    Coefficients in `logarithmic` have a logarithmic axis, because their draws are close to log-normal, unless some of
    them are not positive. One that does not vary is its line alone.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    names = list(draws)
    rows = (len(names) + 1) // 2
    titles = [_titled(name, draws[name], central[name]) for name in names]
    drawn = grid(rows=rows, columns=2, subplot_titles=titles, vertical_spacing=0.48 / rows, horizontal_spacing=0.08)
    for number, name in enumerate(names):
        panel = {"row": number // 2 + 1, "col": number % 2 + 1}
        _density(drawn, draws[name], central[name], name in logarithmic, panel)
    drawn.update_yaxes(visible=False, rangemode="tozero")
    drawn.update_xaxes(nticks=4, tickangle=0)
    drawn.update_annotations(font_size=13)
    drawn.update_layout(height=60 + 160 * rows, margin_t=50, showlegend=False)
    return drawn


def _titled(name: str, draws: NDArray[Any], central: float) -> str:
    low, high = np.nanquantile(draws, [0.05, 0.95])
    return f"{name} {show(central)}<br>{show_range(float(low), float(high))}"


def _density(drawn: Any, draws: NDArray[Any], central: float, logarithmic: bool, panel: dict[str, int]) -> None:
    """A Gaussian kernel density of width 1.06 s n^-1/5 (Silverman 1986, equation 3.28), highest point 1."""
    values = draws[np.isfinite(draws)]
    if np.ptp(values) <= 1e-9 * abs(central):
        _line_at(drawn, central, panel)
        return
    logarithmic = logarithmic and min(central, values.min()) > 0
    values = np.log10(values) if logarithmic else values
    width = 1.06 * float(values.std()) * len(values) ** -0.2
    x = np.linspace(values.min() - 2 * width, values.max() + 2 * width, _POINTS)
    height = np.exp(-0.5 * ((x[:, None] - values[thinned(len(values))]) / width) ** 2).sum(axis=1)
    height /= height.max()
    low, high = np.quantile(values, [0.05, 0.95])
    inside, x = (x >= low) & (x <= high), 10**x if logarithmic else x
    area = {"mode": "lines", "fill": "tozeroy", "hoverinfo": "skip", **panel}
    drawn.add_scatter(x=x, y=height, line={"color": INK, "width": 1}, fillcolor=BAND, **area)
    drawn.add_scatter(x=x[inside], y=height[inside], line_width=0, fillcolor=CORE, **area)
    _line_at(drawn, central, panel)
    if logarithmic:
        ticks = round_numbers(x, 3)
        drawn.update_xaxes(type="log", tickvals=ticks, ticktext=[show(tick) for tick in ticks], **panel)


def _line_at(drawn: Any, central: float, panel: dict[str, int]) -> None:
    line = {"color": ACCENT, "width": 2}
    drawn.add_scatter(x=[central, central], y=[0, 1], mode="lines", line=line, hoverinfo="skip", **panel)
