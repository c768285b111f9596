"""Fitting jobs on the page: a button that begins one, how far it is, Stop, and a link that finds it again."""

from __future__ import annotations

import streamlit as st

from planner.errors import PlannerError
from planner.fitting import Fit
from planner.runs import Runs
from planner.ui.jobs import Jobs
from planner.ui.widgets import literal, show_error
from planner.units import show as written

_JOB, _PARAMETER = "calibrate_job", "job"


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The fits of this server."""
    return Jobs()


def follow_link() -> None:
    """Take up the fit that the address names, and name there the one at hand."""
    linked, here = st.query_params.get(_PARAMETER), st.session_state.get(_JOB)
    if linked and linked != here:
        st.session_state[_JOB] = linked
    elif here and not linked:
        st.query_params[_PARAMETER] = here


def offer_fit(runs: Runs) -> None:
    """A button that fits `runs`; a fit of this session that still goes on is stopped."""
    if not st.button("Fit the law", type="primary", key="calibrate_fit"):
        return
    before = st.session_state.get(_JOB)
    if before is not None and before in jobs():
        jobs().stop(before)
    st.session_state[_JOB] = st.query_params[_PARAMETER] = jobs().start(runs)


def show_job() -> Fit | None:
    """The fit at hand, or how far it is; None where there is none yet.

    Raises:
        DataError: this server does not know the fit that the address names.
    """
    name = st.session_state.get(_JOB)
    if name is None:
        return None
    try:
        status = jobs().status(name)
    except PlannerError:
        _forget()
        raise
    if not status.has_ended:
        _watch(name)
        return None
    if status.error is not None:
        show_error(status.error, str)
    elif status.state == "stopped":
        st.info("The fit was stopped.")
    else:
        return _result(name)
    return None


def _forget() -> None:
    st.session_state.pop(_JOB, None)
    st.query_params.pop(_PARAMETER, None)


@st.cache_resource(max_entries=16, show_spinner="Reading the law")
def _result(name: str) -> Fit:
    return jobs().result(name)


@st.fragment(run_every=1.0)
def _watch(name: str) -> None:
    """How far the job is, once a second; the whole page is drawn anew when it has ended."""
    status = jobs().status(name)
    if status.has_ended:
        st.rerun()
    waits = "Waiting: two other fits are under way"
    doing = waits if status.state == "waiting" else f"{status.doing}: {written(float(status.seconds), 'count')} seconds"
    with st.container(border=True):
        st.progress(status.share, text=literal(doing))
        st.caption("It goes on if you leave or reload this page; its address finds it again.")
        if st.button("Stop", key="calibrate_stop"):
            jobs().stop(name)
            st.rerun()
