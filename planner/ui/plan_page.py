"""The Plan page: inputs, one plan, and what follows from it. Everything shown comes from the library."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import streamlit as st

from planner.catalog import record
from planner.charts import on_page
from planner.costing import Cost, cost
from planner.errors import PlannerError
from planner.estimate import Estimate
from planner.reporting import BILL, report
from planner.sheet import Row
from planner.ui.inputs import (
    CASE,
    CLUSTER,
    EXAMPLES,
    GOALS,
    LONGEST,
    MORE,
    Ask,
    Inputs,
    choices,
    names,
    on_the_page,
    unknown_names,
)
from planner.ui.widgets import errors_shown, literal, show_error, show_findings, show_list, show_numbers, show_rows
from planner.units import show

if TYPE_CHECKING:
    from planner.advising import Advice
    from planner.planning import Plan

HEADLINES = {
    "params": "The numbers the model learns: its size.",
    "tokens": "The text it reads in training. A token is a piece of a word, about four letters of English.",
    "loss": "How badly the model guesses the next token, in nats: lower is better. It is not a test score.",
    "gpu_hours": "One accelerator for one hour counts as one.",
    "days": "With the whole cluster busy all the time.",
    "usd": "Rent of the accelerators for this one training run. People, data and experiments come on top.",
}
"""The numbers shown large, and what each means in plain words."""

GIVEN = {"budget_usd": "usd", "budget_gpu_hours": "gpu_hours", "days": "days", "target_loss": "loss"}
"""The number that each goal fixes."""

LEAD = "If you train:"
"""Before the plan, because the verdict stands above it."""


def show_plan_page() -> None:
    """Draw the page."""
    _follow_address()
    st.title("What model can this budget train?", anchor=False)
    _ask()
    inputs = Inputs.of({name: st.session_state[name] for name in names()})
    if broken := st.session_state.get("broken_link"):
        show_error(broken, on_the_page)
        return
    if st.query_params.to_dict() != inputs.address():
        st.query_params.from_dict(inputs.address())
    st.session_state["address"] = inputs.address()
    with errors_shown(on_the_page):
        _answer(inputs)


def _follow_address() -> None:
    """Take the inputs from the address, unless it is the one this page wrote or an input has just changed."""
    state, here = st.session_state, st.query_params.to_dict()
    if state.pop("edited", False) or here == state.get("address"):
        return
    state["broken_link"] = None
    try:
        _fill_in(Inputs.of_address(here))
    except PlannerError as error:
        state["broken_link"] = error
        _fill_in(Inputs())
    state["address"] = here
    state["left_out"] = unknown_names(here)


def _fill_in(inputs: Inputs) -> None:
    for name, value in asdict(inputs).items():
        st.session_state[name] = value or (None if choices(name) else "")


def _edited() -> None:
    st.session_state["edited"] = True
    st.session_state["broken_link"] = None
    st.session_state["left_out"] = []


def _goal_changed() -> None:
    _edited()
    st.session_state["amount"] = GOALS[st.session_state["goal"]].example


def _example_chosen() -> None:
    _edited()
    _fill_in(EXAMPLES[st.session_state["example"]])
    st.session_state["example"] = None


def _ask() -> None:
    """All inputs of the plan: the goal, its amount and the cluster; the rest and examples behind an expander."""
    st.segmented_control(
        "Start from",
        list(GOALS),
        format_func=lambda goal: GOALS[goal].short,
        key="goal",
        required=True,
        on_change=_goal_changed,
        help="What is fixed: what you can spend, or what the model must reach.",
    )
    amount, cluster = st.columns(2)
    goal = st.session_state["goal"]
    with amount:
        _box("amount", GOALS[goal], choices(goal))
    with cluster:
        _box("cluster", CLUSTER, {})
    with st.expander("More inputs and examples"):
        _boxes(MORE)
        st.pills("Examples", list(EXAMPLES), format_func=literal, key="example", on_change=_example_chosen)


def _boxes(asks: dict[str, Ask]) -> None:
    """The inputs `asks`, two abreast."""
    for start in range(0, len(asks), 2):
        for name, column in zip(list(asks)[start : start + 2], st.columns(2), strict=False):
            with column:
                _box(name, asks[name], choices(name, st.session_state["cluster"]))


def _box(name: str, ask: Ask, offered: dict[str, str]) -> None:
    """One input, typed freely; `offered` are answers to choose from."""
    if offered:
        st.selectbox(
            ask.label,
            list(offered),
            format_func=lambda text: offered.get(text, text),
            index=None,
            key=name,
            help=literal(ask.help),
            placeholder=ask.example,
            accept_new_options=True,
            on_change=_edited,
            persist_state="session",
        )
    else:
        st.text_input(
            ask.label,
            key=name,
            help=literal(ask.help),
            placeholder=ask.example,
            max_chars=LONGEST,
            on_change=_edited,
            persist_state="session",
        )


def _answer(inputs: Inputs) -> None:
    """The verdict and the plan in a sentence each, the plan in full, the bill, why, the sources and the downloads."""
    for name in st.session_state.get("left_out", []):
        st.warning(f"The link has an input that this page does not know and leaves out: {literal(name)}")
    found = inputs.plan()
    bill = cost(found)
    try:
        verdict: Advice | PlannerError = inputs.advice(found, bill)
    except PlannerError as error:
        verdict = error
    if not isinstance(verdict, PlannerError):
        st.markdown(f"**Should you train it at all?** {literal(verdict.title)}")
        if found.goal.name != "budget_usd":
            st.caption(_means(found, verdict))
    st.header(literal(f"{LEAD} {found.title[:1].lower()}{found.title[1:]}"), anchor=False)
    if chosen := inputs.chosen():
        st.text(f"With: {chosen}.")
    show_numbers(found.rows(), HEADLINES, given=_given(found), dated={"usd"})
    show_findings(found.findings)
    st.subheader("Loss against compute", anchor=False)
    st.plotly_chart(
        on_page(found.figure()),
        key="frontier",
        config={"displayModeBar": False},
        alt="Best loss for each amount of training compute with its 90 % range, and this plan on it.",
    )
    st.subheader("All numbers of the plan", anchor=False)
    show_rows(found.rows(), alt="All numbers of the plan")
    _show_bill(bill)
    _show_verdict(found, verdict)
    _show_sources(found)
    _offer_downloads(found, bill, None if isinstance(verdict, PlannerError) else verdict)


def _given(found: Plan) -> set[str]:
    """Keys of the rows that were typed: the goal, unless serving shares it, and sizes that were fixed."""
    goal = {GIVEN[found.goal.name]} if found.goal.name in GIVEN else set()
    if found.goal.is_budget and found.inference_tokens:
        goal = set()
    return goal | {name for name in ("params", "tokens") if found.inputs[name] is not None}


def _means(found: Plan, advice: Advice) -> str:
    """The money and the people that the advice counts with."""
    origin = "as typed" if found.goal.name == "budget_usd" else "which is what this plan's programme costs"
    usd = show(advice.case.budget_usd, "usd")
    return literal(f"Judged for {usd}, {origin}, and a team that has trained on large clusters.")


def _show_bill(bill: Cost) -> None:
    st.subheader("What it costs", anchor=False)
    st.text(BILL)
    rows = {row.key: row for row in bill.rows()}
    show_rows([*_parts(bill, paid=True), rows["programme_usd"]], alt="Where the money goes")
    st.text("For comparison, not paid on top of a rental:")
    show_rows([*_parts(bill, paid=False), rows["kwh"], rows["kg_co2"]], alt="Costs that a rental includes")
    show_findings(bill.findings)


def _parts(bill: Cost, *, paid: bool) -> list[Row]:
    """The items of the bill that its total contains, or the others."""
    parts = bill.parts[bill.parts["in_total"] == paid]
    return [
        Row(part["part"], part["part"], Estimate(part["usd"], part["low"], part["high"]), "usd", part["basis"])
        for part in parts.to_dict("records")
    ]


def _show_verdict(found: Plan, verdict: Advice | PlannerError) -> None:
    """The inputs of the advice on pretraining, and the advice or why there is none."""
    st.subheader("Should you train it at all?", anchor=False)
    _boxes(CASE)
    if isinstance(verdict, PlannerError):
        show_error(verdict, on_the_page)
        return
    for contradiction in verdict.contradictions:
        st.error(literal(contradiction))
    st.markdown(f"**{literal(verdict.title)}**")
    st.caption(_means(found, verdict))
    st.caption(literal(f"Confidence: {verdict.confidence_text}."))
    show_list(str(reason) for reason in verdict.reasons)
    show_rows(verdict.rows(), alt="The advice in numbers")
    if verdict.flips:
        st.text("What would change the advice:")
        show_list(str(flip) for flip in verdict.flips)
    show_findings(verdict.findings)


def _show_sources(found: Plan) -> None:
    law = found.calibration
    st.subheader("Where the numbers come from", anchor=False)
    rows = [Row("law", "Law", law.title, "", f"{law.source}, {law.as_of}")]
    if found.cluster is not None:
        chip = record("accelerators", "key", found.cluster.accelerator.key, kind="accelerator")
        rows.append(Row("accelerator", "Accelerator", chip["name"], "", f"{chip['source']}, {chip['as_of']}"))
        rows.append(
            Row("utilisation", "Utilisation", found.cluster.utilisation, "fraction", found.cluster.utilisation_basis)
        )
        rows.append(Row("price", "Price", found.cluster.price, "usd/gpu_hour", found.cluster.price_basis))
    show_rows(rows, alt="Sources")


def _offer_downloads(found: Plan, bill: Cost, advice: Advice | None) -> None:
    st.subheader("Take it along", anchor=False)
    st.text("The address of this page holds every input: copy it to share this answer.")
    with st.container(horizontal=True):
        st.download_button(
            "Report (HTML)",
            lambda: report(found, cost=bill, advice=advice).to_html(),
            "plan.html",
            "text/html",
            on_click="ignore",
        )
        st.download_button(
            "Plan (JSON)",
            found.to_json,
            "plan.json",
            "application/json",
            on_click="ignore",
        )
        st.download_button("Rows (CSV)", lambda: found.to_frame().to_csv(), "plan.csv", "text/csv", on_click="ignore")
