"""Drawing: the break-even over the years as an SVG text, small enough for a page of documentation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

import numpy as np

from planner.units import show

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 170, 24, 44
_INK, _MUTED, _ACCENT, _BAND = "#1a1a1a", "#6b7280", "#1d4ed8", "#bfdbfe"

_Point = tuple[float, float]


def break_even_svg(
    *,
    days: Sequence[date],
    usd: Sequence[tuple[float, float, float] | None],
    answers: Sequence[str],
    budget_usd: float,
) -> str:
    """The figure: time to the right, dollars of the programme upwards on a log scale, the budget as a line.

    Args:
        days: the dates, the earliest first.
        usd: value, low and high of the break-even on each; None where no budget suffices, which draws nothing.
        answers: whether to pretrain, in a few words.
        budget_usd: the budget of the case.
    """
    known = [amounts for amounts in usd if amounts is not None]
    finite = [amount for amounts in known for amount in amounts if np.isfinite(amount)] + [budget_usd]
    low, high = np.floor(np.log10(min(finite))), np.ceil(np.log10(max(finite)))
    first, last = days[0].toordinal(), max(days[-1].toordinal(), days[0].toordinal() + 1)

    def at(day: date, amount: float) -> _Point:
        across = (day.toordinal() - first) / (last - first)
        up = (min(np.log10(amount), high) - low) / max(high - low, 1)
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    drawn = [(day, amounts) for day, amounts in zip(days, usd, strict=True) if amounts is not None]
    said = [answer for answer, amounts in zip(answers, usd, strict=True) if amounts is not None]
    band = [at(day, amounts[1]) for day, amounts in drawn] + [at(day, amounts[2]) for day, amounts in reversed(drawn)]
    parts = [
        f"<polygon points='{_points(band)}' fill='{_BAND}'/>",
        *(_gridline(at(days[0], 10.0**decade), show(10.0**decade, "usd")) for decade in np.arange(low, high + 1)),
        f"<polyline points='{_points([at(day, each[0]) for day, each in drawn])}' fill='none' stroke='{_ACCENT}'"
        " stroke-width='2'/>",
        *(_marked(at(day, each[0]), at(day, 10**low), day) for day, each in drawn),
        *(
            _labelled(at(day, each[0]), f"{show(each[0], 'usd')}: {answer}")
            for (day, each), answer in zip(drawn, said, strict=True)
        ),
        _budget(at(days[0], budget_usd), f"budget {show(budget_usd, 'usd')}"),
    ]
    title = "Budget from which a model of one's own wins at the same serving size (90 % range shaded)"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' font-family='sans-serif'"
        f" font-size='12' role='img' aria-label='{escape(title, quote=True)}'>\n"
        f"<rect width='{_WIDTH}' height='{_HEIGHT}' fill='white'/>\n"
        + "\n".join([*parts, _text((_LEFT, 14), title, _INK, "start")])
        + "\n</svg>\n"
    )


def _points(points: Sequence[_Point]) -> str:
    return " ".join(f"{round(x, 1)},{round(y, 1)}" for x, y in points)


def _text(point: _Point, text: str, colour: str, anchor: str) -> str:
    place = f"x='{round(point[0], 1)}' y='{round(point[1], 1)}' fill='{colour}' text-anchor='{anchor}'"
    return f"<text {place}>{escape(text)}</text>"


def _line(start: _Point, end: _Point, style: str) -> str:
    ends = f"x1='{round(start[0], 1)}' y1='{round(start[1], 1)}' x2='{round(end[0], 1)}' y2='{round(end[1], 1)}'"
    return f"<line {ends} {style}/>"


def _gridline(point: _Point, label: str) -> str:
    end = (_WIDTH - _RIGHT, point[1])
    return _line(point, end, "stroke='#e5e7eb'") + _text((point[0] - 6, point[1] + 4), label, _MUTED, "end")


def _marked(point: _Point, foot: _Point, day: date) -> str:
    dot = f"<circle cx='{round(point[0], 1)}' cy='{round(point[1], 1)}' r='4' fill='{_ACCENT}'/>"
    return dot + _text((foot[0], foot[1] + 18), day.isoformat(), _MUTED, "middle")


def _labelled(point: _Point, text: str) -> str:
    """The words below and right of a point, where a rising line leaves room; white around the letters."""
    place = f"x='{round(point[0] + 8, 1)}' y='{round(point[1] + 18, 1)}' fill='{_INK}'"
    return f"<text {place} stroke='white' stroke-width='3' paint-order='stroke'>{escape(text)}</text>"


def _budget(point: _Point, label: str) -> str:
    end = (_WIDTH - _RIGHT, point[1])
    style = f"stroke='{_INK}' stroke-dasharray='5 4'"
    return _line(point, end, style) + _text((end[0] + 6, end[1] + 4), label, _INK, "start")
