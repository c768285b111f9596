"""Style: what all figures share. One colour means one thing everywhere, on a light page and on a dark one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

INK, BAND, ACCENT, MUTED = "#2b7bd1", "rgba(43, 123, 209, 0.25)", "#d9530f", "#7d8590"
"""Central line, its 90 % range, the chosen point, everything for reference only."""
CORE = "rgba(43, 123, 209, 0.45)"
"""The inner half of a range."""
SCALE = ("#3fb6b2", "#2b7bd1", "#9b4dca")
"""From little to much: sizes and compute."""
_TEXT, _GRID = "#6f7782", "rgba(128, 128, 128, 0.25)"
_HEIGHT, _LABELS = 380, 6
_MOST = 4000


def figure(x_title: str, y_title: str) -> Any:
    """An empty figure with one panel.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    try:
        import plotly.graph_objects as go
    except ImportError:
        raise MissingExtra.of("plotly", extra="plot") from None
    drawn = styled(go.Figure())
    drawn.update_xaxes(title_text=x_title)
    drawn.update_yaxes(title_text=y_title)
    return drawn


def stacked(x_title: str, upper: str, lower: str) -> Any:
    """An empty figure with two panels, one above the other, that share the horizontal axis.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    drawn = grid(rows=2, columns=1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.62, 0.38])
    drawn.update_xaxes(title_text=x_title, row=2, col=1)
    drawn.update_yaxes(title_text=upper, row=1, col=1)
    drawn.update_yaxes(title_text=lower, row=2, col=1)
    drawn.update_layout(height=int(1.5 * _HEIGHT))
    return drawn


def grid(*, rows: int, columns: int, **options: Any) -> Any:
    """An empty figure of small panels; `options` go to Plotly.

    Raises:
        MissingExtra: Plotly is not installed.
    """
    try:
        from plotly.subplots import make_subplots
    except ImportError:
        raise MissingExtra.of("plotly", extra="plot") from None
    return styled(make_subplots(rows=rows, cols=columns, **options))


def styled(drawn: Any) -> Any:
    """`drawn` with our background, text, grid and legend."""
    drawn.update_layout(
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 13, "color": _TEXT},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        height=_HEIGHT,
    )
    axis = {"exponentformat": "power", "gridcolor": _GRID, "zeroline": False, "automargin": True, "title_font_size": 13}
    drawn.update_xaxes(**axis)
    drawn.update_yaxes(**axis)
    return drawn


def compute_axis(drawn: Any, flops: NDArray[Any], **panel: int) -> None:
    """A logarithmic horizontal axis for `flops`, labelled at powers of ten."""
    low, high = np.log10(np.min(flops)), np.log10(np.max(flops))
    step = int(np.ceil((high - low) / _LABELS)) or 1
    drawn.update_xaxes(type="log", dtick=step, tickangle=0, **panel)


def count_axis(values: NDArray[Any]) -> dict[str, Any]:
    """A logarithmic axis for params or tokens, labelled at round numbers among `values`."""
    ticks = round_numbers(values, _LABELS)
    return {"type": "log", "tickmode": "array", "tickvals": ticks, "exponentformat": "B", "tickangle": 0}


def round_numbers(values: NDArray[Any], most: int) -> list[float]:
    """At most `most` round numbers between the least and the greatest of `values`, even on a logarithmic axis."""
    low, high = float(np.min(values)), float(np.max(values))
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for leading in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        ticks = np.outer(decades, leading).ravel()
        ticks = ticks[(ticks >= 0.99 * low) & (ticks <= 1.01 * high)]
        if len(ticks) <= most:
            break
    return [float(tick) for tick in ticks[:: -(-len(ticks) // most) or 1]]


def band(drawn: Any, x: NDArray[Any], low: NDArray[Any], high: NDArray[Any], **how: Any) -> None:
    """The area between `low` and `high` over `x`; `how` names it, colours it and says which panel."""
    panel = {key: how.pop(key) for key in ("row", "col") if key in how}
    style = {"mode": "lines", "line_width": 0, "hoverinfo": "skip", **how}
    drawn.add_scatter(x=x, y=high, **{**style, "showlegend": False, "fill": None}, **panel)
    drawn.add_scatter(x=x, y=low, fill="tonexty", **{"fillcolor": BAND, **style}, **panel)


def colours_of(values: NDArray[Any], title: str, texts: Callable[[float], str]) -> dict[str, Any]:
    """A colour axis over the logarithm of `values`, its bar below the panels with labels by `texts`."""
    logs, ticks = np.log10(values), round_numbers(values, 4)
    return {
        "colorscale": [[0.0, SCALE[0]], [0.5, SCALE[1]], [1.0, SCALE[2]]],
        "cmin": float(logs.min()),
        "cmax": float(logs.max()) + 1e-9,
        "colorbar": {
            "orientation": "h",
            "title": {"text": title, "side": "top", "font_size": 13},
            "thickness": 8,
            "len": 1.0,
            "x": 0.5,
            "y": -0.18,
            "yanchor": "top",
            "outlinewidth": 0,
            "tickvals": np.log10(ticks).tolist(),
            "ticktext": [texts(tick) for tick in ticks],
            "tickangle": 0,
        },
    }


def power(value: float) -> str:
    """A round number as Plotly writes large ones: 3 x 10 to the 17."""
    exponent = int(np.floor(np.log10(value) + 1e-9))
    leading = round(value / 10.0**exponent)
    return f"{'' if leading == 1 else f'{leading}×'}10<sup>{exponent}</sup>"


def key(drawn: Any, name: str, **panel: int) -> None:
    """A dot in the legend for points that are coloured by an axis, which the legend would show black."""
    drawn.add_scatter(x=[None], y=[None], mode="markers", marker={"color": INK, "size": 7}, name=name, **panel)


def largest_run(drawn: Any, flops: float, **panel: int) -> None:
    """A dotted line where the law's own runs end, named at its top, where curves that fall leave room."""
    drawn.add_vline(x=flops, line_dash="dot", line_color=MUTED, **panel)
    note = {
        "text": "largest run of the law",
        "showarrow": False,
        "xanchor": "right",
        "yanchor": "top",
        "textangle": -90,
    }
    # Annotations take the exponent on a logarithmic axis.
    drawn.add_annotation(x=float(np.log10(flops)), y=1, yref="y domain", **note, **panel)


def thinned(count: int) -> NDArray[np.intp]:
    """Positions of at most a few thousand of `count` points, evenly spread: a browser draws no more with ease."""
    return np.unique(np.linspace(0, count - 1, min(count, _MOST)).astype(int))


def on_page(drawn: Any) -> Any:
    """`drawn` made to fit a page of any width: on a log axis that chose no labels, one for each decade."""
    drawn.for_each_xaxis(
        lambda axis: (
            axis.update(dtick=1, tickangle=0)
            if axis.type == "log" and axis.dtick is None and axis.tickvals is None
            else None
        )
    )
    return drawn


def offline_html(drawn: Any, *, first: bool) -> str:
    """`drawn` as an HTML fragment for a page without network; the first of a page brings the Plotly script along."""
    html: str = drawn.to_html(
        full_html=False, include_plotlyjs=first, config={"displaylogo": False, "responsive": True}
    )
    return html
