"""Papers: the blocks of a report as PDF, through ReportLab and the font that it brings along. Nothing is fetched."""

from __future__ import annotations

import unicodedata
from functools import cache
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    CondPageBreak,
    KeepTogether,
    ListFlowable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from planner.charts.style import MUTED
from planner.reporting.blocks import Calls, Figure, Grid, Heading, Line, Points
from planner.reporting.figures import drawing_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.reporting.blocks import Block
    from planner.sheet import Finding

FONT, BOLD = "Vera", "VeraBd"
_MARGIN, _PADDING = 16 * mm, 6.0
WIDTH = A4[0] - 2 * (_MARGIN + _PADDING)
"""Points between the margins, and the padding that ReportLab puts inside them."""
_TEXT, _GREY, _RULE, _FAINT = HexColor("#1f2937"), HexColor("#4b5563"), HexColor("#d1d5db"), HexColor("#f3f4f6")
_LEVELS = {"note": HexColor("#6b7280"), "warning": HexColor("#b45309"), "problem": HexColor("#b91c1c")}
_GAP = 6.0
"""Points between two columns."""
_UNDER_HEADING = 80.0
"""Points that a page must have left for a heading, so that something follows it there."""


def pdf_of(title: str, blocks: Iterable[Block]) -> bytes:
    """The report as PDF, on A4 with the number of each page."""
    known_signs()
    target = BytesIO()
    paper = SimpleDocTemplate(
        target, pagesize=A4, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN,
        title=title, author="planner", lang="en",
    )  # fmt: skip

    def numbered(canvas: Any, paper: Any) -> None:
        canvas.setFont(FONT, 7)
        canvas.setFillColor(HexColor(MUTED))
        canvas.drawRightString(A4[0] - _MARGIN, 10 * mm, f"Page {paper.page}")

    paper.build(list(_parts(list(blocks))), onFirstPage=numbered, onLaterPages=numbered)
    return target.getvalue()


@cache
def known_signs() -> frozenset[int]:
    """The signs that the font has, by their numbers in Unicode; it can be used from now on."""
    plain = TTFont(FONT, "Vera.ttf")
    registerFont(plain)
    registerFont(TTFont(BOLD, "VeraBd.ttf"))
    registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)
    return frozenset(plain.face.charToGlyph)


def printable(text: str) -> str:
    """`text` in one line, with a question mark for each sign that the font lacks."""
    line = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(sign if ord(sign) in known_signs() else "?" for sign in line)


def _style(size: float, **more: Any) -> ParagraphStyle:
    given: dict[str, Any] = {"fontName": FONT, "fontSize": size, "leading": 1.4 * size, "textColor": _TEXT, **more}
    return ParagraphStyle("own", **given)


_HEADINGS = {
    1: _style(16, fontName=BOLD, spaceAfter=8),
    2: _style(12, fontName=BOLD, spaceBefore=14, spaceAfter=6),
    3: _style(9.5, fontName=BOLD, spaceBefore=8, spaceAfter=2),
}
_LINES = {
    "plain": _style(9, spaceAfter=4),
    "lead": _style(9, textColor=_GREY, keepWithNext=1),
    "answer": _style(11.5, fontName=BOLD, spaceAfter=8),
}
_ASKED, _SAYS = _style(7, textColor=_GREY, spaceAfter=6), _style(7, textColor=_GREY, spaceAfter=10)


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(printable(text)), style)


def _parts(blocks: list[Block]) -> Iterable[Any]:
    """What the pages hold; a heading stands on the page of the figure that follows it."""
    for block, following in zip(blocks, (*blocks[1:], None), strict=True):
        if isinstance(block, Heading):
            values = following.values if isinstance(following, Figure) else None
            yield CondPageBreak(_UNDER_HEADING + (0.0 if values is None else drawing_of(values, WIDTH).height))
        yield from _drawn(block)


def _drawn(block: Block) -> Iterable[Any]:
    match block:
        case Heading(text, level):
            yield _text(text, _HEADINGS[level])
        case Line(text, "problem"):
            yield from _marked(f"<b>{escape(printable(text))}</b>", "problem")
        case Line(text, kind):
            yield _text(text, _LINES[kind])
        case Calls(texts):
            yield _text(f"Asked: {' and '.join(texts)}", _ASKED)
        case Points(texts):
            bullets = [_text(text, _LINES["plain"]) for text in texts]
            yield ListFlowable(
                bullets, bulletType="bullet", bulletFontName=FONT, bulletFontSize=6, leftIndent=12, start="•"
            )
        case Grid():
            yield _grid(block)
            yield Spacer(1, 6)
        case Figure(says, _, values):
            if values is not None:
                yield KeepTogether([drawing_of(values, WIDTH), _text(says, _SAYS)])
        case _:
            yield from _finding(block)


def _finding(finding: Finding) -> Iterable[Any]:
    said = " ".join(part for part in (finding.because, finding.todo) if part)
    return _marked(f"<b>{escape(printable(finding.title))}</b> {escape(printable(said))}", finding.level)


def _marked(markup: str, level: str) -> Iterable[Any]:
    """A paragraph behind a bar in the colour of its level."""
    look = [
        ("LINEBEFORE", (0, 0), (0, -1), 3, _LEVELS[level]), ("BACKGROUND", (0, 0), (-1, -1), _FAINT),
        ("LEFTPADDING", (0, 0), (-1, -1), 8),
    ]  # fmt: skip
    yield Table([[Paragraph(markup, _LINES["plain"])]], colWidths=[WIDTH], style=TableStyle(look))
    yield Spacer(1, 4)


def _grid(grid: Grid) -> Table:
    """A table whose head stands on every page; with many columns its text is smaller."""
    size = 7.5 if len(grid.head) <= 4 else 6.2
    head, body, last = _style(size, textColor=_GREY), _style(size), _style(size, textColor=_GREY)
    cells = [[_text(name, head) for name in grid.head]]
    cells += [[*(_text(cell, body) for cell in row[:-1]), _text(row[-1], last)] for row in grid.rows]
    look = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _RULE), ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), _GAP),
        ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("BACKGROUND", (0, 0), (-1, -1), white),
    ]  # fmt: skip
    return Table(cells, colWidths=_widths(grid, size), repeatRows=1, style=TableStyle(look), splitInRow=1)


def _widths(grid: Grid, size: float) -> list[float]:
    """Points of each column: a short text in one line, of a longer one the longest word; remarks share the rest."""
    columns = [[printable(text) for text in column] for column in zip(grid.head, *grid.rows, strict=True)]
    longest = [max(_long(text, size) for text in column) for column in columns]
    words = [max(_long(word, size) for text in column for word in text.split() or [""]) for column in columns]
    least = [
        _GAP + 1 + max(min(word, WIDTH / 3), min(text, WIDTH / 5)) for word, text in zip(words, longest, strict=True)
    ]
    if (needed := sum(least)) > WIDTH:
        return [WIDTH * need / needed for need in least]
    wanted = [max(text - need, 1.0) for text, need in zip(longest, least, strict=True)]
    return [need + (WIDTH - needed) * want / sum(wanted) for need, want in zip(least, wanted, strict=True)]


def _long(text: str, size: float) -> float:
    return float(stringWidth(text, FONT, size))
