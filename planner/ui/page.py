"""The whole app: its frame and its pages. A script for Streamlit, which runs it again at every change of an input."""

from __future__ import annotations

import gc
from pathlib import Path

import streamlit as st

from planner.ui.plan_page import show_plan_page

WIDTH = 960
"""Pixels that a page fills where the window has them."""


def show() -> None:
    """Draw the app."""
    icon = Path(__file__).with_name("icon.svg")
    st.set_page_config(page_title="Training plan", page_icon=str(icon), layout="wide")
    with st.container(horizontal_alignment="center").container(width=WIDTH):
        show_plan_page()
    settle()


@st.cache_resource(show_spinner=False)
def settle() -> None:
    """Once per process, after the first page: keep the garbage collector from walking what is loaded for good.

    Streamlit collects garbage after each run of the script; frozen objects spare it most of that time.
    """
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    show()
