"""The report: one page that says the verdict first, can be reproduced, and reads on paper and on a phone."""

import re
from datetime import date
from functools import cache
from html import unescape

import pytest

from planner import advise, cost, fit, plan
from planner.advising import UseCase
from planner.errors import InputError
from planner.estimate import Estimate
from planner.fitting import Fit
from planner.hardware import Cluster
from planner.planning import Plan
from planner.reporting import BILL, report

pytest.importorskip("plotly")


@cache
def sweep() -> Fit:
    return fit("cpu-python-stdlib")


@cache
def planned() -> Plan:
    cluster = Cluster("h100", 256, price=Estimate(2.5, 2.0, 3.0), utilisation="35 %")
    return plan(budget_usd="$2M", cluster=cluster, tokens_available="300B")


@cache
def full(*, own: bool = False) -> str:
    """The visible text and marks of a report with all its sections, without scripts."""
    chosen = plan(budget_usd="$2M", cluster="256x h100", law=sweep()) if own else planned()
    advice = advise(UseCase(task="general", weeks=52, budget_usd=2e6, team="infra"), cluster=chosen.cluster)
    page = report(chosen, cost=cost(chosen), advice=advice, fit=sweep()).to_html()
    return unescape(re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))


def test_the_verdict_comes_before_the_plan() -> None:
    page = full()
    assert 0 < page.index("Should we train at all?") < page.index("If we train:") < page.index(planned().title)


def test_what_was_asked_makes_the_same_plan_again() -> None:
    call = re.findall(r"<code>(plan\(.*?\))</code>", full())[0]
    again = eval(call, {"plan": plan, "Cluster": Cluster, "Estimate": Estimate})
    assert again.title == planned().title
    assert again.usd == planned().usd
    assert again.gpu_hours.low == planned().gpu_hours.low


def test_the_case_that_was_asked_makes_the_same_case_again() -> None:
    call = re.findall(r"<code>(UseCase\(.*?\))</code>", full())[0]
    again = eval(call, {"UseCase": UseCase})
    assert again == UseCase(task="general", weeks=52, budget_usd=2e6, team="infra", as_of=date.today())


def test_a_fit_that_the_plan_does_not_follow_is_called_so() -> None:
    assert "Our own sweep (not used above)" in full()
    assert "Nothing above follows from it" in full()
    assert "not used above" not in full(own=True)
    assert "The plan above follows the law fitted to" in full(own=True)
    assert "law=fit(" in full(own=True)


def test_the_bill_says_what_it_takes_as_decided() -> None:
    assert BILL in full()


def test_every_cell_carries_its_heading_for_narrow_pages() -> None:
    cells = re.findall(r"<td([^>]*)>", full())
    assert cells
    assert all("data-label=" in cell for cell in cells)
    assert "data-label='Why not'" in full()


def test_figures_stay_whole_on_paper() -> None:
    assert full().count("<figure>") == 4
    assert re.search(r"figure \{[^}]*break-inside: avoid", full())


def test_sources_name_the_law_without_its_notes() -> None:
    law = planned().calibration
    assert law.notes
    assert law.notes not in full()
    assert f"{law.source}, {law.as_of}" in full()


def test_nothing_but_a_plan_can_be_reported() -> None:
    with pytest.raises(InputError, match="no plan"):
        report(cost(params="7B", tokens="1T"))  # type: ignore[arg-type]
