"""Specs: the figures of the live pages as Vega-Lite dictionaries, which cost a page little to send and to draw.

They look like the Plotly figures of notebook and report: one colour means one thing everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planner.charts.style import ACCENT, INK, MUTED, round_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

Points = list[dict[str, Any]]
Spec = dict[str, Any]

HEIGHT = 360
_BAR = 34
_MODELS = {"type": "point", "filled": True, "color": MUTED, "size": 45, "opacity": 0.9}
_CHOSEN = {"type": "point", "filled": True, "color": ACCENT, "size": 130, "opacity": 1}
_NAMES = {"type": "text", "align": "left", "dx": 6, "dy": -7, "color": MUTED, "fontSize": 11}
_AMOUNT = "replace(replace(format(datum.value, '{lead}~s'), 'G', 'B'), 'k', 'K')"
_POWER = "format(datum.value, '.0e')"
_NAME: Spec = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 170}}
"""The vertical axis of bars: their names, in the order in which they are given."""


def loss_spec(
    *,
    curve: Mapping[str, NDArray[Any]],
    models: Points,
    chosen: Points,
    fitted_to: float,
    x_title: str,
    y_title: str,
    money: bool,
) -> Spec:
    """Best loss against budget with its 90 % range, open models as points, the chosen plan, and the law's reach.

    Args:
        curve: arrays x, loss, low and high.
        models: x, loss, about and, where there is room for it, name.
        chosen: x, loss and about of the plan.
        fitted_to: x of the largest run of the law; 0 where unknown.
        x_title: what x is, with its unit.
        y_title: what loss is, with its unit.
        money: whether x is in US dollars, not in FLOPs.
    """
    x = _log("x", curve["x"], x_title, _AMOUNT.format(lead="$") if money else _POWER)
    y = {"field": "loss", "type": "quantitative", "title": y_title, "scale": {"zero": False}}
    line = _rows(**curve)
    layers: list[Spec] = [
        {
            "data": {"values": line},
            "mark": {"type": "area", "color": INK, "opacity": 0.25},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
        },
        {"data": {"values": line}, "mark": {"type": "line", "color": INK}, "encoding": {"x": x, "y": y}},
        *_points(models, x, y, _MODELS),
        *_points(chosen, x, y, _CHOSEN),
    ]
    if fitted_to:
        layers.append(_upright(fitted_to, x, "largest run of the law"))
    return {"height": HEIGHT, "layer": layers}


def sizes_spec(
    *, lines: Sequence[tuple[str, NDArray[Any], NDArray[Any]]], budget: Points, models: Points, chosen: Points
) -> Spec:
    """Lines of equal loss over parameters and tokens, the line of the budget, open models, and the chosen plan.

    Args:
        lines: the loss as text, and params and tokens along its line.
        budget: x (params) and y (tokens) along the budget.
        models: x, y, about and, where there is room for it, name.
        chosen: x, y and about of the plan.
    """
    sides = [[point[side] for point in (*budget, *chosen)] for side in ("x", "y")]
    x = _log("x", sides[0], "Parameters", _AMOUNT.format(lead=""))
    y = _log("y", sides[1], "Training tokens", _AMOUNT.format(lead=""))
    layers: list[Spec] = []
    for text, params, tokens in lines:
        values = _rows(x=params, y=tokens)
        shape = {"type": "line", "color": INK, "opacity": 0.55, "strokeWidth": 1.2, "clip": True}
        layers.append({"data": {"values": values}, "mark": shape, "encoding": {"x": x, "y": y}})
        inside = [row for row in values if min(sides[0]) <= row["x"] and min(sides[1]) <= row["y"] <= max(sides[1])]
        if inside:
            mark = {"type": "text", "color": INK, "fontSize": 11, "dy": -7, "align": "left"}
            layers.append(
                {"data": {"values": [{**inside[0], "text": text}]}, "mark": mark,
                 "encoding": {"x": x, "y": y, "text": {"field": "text"}}}
            )  # fmt: skip
    dashed = {"type": "line", "color": ACCENT, "strokeDash": [6, 4], "clip": True}
    layers.append({"data": {"values": budget}, "mark": dashed, "encoding": {"x": x, "y": y}})
    return {"height": HEIGHT, "layer": [*layers, *_points(models, x, y, _MODELS), *_points(chosen, x, y, _CHOSEN)]}


def steps_spec(*, steps: Points, total: dict[str, Any]) -> Spec:
    """Steps in dollars, top down, to the total and its 90 % range.

    Args:
        steps: name, start, end and about; the total is the last.
        total: name, value, low and high of the total.
    """
    bars = {
        "x": _dollars("start", "US dollars"),
        "x2": {"field": "end"},
        "y": _NAME,
        "color": {"field": "kind", "type": "nominal", "legend": None,
                  "scale": {"domain": ["step", "total"], "range": [INK, MUTED]}},
        "tooltip": {"field": "about"},
    }  # fmt: skip
    spread = {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}, "y": _NAME}
    middle = {"x": {"field": "value", "type": "quantitative"}, "y": _NAME}
    ends = {"values": [total]}
    return {
        "height": _high(steps),
        "layer": [
            {"data": {"values": steps}, "mark": {"type": "bar"}, "encoding": bars},
            {"data": ends, "mark": {"type": "rule", "color": ACCENT, "strokeWidth": 2}, "encoding": spread},
            {"data": ends, "mark": {**_CHOSEN, "size": 60}, "encoding": middle},
        ],
    }


def swings_spec(*, swings: Points, centre: float) -> Spec:
    """Bars in dollars from the cheap to the dear end of each input, around the total; the widest on top.

    Args:
        swings: name, low, high and about.
        centre: the total.
    """
    sides: list[Spec] = [
        {
            "data": {"values": [{**swing, "centre": centre} for swing in swings]},
            "mark": {"type": "bar", "color": colour},
            "encoding": {
                "x": {**_dollars("centre", "US dollars of the whole bill"), "scale": {"zero": False}},
                "x2": {"field": end},
                "y": _NAME,
                "tooltip": {"field": "about"},
            },
        }
        for end, colour in (("low", INK), ("high", ACCENT))
    ]
    rule = {"data": {"values": [{"centre": centre}]}, "mark": {"type": "rule", "color": MUTED},
            "encoding": {"x": {"field": "centre", "type": "quantitative"}}}  # fmt: skip
    return {"height": _high(swings), "layer": [*sides, rule]}


def days_spec(*, curve: Points, chosen: float) -> Spec:
    """Days against GPUs with their 90 % range, and the GPUs of the plan.

    Args:
        curve: gpus, days, low, high and about.
        chosen: GPUs of the plan.
    """
    amount = _AMOUNT.format(lead="")
    x = _log("gpus", [point["gpus"] for point in curve], "GPUs", amount)
    ends = [point[end] for point in curve for end in ("low", "high")]
    y = _log("days", ends, "Days of the training run", amount)
    about = {"tooltip": {"field": "about"}}
    dots = {"type": "line", "color": INK, "point": {"filled": True, "size": 50, "color": INK}}
    return {
        "height": HEIGHT,
        "layer": [
            {
                "data": {"values": curve},
                "mark": {"type": "area", "color": INK, "opacity": 0.25},
                "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {"data": {"values": curve}, "mark": dots, "encoding": {"x": x, "y": y, **about}},
            _upright(chosen, x, "this plan"),
        ],
    }


def ranges_spec(*, rows: Points, title: str, money: bool) -> Spec:
    """One value with its 90 % range per name, for comparing.

    Args:
        rows: name, value, low, high and about.
        title: what is compared, with its unit.
        money: whether it is in US dollars.
    """
    axis: Spec = {"tickCount": 7, **({"labelExpr": _AMOUNT.format(lead="$")} if money else {})}
    x = {"field": "value", "type": "quantitative", "title": title, "scale": {"zero": False}, "axis": axis}
    about = {"tooltip": {"field": "about"}}
    spread = {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": _NAME, **about}
    bar = {"mark": {"type": "bar", "color": INK, "opacity": 0.25, "height": 12}, "encoding": spread}
    point = {"mark": {**_CHOSEN, "color": INK}, "encoding": {"x": x, "y": _NAME, **about}}
    return {"height": _high(rows), "layer": [{"data": {"values": rows}, **layer} for layer in (bar, point)]}


def _points(rows: Points, x: Spec, y: Spec, mark: Spec) -> Iterable[Spec]:
    """The points, and the names of those that carry one."""
    where = {"x": x, "y": y}
    yield {"data": {"values": rows}, "mark": mark, "encoding": {**where, "tooltip": {"field": "about"}}}
    named = [row for row in rows if row.get("name")]
    if named:
        yield {"data": {"values": named}, "mark": _NAMES, "encoding": {**where, "text": {"field": "name"}}}


def _upright(at: float, x: Spec, text: str) -> Spec:
    """A dotted line from bottom to top at `at`, named at its top."""
    encoding = {"x": {**x, "field": "at"}}
    name = {"type": "text", "color": MUTED, "align": "left", "baseline": "bottom", "angle": 270, "dx": 4, "dy": -4,
            "fontSize": 11}  # fmt: skip
    return {
        "data": {"values": [{"at": at, "text": text}]},
        "layer": [
            {"mark": {"type": "rule", "color": MUTED, "strokeDash": [2, 3]}, "encoding": encoding},
            {"mark": name, "encoding": {**encoding, "y": {"value": "height"}, "text": {"field": "text"}}},
        ],
    }


def _log(field: str, values: Sequence[float] | NDArray[Any], title: str, labels: str) -> Spec:
    """A logarithmic axis over `values`, labelled at round numbers."""
    low, high = float(min(values)), float(max(values))
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"type": "log", "domain": [low, high]},
        "axis": {"values": round_numbers(np.asarray(values, dtype=float), 7), "labelExpr": labels},
    }


def _dollars(field: str, title: str) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "axis": {"labelExpr": _AMOUNT.format(lead="$"), "tickCount": 7},
    }


def _high(bars: Points) -> int:
    """Pixels of a figure with so many bars, its axis included."""
    return 60 + _BAR * len(bars)


def _rows(**columns: NDArray[Any]) -> Points:
    """One dictionary per line of the columns."""
    lines = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, line, strict=True)) for line in lines]
