"""Figures of a sweep that goes on: the loss of its finished runs, filling in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from planner.charts.style import colours_of, figure, power, round_numbers, thinned
from planner.units import show

_LABELS = 6


def sweep_figure(*, flops: Sequence[float], loss: Sequence[float], params: Sequence[float]) -> Any:
    """Loss in nats per token over compute, one point for each finished run, coloured by its params.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    drawn = figure("Compute of the run (FLOPs)", "Held-out loss (nats/token)")
    compute, sizes, losses = (np.asarray(values, dtype=float) for values in (flops, params, loss))
    shown = thinned(len(compute))
    drawn.add_scatter(
        x=compute[shown],
        y=losses[shown],
        mode="markers",
        marker={"color": np.log10(sizes[shown]), "coloraxis": "coloraxis", "size": 9},
        hovertext=[
            f"{show(float(sizes[at]), 'params')}<br>{show(float(compute[at]), 'flops')}"
            f"<br>{show(float(losses[at]), 'nats/token')}"
            for at in shown
        ],
        hoverinfo="text",
        showlegend=False,
    )
    drawn.update_layout(coloraxis=colours_of(sizes, "Parameters", show), height=460)
    ticks = round_numbers(compute, _LABELS)
    drawn.update_xaxes(type="log", tickvals=ticks, ticktext=[power(tick) for tick in ticks], tickangle=0)
    return drawn
