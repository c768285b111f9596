"""The Advice page: the questions, all with defaults, and the verdict above everything that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import streamlit as st

from planner.advising import Advice, Pilot, advise
from planner.advising.usecase import CHOICES, SWITCHES
from planner.errors import PlannerError
from planner.laws import Calibrated
from planner.ui.advice_answer import show_advice, told_apart
from planner.ui.cases import (
    EXAMPLES,
    LONGEST,
    MAIN,
    MORE,
    WORDS,
    Question,
    address_of,
    case_of,
    defaults,
    months,
    opened,
    speaks,
    worded,
)
from planner.ui.inputs import OWN_LAW
from planner.ui.measured import ask_pilots
from planner.ui.sharing import chosen_law, own_law
from planner.ui.starting import said, settle_rest, start_from, starting
from planner.ui.widgets import abreast, errors_shown, literal, show_error

_KEY = "advice_"
_WRITTEN, _EDITED, _BROKEN, _EXAMPLE = "advice_address", "advice_edited", "advice_broken", "advice_example"


def show() -> None:
    """Draw the page."""
    _follow_address()
    st.title("Should we train a model at all?", anchor=False)
    texts = _ask()
    if broken := st.session_state.get(_BROKEN):
        show_error(broken, worded)
        return
    law = chosen_law()
    _write_address(texts, law if isinstance(law, str) else OWN_LAW)
    with errors_shown(worded):
        pilots = ask_pilots()
        key = repr((texts, told_apart(law), pilots))
        found = _advised(key, texts, law, pilots)
        show_advice(found, law, texts["cluster"])


@st.cache_resource(max_entries=64, show_spinner=False)
def _advised(key: str, _texts: Mapping[str, str], _law: str | Calibrated, _pilots: tuple[Pilot, ...]) -> Advice:
    """The advice; `key` is all that it rests on."""
    return advise(case_of(_texts), law=_law, cluster=_texts["cluster"], pilots=_pilots)


def _follow_address() -> None:
    """Take the answers from the address, unless this page wrote it or an answer has just changed."""
    state, here = st.session_state, st.query_params.to_dict()
    is_new = "advice_task" not in state
    edited = state.pop(_EDITED, False)
    if not is_new and (edited or not speaks(here) or here == state.get(_WRITTEN)):
        return
    state[_BROKEN] = None
    texts = defaults()
    try:
        if speaks(here):
            texts = opened(here)
            _follow_law(here.get("law", ""))
    except PlannerError as error:
        state[_BROKEN] = error
    (start_from if is_new else state.update)(_values(texts))
    state[_WRITTEN] = here


def _follow_law(said: str) -> None:
    """Count with the law that a link names."""
    if said == OWN_LAW and own_law() is None:
        st.warning("The link counts with a law of someone's own runs, which is not here: the published law is used.")
    elif said and said != OWN_LAW:
        st.session_state["law"] = said[:LONGEST]


def _values(texts: Mapping[str, str]) -> dict[str, str | bool]:
    return {_KEY + name: text == "yes" if name in SWITCHES else text for name, text in texts.items()}


def _edited() -> None:
    st.session_state[_EDITED] = True
    st.session_state[_BROKEN] = None


def _example_chosen() -> None:
    _edited()
    if chosen := st.session_state[_EXAMPLE]:
        st.session_state.update(_values(defaults() | EXAMPLES[chosen]))
    st.session_state[_EXAMPLE] = None


def _write_address(texts: Mapping[str, str], law: str) -> None:
    address = address_of(texts, law)
    if st.query_params.to_dict() != address:
        st.query_params.from_dict(address)
    st.session_state[_WRITTEN] = address


def _ask() -> dict[str, str]:
    """All questions; the answers as text."""
    st.pills("Examples", list(EXAMPLES), format_func=literal, key=_EXAMPLE, on_change=_example_chosen)
    answers = _questions(MAIN)
    with st.expander("More questions: all have answers that you may leave"):
        answers |= _questions({name: ask for name, ask in MORE.items() if name not in SWITCHES})
        answers |= _questions({name: ask for name, ask in MORE.items() if name in SWITCHES})
    key = f"{_KEY}as_of"
    answers["as_of"] = st.select_slider(
        "Date of the decision",
        months(date.today(), said(key)),
        value=starting(key),
        key=key,
        on_change=_edited,
        persist_state="session",
        help="Models and laws of later days are not used: move it to see how a decision looked at its time.",
    )
    settle_rest()
    return {name: answers[name] for name in defaults()}


def _questions(asked: Mapping[str, Question]) -> dict[str, str]:
    """These questions, two abreast."""
    answers = {}
    for name, place in abreast(asked, 2):
        with place:
            answers[name] = _question(name, asked[name])
    return answers


def _question(name: str, ask: Question) -> str:
    key, about = _KEY + name, literal(ask.help)
    first = starting(key)
    if name in SWITCHES:
        wanted = st.toggle(
            ask.label, value=bool(first), key=key, help=about, on_change=_edited, persist_state="session"
        )
        return "yes" if wanted else "no"
    if name in CHOICES:
        return str(
            st.selectbox(
                ask.label,
                CHOICES[name],
                index=CHOICES[name].index(first) if first is not None else 0,
                format_func=WORDS[name].__getitem__,
                key=key,
                help=about,
                on_change=_edited,
                persist_state="session",
            )
        )
    text = st.text_input(
        ask.label,
        value=first or "",
        key=key,
        help=about,
        max_chars=LONGEST,
        on_change=_edited,
        persist_state="session",
    )
    return (text or "").strip()
