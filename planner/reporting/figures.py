"""Figures: the values of a report's figures as lines and areas for a paper, in the colours of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from reportlab.graphics.shapes import Circle, Drawing, Group, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.pdfbase.pdfmetrics import stringWidth

from planner.charts.style import ACCENT, INK, MUTED, round_numbers
from planner.reporting.blocks import Curve, Steps
from planner.units import show

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FONT, _SIZE = "Vera", 6.5
_HEIGHT, _BOTTOM, _TOP = 190.0, 30.0, 8.0
_BAR = 15.0
_INK, _BAND, _ACCENT, _MUTED = HexColor(INK), HexColor("#cadef3"), HexColor(ACCENT), HexColor(MUTED)
_GRID, _DARK = HexColor("#e5e7eb"), HexColor("#4b5563")
_MOST_RUNS = 400


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where a value lies between two points of the drawing; `scale` is np.log10 or np.asarray."""

    scale: Callable[[Any], Any]
    low: float
    high: float
    start: float
    end: float

    def at(self, values: Any) -> NDArray[Any]:
        """Points of `values` along the axis."""
        ends = self.scale(self.low), self.scale(self.high)
        share = (self.scale(np.asarray(values, dtype=float)) - ends[0]) / (ends[1] - ends[0])
        return np.asarray(self.start + share * (self.end - self.start))

    def holds(self, value: float) -> bool:
        """Whether the value lies on the axis."""
        return self.low <= value <= self.high


def drawing_of(values: Curve | Steps, width: float) -> Drawing:
    """The drawing, `width` points wide."""
    return _curve(values, width) if isinstance(values, Curve) else _steps(values, width)


def _curve(found: Curve, width: float) -> Drawing:
    """The loss with its range over compute on a logarithmic axis, the largest run of the law, runs, and the plan."""
    drawn = Drawing(width, _HEIGHT)
    runs = found.runs or (np.array([]), np.array([]))
    levels = _round_steps(float(np.min([*found.low, *runs[1]])), float(np.max([*found.high, *runs[1]])))
    compute = np.array([*found.flops, *runs[0]])
    x = _Axis(np.log10, float(compute.min()), float(compute.max()), 42, width - 4)
    y = _Axis(np.asarray, levels[0], levels[-1], _BOTTOM, _HEIGHT - _TOP - 10)
    for tick in levels:
        level = float(y.at(tick))
        _line(drawn, (x.start, level), (x.end, level), _GRID)
        _say(drawn, x.start - 4, level - 2, show(tick), anchor="end")
    for tick in round_numbers(compute, 7):
        _say(drawn, float(x.at(tick)), _BOTTOM - 10, show(tick, "flops").removesuffix(" FLOPs"), anchor="middle")
    across, low, high = x.at(found.flops), y.at(found.low), y.at(found.high)
    edge = [*zip(across, low, strict=True), *zip(across[::-1], high[::-1], strict=True)]
    drawn.add(Polygon(_flat(edge), fillColor=_BAND, strokeColor=None))
    for step in range(0, len(runs[0]), -(-len(runs[0]) // _MOST_RUNS) or 1):
        _dot(drawn, float(x.at(runs[0][step])), float(y.at(runs[1][step])), 1.1, _MUTED)
    line = _flat(zip(across, y.at(found.loss), strict=True))
    drawn.add(PolyLine(line, strokeColor=_INK, strokeWidth=1.4))
    if x.holds(found.fitted_to):
        falls = float(np.interp(np.log10(found.fitted_to), np.log10(found.flops), found.loss))
        _reach(drawn, float(x.at(found.fitted_to)), y, at_top=falls < (y.low + y.high) / 2)
    if found.chosen is not None:
        _dot(drawn, float(x.at(found.chosen[0])), float(y.at(found.chosen[1])), 3.2, _ACCENT)
    _say(drawn, (x.start + x.end) / 2, 6, found.x_title, anchor="middle")
    _say(drawn, 0, _HEIGHT - 8, found.y_title)
    return drawn


def _reach(drawn: Drawing, at: float, y: _Axis, *, at_top: bool) -> None:
    """A dotted line where the runs of the law end, named where the curve leaves room."""
    _line(drawn, (at, y.start), (at, y.end), _MUTED, strokeDashArray=(1, 2))
    how = {"fontName": _FONT, "fontSize": _SIZE, "fillColor": _DARK, "textAnchor": "end" if at_top else "start"}
    name = Group(String(0, 0, "largest run of the law", **how))
    name.translate(at - 3, y.end if at_top else y.start + 3)
    name.rotate(90)
    drawn.add(name)


def _steps(found: Steps, width: float) -> Drawing:
    """Bars in dollars, each beginning where the one above it ends, and the total with its 90 % range."""
    name, total = found.total
    high = _BAR * (len(found.usd) + 1) + _BOTTOM
    drawn = Drawing(width, high + 4)
    left = 8 + max(stringWidth(text, _FONT, _SIZE) for text in (*found.names, name))
    ticks = _round_steps(0.0, max(total.high, sum(found.usd)))
    x = _Axis(np.asarray, 0.0, ticks[-1], left, width - 20)
    for tick in ticks:
        at = float(x.at(tick))
        _line(drawn, (at, _BOTTOM - 4), (at, high), _GRID)
        _say(drawn, at, _BOTTOM - 13, show(tick, "usd").removesuffix(".00"), anchor="middle")
    ends = np.cumsum([0.0, *found.usd])
    bars = [*zip(found.names, ends, ends[1:], [_INK] * len(found.usd), strict=False), (name, 0.0, float(total), _MUTED)]
    for place, (label, start, end, colour) in enumerate(bars, start=1):
        bottom = high - _BAR * place
        _say(drawn, left - 4, bottom + 4, label, anchor="end")
        first, last = float(x.at(start)), float(x.at(end))
        drawn.add(Rect(first, bottom + 1, max(last - first, 0.5), _BAR - 4, fillColor=colour, strokeColor=None))
    middle = _BOTTOM + (_BAR - 2) / 2
    _line(drawn, (float(x.at(total.low)), middle), (float(x.at(total.high)), middle), _ACCENT, strokeWidth=1.5)
    _dot(drawn, float(x.at(float(total))), middle, 2.5, _ACCENT)
    _say(drawn, (x.start + x.end) / 2, 6, "US dollars", anchor="middle")
    return drawn


def _round_steps(low: float, high: float) -> list[float]:
    """Round numbers evenly from below `low` to above `high`, about five of them."""
    rough = max(high - low, 1e-9 * max(abs(high), 1.0)) / 4
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(leading for leading in (1.0, 2.0, 2.5, 5.0, 10.0) if leading * power >= rough)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return [float(step * count) for count in np.arange(first, last + 1)]


def _flat(pairs: Any) -> list[float]:
    return [float(number) for pair in pairs for number in pair]


def _line(drawn: Drawing, start: Sequence[float], end: Sequence[float], colour: Color, **how: Any) -> None:
    drawn.add(Line(*start, *end, strokeColor=colour, **{"strokeWidth": 0.5, **how}))


def _dot(drawn: Drawing, x: float, y: float, radius: float, colour: Color) -> None:
    drawn.add(Circle(x, y, radius, fillColor=colour, strokeColor=None))


def _say(drawn: Drawing, x: float, y: float, text: str, *, anchor: str = "start") -> None:
    drawn.add(String(x, y, text, fontName=_FONT, fontSize=_SIZE, fillColor=_DARK, textAnchor=anchor))
