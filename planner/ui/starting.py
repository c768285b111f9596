"""Starting values: what boxes show in a new session, where the browser has no values of its own for them.

A page that stays open while its server restarts sends all its values along with its next change, to a session that
knows nothing of it. Values put into the session's state would win over them, and the change would be lost; a starting
value gives way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

_START = "starting"


def start_from(values: Mapping[str, Any]) -> None:
    """Let the boxes with these keys start from these values; those that the session has drawn already take them."""
    known = {key: value for key, value in values.items() if key in st.session_state}
    st.session_state.update(known)
    st.session_state[_START] = {key: value for key, value in values.items() if key not in known}


def starting(key: str) -> Any:
    """The value from which the box starts; None where it has one."""
    return None if key in st.session_state else st.session_state.get(_START, {}).get(key)


def said(key: str) -> Any:
    """The value of a box, also before it is first drawn."""
    return st.session_state[key] if key in st.session_state else starting(key)


def settle_rest() -> None:
    """Keep the starting values of the boxes that were not drawn."""
    for key, value in st.session_state.pop(_START, {}).items():
        if key not in st.session_state:
            st.session_state[key] = value
