"""Sharing: what one page hands to the others, and the addresses of Plan and Compare. All of it is kept per session."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from planner.errors import PlannerError
from planner.planning.plans import DEFAULT_LAW
from planner.ui.inputs import (
    GOALS,
    MOST_SCENARIOS,
    OWN_LAW,
    SCENARIO,
    Inputs,
    Scenario,
    address_of,
    choices,
    distinct,
    names,
    opened,
    packed,
    unpacked,
)
from planner.ui.starting import start_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.laws import Calibrated

_LAW, _WRITTEN, _SCENARIOS = "own_law", "address", "scenarios"


def own_law() -> Calibrated | None:
    """The law that was fitted or uploaded in this session and chosen to be used; None without one."""
    law: Calibrated | None = st.session_state.get(_LAW)
    return law


def chosen_law() -> Calibrated | str:
    """The law that the pages count with: this session's own, else the name of the published one that was chosen."""
    said: str = st.session_state.get("law") or DEFAULT_LAW
    own = own_law()
    return own if said == OWN_LAW and own is not None else said


def use_law(fit: Calibrated) -> None:
    """Let every page count with `fit` from now on."""
    st.session_state[_LAW] = fit
    st.session_state["law"] = OWN_LAW


def forget_law() -> None:
    """Count with the published law again."""
    st.session_state.pop(_LAW, None)
    st.session_state["law"] = DEFAULT_LAW


def go_to(page: str) -> None:
    """Open the page with this path."""
    st.switch_page(st.session_state["pages"][page])


def inputs_here() -> Inputs:
    """The inputs of the Plan page as they stand in its boxes; the defaults before it was opened."""
    state = st.session_state
    return Inputs.of({name: state[name] for name in names() if name in state})


def fill_in(inputs: Inputs) -> None:
    """Put the inputs into the boxes."""
    st.session_state.update(_values(inputs))


def _values(inputs: Inputs) -> dict[str, str | None]:
    return {name: value or (None if choices(name) else "") for name, value in asdict(inputs).items()}


def edited() -> None:
    """Say that a box was changed, so that the boxes count and not the address."""
    st.session_state.update(edited=True, broken_link=None, notes=())


def follow_address() -> None:
    """Take the inputs from the address, unless this page wrote it, a box has just changed, or it speaks of no plan and
    the boxes are filled already: a visitor came back from another page.
    """
    state, here = st.session_state, st.query_params.to_dict()
    speechless = "goal" in state and not any(goal in here for goal in GOALS)
    if state.pop("edited", False) or speechless or here == state.get(_WRITTEN):
        return
    state.update(broken_link=None, notes=())
    fill = start_from if "goal" not in state else state.update
    try:
        found = opened(here)
        # A law that another page chose stays, unless the address names one.
        law = found.inputs.law if "law" in here else state.get("law") or found.inputs.law
        fill(_values(replace(found.inputs, law=law)))
        state["notes"] = found.notes
    except PlannerError as error:
        state["broken_link"] = error
        fill(_values(Inputs()))
    state[_WRITTEN] = here


def write_address(inputs: Inputs) -> None:
    """Let the address say all inputs."""
    address = address_of(inputs)
    if st.query_params.to_dict() != address:
        st.query_params.from_dict(address)
    st.session_state[_WRITTEN] = address


def scenarios() -> tuple[Scenario, ...]:
    """The scenarios of this session, in the order in which they were added."""
    kept: tuple[Scenario, ...] = st.session_state.get(_SCENARIOS, ())
    return kept


def keep(found: Iterable[Scenario]) -> None:
    """Let these be the scenarios: as many as fit side by side, each name once."""
    st.session_state[_SCENARIOS] = distinct(tuple(found)[:MOST_SCENARIOS])


def follow_scenarios() -> tuple[str, ...]:
    """Take the scenarios from the address unless this session wrote it; what the reader must know about them.

    Raises:
        PlannerError: a scenario in the address is not understood.
    """
    state, texts = st.session_state, st.query_params.get_all(SCENARIO)
    if state.pop("edited", False) or not texts or texts == state.get("written_scenarios"):
        return ()
    state["written_scenarios"] = texts
    found = [unpacked(text) for text in texts[:MOST_SCENARIOS]]
    keep(scenario for scenario, _ in found)
    return tuple(f"{scenario.name}: {note}" for scenario, notes in found for note in notes)


def write_scenarios() -> None:
    """Let the address say all scenarios."""
    texts: list[Any] = [packed(scenario) for scenario in scenarios()]
    if st.query_params.get_all(SCENARIO) != texts or len(st.query_params) != bool(texts):
        st.query_params.from_dict({SCENARIO: texts} if texts else {})
    st.session_state["written_scenarios"] = texts
