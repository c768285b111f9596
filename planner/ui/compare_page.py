"""The Compare page: scenarios side by side, what differs first."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from planner.errors import PlannerError
from planner.ui.comparing import Answer, ahead, answers_of, differing, numbers, table_of
from planner.ui.downloads import answer_json
from planner.ui.drawing import side_by_side
from planner.ui.inputs import EXAMPLES, LONGEST, MOST_SCENARIOS, Scenario, on_the_page, unpacked
from planner.ui.sharing import (
    edited,
    fill_in,
    follow_scenarios,
    go_to,
    keep,
    own_law,
    scenarios,
    write_scenarios,
)
from planner.ui.spreadsheets import csv_of
from planner.ui.starting import start_from, starting
from planner.ui.widgets import literal, offer_files, show_columns, show_error, show_figure, show_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.sheet import Row

_PASTED = "pasted_link"


def show() -> None:
    """Draw the page."""
    st.title("Which plan is better?", anchor=False)
    try:
        notes = follow_scenarios()
    except PlannerError as error:
        show_error(error, on_the_page)
        notes = ()
    for note in notes:
        st.warning(literal(note))
    write_scenarios()
    if not scenarios():
        st.info(
            "Nothing to compare yet. On the page Plan, name a scenario and press Add to Compare. "
            "Or paste the link of a plan below, or begin with the examples."
        )
    else:
        _compare(scenarios())
    _add()


def _compare(shown: Sequence[Scenario]) -> None:
    """What differs, the numbers side by side, who is ahead, a figure, and the scenarios themselves."""
    answers, failed = answers_of(shown, own_law())
    for scenario, error in failed:
        st.header(literal(scenario.name), anchor=False)
        show_error(error, on_the_page)
    if len(shown) == 1:
        st.info("One scenario only. Add another to see what differs.")
    elif differences := differing(shown):
        st.header("What differs", anchor=False)
        show_columns([it.name for it in shown], differences, alt="Inputs in which the scenarios differ")
    else:
        st.info("These scenarios have the same inputs.")
    if answers:
        _numbers(answers)
    st.header("The scenarios", anchor=False)
    for at, scenario in enumerate(shown):
        _scenario(at, scenario)
    if answers:
        _offer_downloads(answers)


def _numbers(answers: Sequence[Answer]) -> None:
    names, table = [answer.scenario.name for answer in answers], numbers(answers)
    st.header("What follows", anchor=False)
    show_list(ahead(answers))
    show_columns(names, {label: [_cell(row) for row in rows] for label, rows in table.items()}, alt="Numbers of each")
    _figure(names, table)


def _cell(row: Row) -> str:
    return f"{row.text}\n{row.range_text}" if row.range_text else row.text


@st.fragment
def _figure(names: Sequence[str], table: dict[str, list[Row]]) -> None:
    """One number of all scenarios with its range."""
    label = st.selectbox("Number to draw", list(table), key="compared", index=0)
    if label in table:
        says = f"{label} of each scenario: the point is the value, the bar its 90 % range."
        show_figure(side_by_side(names, table[label]), says, key="side_by_side")


def _scenario(at: int, scenario: Scenario) -> None:
    """The name of one scenario, which can be changed, and buttons that open and remove it."""
    key = f"name_of_{at}"
    start_from({key: scenario.name})
    first = starting(key)

    def renamed() -> None:
        _replace(at, replace(scenario, name=st.session_state[key].strip()))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            f"Name of scenario {at + 1}", value=first or "", key=key, on_change=renamed, max_chars=LONGEST
        )
        if st.button("Open on Plan", key=f"open_{at}"):
            fill_in(scenario.inputs)
            go_to("plan")
        if st.button("Remove", key=f"remove_{at}"):
            _replace(at, None)
            st.rerun()
    if first not in (None, name):
        # The server was restarted before this change, so that it called nobody back.
        renamed()
        st.rerun()


def _replace(at: int, scenario: Scenario | None) -> None:
    """Put this scenario in the place of that one, or none."""
    edited()
    kept = list(scenarios())
    kept[at : at + 1] = [] if scenario is None else [scenario]
    keep(kept)


def _add() -> None:
    """A box for a pasted link, and examples."""
    st.header("Add another", anchor=False)
    if len(scenarios()) >= MOST_SCENARIOS:
        st.text("Four scenarios stand side by side. Remove one to add another.")
        return
    st.text_input("Link to a plan", key=_PASTED, on_change=_pasted, help="The address of the page Plan, pasted.")
    if error := st.session_state.pop("pasted_error", None):
        show_error(error, on_the_page)
    st.pills("Examples", list(EXAMPLES), format_func=literal, key="added_example", on_change=_example)


def _pasted() -> None:
    edited()
    try:
        found, _ = unpacked(st.session_state[_PASTED])
    except PlannerError as error:
        st.session_state["pasted_error"] = error
        return
    keep((*scenarios(), found))
    st.session_state[_PASTED] = ""


def _example() -> None:
    edited()
    if name := st.session_state["added_example"]:
        keep((*scenarios(), Scenario(name, EXAMPLES[name])))
    st.session_state["added_example"] = None


def _offer_downloads(answers: Sequence[Answer]) -> None:
    st.text("The address of this page holds every scenario: copy it to share the comparison.")
    offer_files(
        (
            ("Rows (CSV)", lambda: csv_of(table_of(answers).reset_index()), "compared.csv"),
            ("Numbers (JSON)", lambda: _json(answers), "compared.json"),
        )
    )


def _json(answers: Sequence[Answer]) -> str:
    found = {it.scenario.name: json.loads(answer_json(it.scenario.inputs, it.plan, it.bill)) for it in answers}
    return json.dumps(found, indent=2)
