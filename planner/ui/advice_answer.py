"""The answer of the Advice page: contradictions and verdict first, then what carries and what would turn it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import streamlit as st

from planner.advising import Advice, Option, replay
from planner.charts.specs import ranges_spec
from planner.laws import calibration_of
from planner.reporting import basis_of, report
from planner.ui.spreadsheets import csv_of
from planner.ui.widgets import (
    errors_shown,
    literal,
    offer_files,
    show_figure,
    show_findings,
    show_list,
    show_rows,
)
from planner.units import show as written
from planner.units import show_range

if TYPE_CHECKING:
    from planner.advising import Replay
    from planner.advising.replaying import Moment
    from planner.laws import Calibrated

YEARS = ("2022-06-01", "2023-07-01", "2024-10-15")
"""Dates on which a decision is shown again, besides its own and today."""


def show_advice(found: Advice, law: str | Calibrated, cluster: str) -> None:
    """Draw `found`, which was counted with this law and cluster."""
    for text in found.contradictions:
        st.error(f"**Your answers contradict each other.** {literal(text)}")
    st.header(literal(found.verdict), anchor=False)
    st.text(f"Confidence. {found.confidence_text}.")
    st.subheader("Why", anchor=False)
    show_list(map(str, found.reasons))
    show_findings(found.findings)
    st.subheader("The options side by side", anchor=False)
    _show_options(found)
    _show_served(found)
    _show_list("What would change the advice", found.flips)
    _show_list("From when on a model of your own wins", found.break_even)
    _show_years(found, law, cluster)
    _show_list("When an option pays for itself", found.paybacks)
    _show_list("Test this next", found.next_tests)
    _show_basis(found)
    _offer_downloads(found)


def _show_list(heading: str, items: tuple[Any, ...]) -> None:
    if items:
        st.subheader(heading, anchor=False)
        show_list(map(str, items))


def _show_options(found: Advice) -> None:
    """What each option costs and meets; the advice is marked, and of the others it is said why not.

    Four columns fit a phone: weeks and needs stand below the name of the option.
    """
    rows = [_cells(option) for option in found.ranking]
    heads = ("Option, its weeks and what it meets", "Once", "A month", "Why not")
    st.table(
        {head: [row[at] for row in rows] for at, head in enumerate(heads)},
        border="horizontal",
        hide_index=True,
        alt="Every option with dollars, weeks, the needs that it meets and what speaks against it",
    )
    st.caption(literal(f"Dollars: {found.prices}. The time of your own people is in the weeks, not in the dollars."))


def _cells(option: Option) -> tuple[str, ...]:
    once, month = (
        f"{literal(_rough(usd))}  \n{literal(show_range(usd.low, usd.high, 'usd'))}"
        if not usd.is_exact
        else literal(_rough(usd))
        for usd in (option.one_off_usd, option.monthly_usd)
    )
    name = f"**{literal(option.label)}** (advised)" if option.chosen else literal(option.label)
    weeks = literal(f"{show_range(option.weeks.low, option.weeks.high, 'count')} weeks")
    meets = literal(f"meets {', '.join(option.meets)}") if option.meets else ""
    return "  \n".join(filter(None, (name, weeks, meets))), once, month, literal(option.remark)


def _show_served(found: Advice) -> None:
    """What answers under each option, and on what it runs: that of the advice in sight."""
    st.subheader("What answers, and on what", anchor=False)
    show_list(f"{option.label}: {found.served[option.option]}." for option in found.ranking if option.chosen)
    with st.expander("What would answer under the other options"):
        others = [option for option in found.ranking if not option.chosen]
        st.table(
            {
                "Option": [literal(option.label) for option in others],
                "What answers, and on what": [literal(found.served[option.option]) for option in others],
            },
            border="horizontal",
            hide_index=True,
            alt="Model, size and machines that each other option needs to answer",
        )


def _rough(usd: float) -> str:
    """Dollars without cents where they are whole: such sums are rough."""
    return written(usd, "usd").removesuffix(".00")


def _show_years(found: Advice, law: str | Calibrated, cluster: str) -> None:
    """The same case on earlier dates, asked when this is opened."""
    if not found.break_even:
        return
    years = st.expander("The same decision over the years", on_change="rerun", key="advice_years")
    if not years.open:
        return
    with years, errors_shown(str), st.spinner("Asking on every date"):
        over = _replayed(f"{date.today()} {found.case.to_dict()}", told_apart(law), cluster, found, law)
        rows = [point for moment in over.moments if (point := _point(moment)) is not None]
        if rows:
            budget = written(found.case.budget_usd, "usd")
            says = f"Budget from which a model of your own wins, with its 90 % range, by date; your budget is {budget}."
            show_figure(
                ranges_spec(rows=rows, title="US dollars of the whole programme", money=True), says, key="years"
            )
        show_rows(over.rows(), alt=over.title)


def _point(moment: Moment) -> dict[str, Any] | None:
    """The break-even of one date; None where no budget suffices."""
    usd = moment.advice.break_even[0].programme_usd
    if usd is None:
        return None
    about = f"{moment.when}: {written(usd, 'usd')} ({show_range(usd.low, usd.high, 'usd')}); {moment.verdict}"
    return {"name": moment.when, "value": float(usd), "low": usd.low, "high": usd.high, "about": about}


def told_apart(law: str | Calibrated) -> str:
    """Text that tells a law from every other one: fits of different visitors may have the same name."""
    found = calibration_of(law)
    return repr((found.name, found.law, found.flops_max, found.noise, found.drift))


@st.cache_resource(max_entries=16, show_spinner=False)
def _replayed(case: str, law: str, cluster: str, _found: Advice, _law: str | Calibrated) -> Replay:
    days = sorted({*YEARS, _found.as_of.isoformat(), date.today().isoformat()})
    return replay(_found.case, days, law=_law, cluster=cluster)


def _show_basis(found: Advice) -> None:
    """Every number that nobody measured for this case."""
    with st.expander("What this rests on: our assumptions and other numbers"):
        st.table(
            {
                "Number": [literal(assumption.label) for assumption in found.assumptions],
                "Value and range": [_assumed(assumption) for assumption in found.assumptions],
                "Basis": [literal(basis_of(assumption)) for assumption in found.assumptions],
            },
            border="horizontal",
            hide_index=True,
            alt="Assumptions with their ranges and sources",
        )
        if found.pilots:
            show_list(["Measured by you:", *map(str, found.pilots)])


def _assumed(assumption: Any) -> str:
    value = literal(written(assumption.value, assumption.unit))
    if assumption.value.is_exact:
        return value
    return f"{value}  \n{literal(show_range(assumption.value.low, assumption.value.high, assumption.unit))}"


def _offer_downloads(found: Advice) -> None:
    st.subheader("Take it along", anchor=False)
    offer_files(
        (
            ("Report (HTML)", lambda: report(found).to_html(), "advice.html"),
            ("Report (PDF)", lambda: report(found).to_pdf(), "advice.pdf"),
            ("Advice (JSON)", found.to_json, "advice.json"),
            ("Advice (text)", lambda: str(found), "advice.txt"),
            ("Rows (CSV)", lambda: csv_of(found.to_frame().reset_index()), "advice.csv"),
        )
    )
