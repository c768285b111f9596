"""The Plan page: inputs, one plan, and what follows from it. Everything shown comes from the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from planner.costing import cost
from planner.errors import PlannerError
from planner.ui.cases import address_of as case_address
from planner.ui.cases import texts_of
from planner.ui.inputs import (
    CASE,
    CLUSTER,
    EXAMPLES,
    GOALS,
    LONGEST,
    MORE,
    MOST_SCENARIOS,
    OWN_LAW,
    Ask,
    Inputs,
    Scenario,
    choices,
    on_the_page,
)
from planner.ui.plan_details import show_details, show_downloads
from planner.ui.sharing import (
    edited,
    fill_in,
    follow_address,
    inputs_here,
    keep,
    own_law,
    scenarios,
    write_address,
)
from planner.ui.starting import settle_rest, starting
from planner.ui.widgets import abreast, errors_shown, literal, show_error, show_findings, show_numbers
from planner.units import show as written

if TYPE_CHECKING:
    from planner.costing import Cost
    from planner.planning import Plan

HEADLINES = {
    "usd": "Rent of the accelerators for this one training run.",
    "total_usd": "The run with the experiments before it, people, storage and whatever else is paid.",
    "days": "With the whole cluster busy all the time.",
    "params": "The numbers the model learns: its size.",
    "tokens": "The text it reads in training. A token is a piece of a word, about four letters of English.",
    "loss": "How badly the model guesses the next token, in nats: lower is better. It is not a test score.",
}
"""The numbers shown large, and what each means in plain words."""

GIVEN = {"budget_usd": "usd", "days": "days", "target_loss": "loss"}
"""The number that each goal fixes."""

LEAD = "If you train:"
"""Before the plan, because the verdict stands above it."""


def show() -> None:
    """Draw the page."""
    follow_address()
    st.title("What model can this budget train?", anchor=False)
    _ask()
    if broken := st.session_state.get("broken_link"):
        show_error(broken, on_the_page)
        return
    inputs = inputs_here()
    write_address(inputs)
    with errors_shown(on_the_page):
        _answer(inputs)


def _goal_changed() -> None:
    edited()
    st.session_state["amount"] = GOALS[st.session_state["goal"]].example


def _example_chosen() -> None:
    edited()
    if chosen := st.session_state["example"]:
        fill_in(EXAMPLES[chosen])
    st.session_state["example"] = None


def _ask() -> None:
    """All inputs: the goal, its amount and the cluster; the rest and examples behind an expander."""
    first = starting("goal")
    st.segmented_control(
        "Start from",
        list(GOALS),
        format_func=lambda goal: GOALS[goal].short,
        default=first,
        key="goal",
        required=True,
        on_change=_goal_changed,
        help="What is fixed: what you can spend, or what the model must reach.",
        persist_state="session",
    )
    amount, cluster = st.columns(2)
    goal = st.session_state["goal"]
    if first not in (None, goal):
        _goal_changed()
    with amount:
        _box("amount", GOALS[goal], choices(goal))
    with cluster:
        _box("cluster", CLUSTER, {})
    more = st.expander("More inputs and examples", key="more", on_change="rerun")
    if more.open:
        with more:
            _boxes(MORE)
            st.text("For the verdict; the page Should we train? asks more:")
            _boxes(CASE)
            st.pills("Examples", list(EXAMPLES), format_func=literal, key="example", on_change=_example_chosen)
    settle_rest()


def _boxes(asks: dict[str, Ask]) -> None:
    """The inputs `asks`, two abreast."""
    for name, column in abreast(asks, 2):
        with column:
            _box(name, asks[name], _offered(name))


def _offered(name: str) -> dict[str, str]:
    own = {OWN_LAW: "Fitted to your own runs"} if name == "law" and own_law() is not None else {}
    return {**own, **choices(name, st.session_state["cluster"])}


def _box(name: str, ask: Ask, offered: dict[str, str]) -> None:
    """One input, typed freely; `offered` are answers to choose from."""
    first = starting(name)
    if offered:
        texts = list(dict.fromkeys((*offered, first))) if first else list(offered)
        st.selectbox(
            ask.label,
            texts,
            format_func=lambda text: offered.get(text, text),
            index=texts.index(first) if first else None,
            key=name,
            help=literal(ask.help),
            placeholder=ask.example,
            accept_new_options=True,
            on_change=edited,
            persist_state="session",
        )
    else:
        st.text_input(
            ask.label,
            value=first or "",
            key=name,
            help=literal(ask.help),
            placeholder=ask.example,
            max_chars=LONGEST,
            on_change=edited,
            persist_state="session",
        )


def _answer(inputs: Inputs) -> None:
    """The verdict and the plan in a sentence each, the numbers, the figures, what stands behind them, the downloads."""
    for note in st.session_state.get("notes", ()):
        st.warning(literal(note))
    found = inputs.plan(own_law())
    bill = cost(found)
    _show_verdict(inputs, found, bill)
    st.header(literal(f"{LEAD} {found.title[:1].lower()}{found.title[1:]}"), anchor=False)
    if chosen := inputs.chosen():
        st.text(f"With: {chosen}.")
    rows = {row.key: row for sheet in (bill, found) for row in sheet.rows()}
    show_numbers(rows.values(), HEADLINES, given=_given(found))
    if found.cluster is not None:
        rest = "The budget rents the training run; the whole bill adds experiments, staff and storage."
        about = f"Price of a GPU-hour: {found.cluster.price_basis}."
        st.caption(literal(f"{about} {rest}" if found.goal.name == "budget_usd" else about))
    show_findings(found.findings)
    show_details(inputs, found, bill)
    st.subheader("Take it along", anchor=False)
    st.text("The address of this page holds every input: copy it to share this answer.")
    _offer_scenario(inputs)
    show_downloads(inputs, found, bill)


def _given(found: Plan) -> set[str]:
    """Keys of the rows that were typed: the goal, unless serving shares it, and sizes that were fixed."""
    goal = {GIVEN[found.goal.name]} if found.goal.name in GIVEN else set()
    if found.goal.is_budget and found.inference_tokens:
        goal = set()
    return goal | {name for name in ("params", "tokens") if found.inputs[name] is not None}


def _show_verdict(inputs: Inputs, found: Plan, bill: Cost) -> None:
    """Whether to train at all, in a sentence, or why there is no answer; the page of the advice says more."""
    try:
        case, sentence = inputs.judged(found, bill)
    except PlannerError as error:
        show_error(error, on_the_page)
        return
    st.markdown(f"**Should you train it at all?** {literal(sentence)}")
    origin = "as typed" if found.goal.name == "budget_usd" else "which is what this plan's programme costs"
    usd = written(case.budget_usd, "usd")
    st.caption(literal(f"Judged for {usd}, {origin}, and a team that has trained on large clusters."))
    st.page_link(
        st.session_state["pages"]["advice"],
        label="Why, how sure, and what would change it →",
        query_params=case_address(texts_of(case, inputs.cluster), inputs.law),
    )


def _offer_scenario(inputs: Inputs) -> None:
    """A name and a button that put these inputs beside others on the page Compare."""

    def add() -> None:
        keep((*scenarios(), Scenario(st.session_state["scenario_name"].strip(), inputs)))
        st.session_state["scenario_name"] = ""

    full = len(scenarios()) >= MOST_SCENARIOS
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name of this scenario", key="scenario_name", placeholder=inputs.amount, max_chars=LONGEST)
        st.button("Add to Compare", on_click=add, disabled=full)
    if kept := scenarios():
        st.text(f"On the page Compare: {', '.join(scenario.name for scenario in kept)}.")
