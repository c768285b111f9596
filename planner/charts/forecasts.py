"""Figures of forecasts: the fan of an extrapolation, and whether the intervals of held-out runs hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planner.charts.style import (
    ACCENT,
    CORE,
    INK,
    MUTED,
    band,
    compute_axis,
    figure,
    largest_run,
    stacked,
    thinned,
)
from planner.units import show, show_range

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fan_figure(
    *,
    flops: NDArray[Any],
    loss: NDArray[Any],
    half: tuple[NDArray[Any], NDArray[Any]],
    most: tuple[NDArray[Any], NDArray[Any]],
    runs: tuple[NDArray[Any], NDArray[Any]],
    fitted_to: float,
    loss_unit: str,
    held_out: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]] | None = None,
) -> Any:
    """Best loss against compute with its range, which fans out beyond the runs; below, held-out runs and forecasts.

    Args:
        flops: compute along the frontier.
        loss: the law there.
        half: low and high of the 50 % range.
        most: low and high of the 90 % range.
        runs: compute and loss of the runs.
        fitted_to: compute of the largest run.
        loss_unit: the unit of every loss.
        held_out: compute of held-out runs; their measured loss, and low and high of its 90 % range, over the forecast.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    x_title, y_title = "Training compute (FLOPs)", f"Loss ({loss_unit})"
    if held_out is None:
        drawn, panel = figure(x_title, y_title), dict[str, Any]()
    else:
        drawn, panel = stacked(x_title, y_title, "Above forecast"), {"row": 1, "col": 1}
    band(drawn, flops, *most, name="90 % range", **panel)
    band(drawn, flops, *half, name="50 % range", fillcolor=CORE, **panel)
    shown = thinned(len(runs[0]))
    points = {"color": MUTED, "size": 5, "opacity": 0.6}
    said: dict[str, Any] = {"hoverinfo": "text"}
    said["hovertext"] = [show(float(reached), loss_unit) for reached in runs[1][shown]]
    drawn.add_scatter(x=runs[0][shown], y=runs[1][shown], mode="markers", marker=points, name="Runs", **said, **panel)
    said["hovertext"] = [_forecast(*at, loss_unit) for at in zip(flops, loss, *most, strict=True)]
    drawn.add_scatter(x=flops, y=loss, mode="lines", line_color=INK, name="Best loss", **said, **panel)
    largest_run(drawn, fitted_to, **panel)
    if held_out is not None:
        _backtest(drawn, *held_out)
    compute_axis(drawn, np.concatenate([flops, runs[0]]))
    return drawn


def _forecast(flops: float, loss: float, low: float, high: float, loss_unit: str) -> str:
    return f"{show(float(flops), 'flops')}<br>{show(float(loss), loss_unit)} ({show_range(low, high, loss_unit)})"


def _backtest(drawn: Any, flops: NDArray[Any], came: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> None:
    """The lower panel: each held-out run and the range it was forecast in, relative to the forecast."""
    drawn.add_hline(y=0, line_color=MUTED, row=2, col=1)
    inside = (low <= came) & (came <= high)
    for chosen, colour, name in ((inside, INK, "Came inside"), (~inside, ACCENT, "Came outside")):
        at = np.flatnonzero(chosen)[thinned(int(chosen.sum()))]
        drawn.add_scatter(
            x=flops[at],
            y=came[at] - 1,
            mode="markers",
            marker={"color": colour, "size": 6},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": high[at] - came[at],
                "arrayminus": came[at] - low[at],
                "color": colour,
                "thickness": 1,
                "width": 0,
            },
            name=name,
            hovertext=[
                f"came {show(float(value - 1), 'fraction')} above its forecast,"
                f" range {show_range(float(bottom - 1), float(top - 1), 'fraction')}"
                for value, bottom, top in zip(came[at], low[at], high[at], strict=True)
            ],
            hoverinfo="text",
            row=2,
            col=1,
        )
    drawn.update_yaxes(tickformat="+.1%", row=2, col=1)


def calibration_figure(*, levels: NDArray[Any], shares: NDArray[Any], runs: int) -> Any:
    """Share of `runs` held-out runs inside their intervals against the level that the intervals claim.

    The band holds 90 % of what honest intervals would show on as many independent runs (binomial).

    Raises:
        MissingExtra: Plotly is not installed.
    """
    drawn = figure("Level the intervals claim", f"Share of {show(runs, 'count')} held-out runs inside")
    claimed = np.linspace(0, 1, 101)
    counts = np.random.default_rng(0).binomial(runs, claimed, size=(4000, len(claimed)))
    low, high = np.quantile(counts / runs, [0.05, 0.95], axis=0)
    band(drawn, claimed, low, high, name="Honest intervals, 90 % of cases")
    drawn.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": MUTED, "dash": "dot"}, hoverinfo="skip", showlegend=False
    )
    drawn.add_scatter(
        x=levels,
        y=shares,
        mode="lines+markers",
        line_color=INK,
        marker_size=8,
        name="These intervals",
        hovertext=[
            f"{show(float(share), 'fraction')} inside the {show(float(level), 'fraction')} intervals"
            for level, share in zip(levels, shares, strict=True)
        ],
        hoverinfo="text",
    )
    drawn.update_xaxes(range=[0, 1.05], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    drawn.update_yaxes(range=[0, 1.05], tickformat=".0%", tickvals=[0.25, 0.5, 0.75, 1])
    return drawn
