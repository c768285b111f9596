"""Pages: the blocks of a report as one HTML page that carries all it needs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from planner.charts import offline_html, on_page
from planner.reporting.blocks import Calls, Figure, Grid, Heading, Line, Points

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.reporting.blocks import Block
    from planner.sheet import Finding


def html_of(title: str, blocks: Iterable[Block]) -> str:
    """The whole page.

    Raises:
        MissingExtra: there are figures among the blocks, and Plotly is not installed.
    """
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(_drawn(blocks))}</main></body></html>\n"
    )


def _drawn(blocks: Iterable[Block]) -> Iterable[str]:
    first = True
    for block in blocks:
        if isinstance(block, Figure):
            # The first figure of a page brings the Plotly script along.
            drawn = offline_html(on_page(block.plotly()), first=first)
            yield f"<figure>{drawn}<figcaption>{escape(block.says)}</figcaption></figure>"
            first = False
        else:
            yield _text(block)


def _text(block: Heading | Line | Calls | Points | Grid | Finding) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Line(text, kind):
            return f"<p class='{kind}'>{escape(text)}</p>"
        case Calls(texts):
            return f"<p class='asked'>Asked: {' and '.join(f'<code>{escape(text)}</code>' for text in texts)}</p>"
        case Points(texts):
            return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>"
        case Grid():
            return _grid(block)
    said = " ".join(part for part in (block.because, block.todo) if part)
    return f"<p class='{block.level}'><strong>{escape(block.title)}</strong> {escape(said)}</p>"


def _grid(grid: Grid) -> str:
    """A table whose cells carry their heading, which stands before them where the page is narrow."""
    names = "".join(f"<th scope='col'>{escape(name)}</th>" for name in grid.head)
    body = "".join(
        f"<tr><th scope='row'>{escape(first)}</th>"
        + "".join(
            f"<td data-label='{escape(name)}'>{escape(cell)}</td>"
            for name, cell in zip(grid.head[1:], rest, strict=True)
        )
        + "</tr>"
        for first, *rest in grid.rows
    )
    return f"<div class='wide'><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"


_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2937; margin: 0; background: #fff; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #d1d5db; }
h3 { font-size: 1rem; margin: 1rem 0 0; } ul { margin: .3rem 0; } figure { margin: 1rem 0; break-inside: avoid; }
.lead { margin-bottom: 0; color: #4b5563; }
figcaption { color: #4b5563; font-size: .85rem; }
.answer { font-size: 1.25rem; font-weight: 600; margin-top: 0; }
.asked { color: #4b5563; font-size: .85rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #e5e7eb; vertical-align: top; }
thead th { color: #4b5563; font-size: .85rem; } tbody th { font-weight: 500; }
td:last-child { color: #4b5563; font-size: .85rem; }
tr, p { break-inside: avoid; }
p.note, p.warning, p.problem { border-left: 4px solid #6b7280; padding: .3rem .8rem; background: #f3f4f6; }
p.warning { border-color: #b45309; background: #fffbeb; } p.problem { border-color: #b91c1c; background: #fef2f2; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr, tbody th, td { display: block; border: 0; padding: .1rem 0; }
  tr { border-bottom: 1px solid #e5e7eb; padding: .4rem 0; }
  tbody th { font-weight: 600; } td:empty { display: none; }
  td::before { content: attr(data-label) ": "; color: #4b5563; }
}
@page { margin: 15mm; }
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } }
"""
