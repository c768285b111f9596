"""How results, findings and errors look on every page. Texts are drawn literally: nothing a user typed is Markdown."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from planner.errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from streamlit.delta_generator import DeltaGenerator

    from planner.sheet import Finding, Row

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_ADDRESS = re.compile(r"(?i)(https?(?=:)|www(?=\.)|@)")
_JOINER = "\u2060"
"""A sign of no width: with it after the begin of an address, or after @, Markdown makes no link of it."""
RANGE = "90 % range"
CARDS_ABREAST = 3
_SHOWN_AS = {"problem": st.error, "warning": st.warning, "note": st.info}
_KINDS = {
    "csv": "text/csv", "html": "text/html", "ipynb": "application/x-ipynb+json", "json": "application/json",
    "pdf": "application/pdf", "py": "text/x-python", "txt": "text/plain",
}  # fmt: skip
"""What the files that can be taken along are, by the ends of their names."""
_T = TypeVar("_T")


def literal(text: str) -> str:
    """Markdown that reads as `text` itself: every character that Markdown could act on is escaped, addresses too."""
    return _PUNCTUATION.sub(r"\\\1", _ADDRESS.sub(rf"\1{_JOINER}", " ".join(text.split())))


def show_error(error: PlannerError, worded: Callable[[str], str]) -> None:
    """The problem, and apart from it the mend, both as `worded` for this page."""
    st.error(literal(worded(error.problem)))
    if error.mend:
        st.info(literal(worded(error.mend)))


@contextmanager
def errors_shown(worded: Callable[[str], str]) -> Iterator[None]:
    """Draw a PlannerError raised inside instead of what would have followed."""
    try:
        yield
    except PlannerError as error:
        show_error(error, worded)


def show_findings(findings: Iterable[Finding]) -> None:
    """Each finding in the colour of its level."""
    for finding in findings:
        rest = " ".join(part for part in (finding.because, finding.todo) if part)
        _SHOWN_AS[finding.level](f"**{literal(finding.title)}** {literal(rest)}")


def abreast(items: Iterable[_T], count: int) -> Iterator[tuple[_T, DeltaGenerator]]:
    """Each item with its place, `count` of them side by side."""
    listed = list(items)
    for start in range(0, len(listed), count):
        yield from zip(listed[start : start + count], st.columns(count), strict=False)


def show_numbers(rows: Iterable[Row], helps: dict[str, str], *, given: Container[str] = ()) -> None:
    """The rows with a key in `helps` as large numbers, each with its 90 % range, or "as given" for those in `given`."""
    found = {row.key: row for row in rows}
    for key, column in abreast((key for key in helps if key in found), CARDS_ABREAST):
        row, exact = found[key], "as given" if key in given else "follows exactly"
        column.metric(
            row.label,
            literal(row.text),
            literal(f"{RANGE} {row.range_text}" if row.range_text else exact),
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
            help=helps[key],
        )


def show_figure(spec: dict[str, Any], says: str, *, key: str) -> None:
    """A Vega-Lite figure, and below it in words what it shows, which is also read to those who cannot see it."""
    st.vega_lite_chart(spec, key=key, alt=says)
    st.caption(literal(says))


def show_rows(rows: Iterable[Row], *, alt: str, values: str = f"Value and {RANGE}") -> None:
    """The rows as a table: label, value with its range under the heading `values`, and basis."""
    cells = [(row.label, literal(row.text), literal(row.range_text), literal(row.note)) for row in rows]
    st.table(
        {
            "Quantity": [literal(label) for label, *_ in cells],
            values: [f"{value}  \n{spread}" if spread else value for _, value, spread, _ in cells],
            "Basis": [basis for *_, basis in cells],
        },
        border="horizontal",
        hide_index=True,
        alt=alt,
    )


def show_columns(names: Sequence[str], table: Mapping[str, Sequence[str]], *, alt: str) -> None:
    """A table with one column per name; its cells may have several lines."""
    cells = {literal(name): ["  \n".join(map(literal, row[at].splitlines())) for row in table.values()]
             for at, name in enumerate(names)}  # fmt: skip
    st.table({"Quantity": [literal(label) for label in table], **cells}, border="horizontal", hide_index=True, alt=alt)


def offer_files(files: Iterable[tuple[str, Callable[[], str | bytes], str]]) -> None:
    """Buttons side by side: the label of each, what makes its file when it is pressed, and the name of the file."""
    with st.container(horizontal=True):
        for label, made, name in files:
            st.download_button(label, made, name, _KINDS[name.rpartition(".")[2]], on_click="ignore")


def show_list(texts: Iterable[str]) -> None:
    """One bullet per text."""
    st.markdown("\n".join(f"- {literal(text)}" for text in texts))
