"""Figures of a law over sizes: levels of equal compute, contours over params and tokens, the valley of one budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.charts.style import (
    ACCENT,
    BAND,
    INK,
    MUTED,
    SCALE,
    band,
    colours_of,
    count_axis,
    figure,
    key,
    power,
    thinned,
)
from planner.units import show, show_range

if TYPE_CHECKING:
    from numpy.typing import NDArray


def isoflop_figure(
    *,
    params: NDArray[Any],
    loss: NDArray[Any],
    level: NDArray[Any],
    flops: NDArray[Any],
    curve_params: NDArray[Any],
    curve_loss: NDArray[Any],
    vertex_params: NDArray[Any],
    vertex_loss: NDArray[Any],
    loss_unit: str,
) -> Any:
    """Loss against params at levels of equal compute, with the law's curve through each level and its vertex.

    Args:
        params: of each run in a level.
        loss: of each run in a level.
        level: which level each run belongs to, an index into `flops`.
        flops: compute of each level.
        curve_params: where each curve is drawn, shape (levels, points).
        curve_loss: the law there, same shape.
        vertex_params: of each level; NaN where it has none.
        vertex_loss: of each level; NaN where it has none.
        loss_unit: the unit of every loss.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    drawn = figure("Parameters", f"Loss ({loss_unit})")
    bar = colours_of(flops, "Compute (FLOPs)", power)
    shade = (np.log10(flops) - bar["cmin"]) / (bar["cmax"] - bar["cmin"])
    for number, colour in enumerate(_shades(shade)):
        drawn.add_scatter(
            x=curve_params[number],
            y=curve_loss[number],
            mode="lines",
            line={"color": colour, "width": 1.5},
            hoverinfo="skip",
            name="The law",
            legendgroup="law",
            showlegend=number == 0,
        )
    shown = thinned(len(params))
    drawn.add_scatter(
        x=params[shown],
        y=loss[shown],
        mode="markers",
        marker={"color": np.log10(flops[level[shown]]), "coloraxis": "coloraxis", "size": 6},
        showlegend=False,
        hovertext=[
            f"{show(float(params[at]), 'params')}<br>{show(float(flops[level[at]]), 'flops')}"
            f"<br>{show(float(loss[at]), loss_unit)}"
            for at in shown
        ],
        hoverinfo="text",
    )
    drawn.add_scatter(
        x=vertex_params,
        y=vertex_loss,
        mode="markers",
        marker={"symbol": "diamond-open", "color": ACCENT, "size": 11, "line_width": 2},
        name="Best size",
        hovertext=[
            f"{show(float(size), 'params')} is best for {show(float(compute), 'flops')}"
            for size, compute in zip(vertex_params, flops, strict=True)
        ],
        hoverinfo="text",
    )
    key(drawn, "Runs")
    drawn.update_layout(coloraxis=bar, height=500)
    drawn.update_xaxes(**count_axis(params))
    return drawn


def _shades(along: NDArray[Any]) -> list[str]:
    """Colours of the common scale at these fractions of it."""
    from plotly.colors import sample_colorscale

    return [str(colour) for colour in sample_colorscale(list(SCALE), along.tolist())]


def contours_figure(
    *,
    params: NDArray[Any],
    tokens: NDArray[Any],
    loss: NDArray[Any],
    best: tuple[NDArray[Any], NDArray[Any]],
    between: tuple[NDArray[Any], NDArray[Any]],
    runs: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    loss_unit: str,
    budget: tuple[float, float] | None = None,
) -> Any:
    """Lines of equal loss over params and tokens, and the frontier of best sizes with its 90 % range.

    Args:
        params: horizontal grid.
        tokens: vertical grid.
        loss: on the grid, shape (tokens, params).
        best: params and tokens along the frontier.
        between: least and greatest params of the range at the compute of each point of `best`.
        runs: params, tokens and loss of the runs.
        loss_unit: the unit of every loss.
        budget: params and tokens of a budget's best model; all models of its compute are drawn as a line.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    drawn = figure("Parameters", "Tokens")
    _contours(drawn, params, tokens, loss)
    pairs, (low, high) = best[0] * best[1], between
    drawn.add_scatter(
        x=np.concatenate([low, high[::-1]]),
        y=np.concatenate([pairs / low, (pairs / high)[::-1]]),
        mode="lines",
        line_width=0,
        fill="toself",
        fillcolor=BAND,
        hoverinfo="skip",
        name="90 % range",
    )
    drawn.add_scatter(
        x=best[0],
        y=best[1],
        mode="lines",
        line={"color": INK, "width": 2.5},
        name="Best size",
        hovertext=[f"{show(float(n), 'params')}<br>{show(float(d), 'tokens')}" for n, d in zip(*best, strict=True)],
        hoverinfo="text",
    )
    shown = thinned(len(runs[0]))
    drawn.add_scatter(
        x=runs[0][shown],
        y=runs[1][shown],
        mode="markers",
        marker={"color": INK, "size": 5, "opacity": 0.6},
        name="Runs",
        hovertext=[
            f"{show(float(n), 'params')}<br>{show(float(d), 'tokens')}<br>{show(float(reached), loss_unit)}"
            for n, d, reached in zip(*(column[shown] for column in runs), strict=True)
        ],
        hoverinfo="text",
    )
    if budget is not None:
        _budget(drawn, params, tokens, budget)
    drawn.update_xaxes(range=np.log10([params.min(), params.max()]).tolist(), **count_axis(params))
    drawn.update_yaxes(range=np.log10([tokens.min(), tokens.max()]).tolist(), **count_axis(tokens))
    drawn.update_layout(height=470)
    return drawn


def _contours(drawn: Any, params: NDArray[Any], tokens: NDArray[Any], loss: NDArray[Any]) -> None:
    """One line for each of a few round losses, closer together where the loss falls slowly."""
    for height in _round_levels(loss):
        drawn.add_contour(
            x=params,
            y=tokens,
            z=loss,
            autocontour=False,
            contours={"start": height, "end": height, "size": 1, "coloring": "none", "showlabels": True},
            line={"color": MUTED, "width": 1},
            showscale=False,
            showlegend=False,
            hoverinfo="skip",
        )


def _round_levels(loss: NDArray[Any], most: int = 9) -> list[float]:
    """Losses with few digits that divide the spread of `loss` into parts of similar area."""
    wanted = np.quantile(loss[np.isfinite(loss)], np.linspace(0.03, 0.97, most))
    step = 10.0 ** np.floor(np.log10(np.diff(wanted).min()))
    rounded = np.round(wanted / step) * step
    return sorted({float(value) for value in np.round(rounded, 6)})


def _budget(drawn: Any, params: NDArray[Any], tokens: NDArray[Any], budget: tuple[float, float]) -> None:
    sizes = np.geomspace(params.min(), params.max(), 50)
    needed = budget[0] * budget[1] / sizes
    inside = (needed >= tokens.min()) & (needed <= tokens.max())
    line = {"color": ACCENT, "width": 2, "dash": "dash"}
    drawn.add_scatter(x=sizes[inside], y=needed[inside], mode="lines", line=line, hoverinfo="skip", name="Budget")
    drawn.add_scatter(
        x=[budget[0]],
        y=[budget[1]],
        mode="markers",
        marker={"color": ACCENT, "size": 10},
        showlegend=False,
        hovertext=[f"{show(budget[0], 'params')}<br>{show(budget[1], 'tokens')}"],
        hoverinfo="text",
    )


def valley_figure(
    *,
    params: NDArray[Any],
    loss: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    best: tuple[float, float],
    near: tuple[float, float],
    share: float,
    loss_unit: str,
) -> Any:
    """Loss against params for one budget, with the sizes within `share` of the least loss shaded.

    Args:
        params: sizes, the tokens of each being what the budget leaves.
        loss: the law there.
        low: of the 90 % range of the loss.
        high: of the 90 % range of the loss.
        best: params and loss of the best size.
        near: the smallest and the largest size within `share` of the least loss.
        share: what counts as near, as a fraction of the loss.
        loss_unit: the unit of every loss.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    drawn = figure("Parameters", f"Loss ({loss_unit})")
    band(drawn, params, low, high, name="90 % range")
    drawn.add_scatter(
        x=params,
        y=loss,
        mode="lines",
        line_color=INK,
        name="Loss for this budget",
        hovertext=[
            f"{show(float(size), 'params')}<br>{show(float(value), loss_unit)}"
            for size, value in zip(params, loss, strict=True)
        ],
        hoverinfo="text",
    )
    drawn.add_scatter(x=[best[0]], y=[best[1]], mode="markers", marker={"color": ACCENT, "size": 12}, name="Best size")
    drawn.add_vrect(x0=near[0], x1=near[1], fillcolor=ACCENT, opacity=0.12, line_width=0)
    said = f"within {show(share, 'fraction')} of the least loss:<br>{show_range(*near, 'params')}"
    middle = (math.log10(near[0]) + math.log10(near[1])) / 2
    drawn.add_annotation(x=middle, y=1, yref="paper", yanchor="top", text=said, showarrow=False)
    # Room above the curves for these words, and no line through them.
    drawn.update_yaxes(showgrid=False, range=[float(low.min()), float(high.max() + 0.3 * (high.max() - low.min()))])
    drawn.update_xaxes(**count_axis(params))
    return drawn
