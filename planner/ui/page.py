"""The whole app: its frame and its pages."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import streamlit as st

WIDTH = 960
"""Pixels that a page fills where the window has them."""


@dataclass(frozen=True, slots=True)
class Place:
    """One page: its name in the address and of its module, what the menu calls it, and what it is for."""

    path: str
    title: str
    help: str

    def show(self) -> None:
        """Draw the page; its module is loaded when it is first opened."""
        import_module(f"planner.ui.{self.path}_page").show()


PLACES = (
    Place("plan", "Plan", "What model a budget can train, what it costs and how good it will be."),
    Place("advice", "Should we train?", "Whether to train a model at all, or to use one that exists."),
    Place("compare", "Compare", "Named plans side by side, what differs first."),
    Place("calibrate", "Calibrate", "Fit a law to your own training runs and use it everywhere."),
    Place("sweeps", "Sweeps", "How far a sweep of training runs is, live."),
    Place("sources", "Sources", "Every law, price and fact with its date and link."),
)
"""All pages in the order of the menu; the first answers at the bare address."""


def show() -> None:
    """Draw the app."""
    icon = Path(__file__).with_name("icon.svg")
    st.set_page_config(page_title="Training plan", page_icon=str(icon), layout="wide")
    pages = {
        place.path: st.Page(
            place.show, title=place.title, url_path=place.path, default=place is PLACES[0], help=place.help
        )
        for place in PLACES
    }
    st.session_state["pages"] = pages
    chosen = st.navigation(list(pages.values()), position="top")
    with st.container(horizontal_alignment="center").container(width=WIDTH):
        chosen.run()
    settle()


@st.cache_resource(show_spinner=False)
def settle() -> None:
    """Once per process, after the first page: keep the garbage collector from walking what is loaded for good."""
    gc.collect()
    gc.freeze()
