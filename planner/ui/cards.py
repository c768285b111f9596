"""Cards: the few numbers of a result that are shown large, each with its range, or in words where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from planner.ui.widgets import CARDS_ABREAST, RANGE, abreast, literal

if TYPE_CHECKING:
    from planner.sheet import Row


def show_cards(rows: Iterable[Row], cards: Mapping[str, tuple[str, str]]) -> None:
    """The rows with a key in `cards`, each under the label and with the help that stand there."""
    found = {row.key: row for row in rows}
    for key, column in abreast((key for key in cards if key in found), CARDS_ABREAST):
        row, (label, says) = found[key], cards[key]
        with column.container(border=True, height="stretch", gap=None):
            st.metric(label, literal(row.text), help=literal(says))
            if below := f"{RANGE} {row.range_text}" if row.range_text else row.note:
                st.caption(literal(below))
