"""The Advice page in a real browser: asked, changed, shared, and asked as of another date."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from planner import UseCase, advise

playwright = pytest.importorskip("playwright.sync_api")
Open = Callable[..., Any]


def heading(user: Any) -> Any:
    return user.page.locator("[data-testid=stHeading] h2").first


def test_the_verdict_stands_on_the_first_screen_and_changes_with_an_answer(visit: Open) -> None:
    user = visit()
    user.open("/advice")
    playwright.expect(heading(user)).to_have_text(advise(UseCase()).verdict)
    playwright.expect(heading(user)).to_be_in_viewport()
    user.page.get_by_role("combobox", name="Which facts must it know?").click()
    user.page.get_by_role("option", name="Our own, they change").click()
    playwright.expect(heading(user)).to_contain_text("retrieval")
    user.page.wait_for_url(re.compile("case_knowledge=private_changing"))
    reader = visit()
    reader.open(user.page.url)
    playwright.expect(heading(reader)).to_have_text(str(heading(user).inner_text()))
    assert reader.page.url == user.page.url


def test_the_replay_is_a_built_in_example_and_the_keyboard_moves_its_date(visit: Open) -> None:
    user = visit()
    user.open("/advice")
    user.page.get_by_text("BloombergGPT, June 2022").click()
    playwright.expect(heading(user)).to_contain_text("you have $3.30M")
    then = str(heading(user).inner_text())
    slider = user.page.get_by_role("slider")
    slider.focus()
    user.page.keyboard.press("End")
    playwright.expect(heading(user)).not_to_have_text(then)
    user.page.get_by_text("The same decision over the years").click()
    user.page.get_by_text("2024-10-15").first.wait_for()
    assert not user.outside


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(visit: Open, scheme: str) -> None:
    user = visit(width=390, scheme=scheme)
    # So tall that nothing is out of sight: what is, axe does not judge.
    user.page.set_viewport_size({"width": 390, "height": 6000})
    user.open("/advice?case_task=qa&case_knowledge=private_changing&case_corpus_tokens=20M&case_citations=yes")
    assert not user.scrolls_sideways()
    assert user.violations() == []
    assert not user.complaints


def test_what_answers_is_shown_and_the_report_can_be_taken_along(visit: Open) -> None:
    user = visit()
    user.open("/advice")
    found = advise(UseCase())
    served = found.served[found.ranking[0].option]
    playwright.expect(user.page.get_by_text(served).first).to_be_visible()
    user.page.get_by_text("What would answer under the other options").click()
    playwright.expect(user.page.get_by_text(found.served["pretrain"], exact=True)).to_be_visible()
    assert served in user.paper()
    assert user.violations() == []
    assert not user.complaints
    assert not user.outside


def test_a_bad_answer_is_told_and_mended(visit: Open) -> None:
    user = visit(width=390)
    user.open("/advice")
    user.type_in("Money to build it (US dollars)", "$1,5M")
    playwright.expect(user.page.get_by_test_id("stAlert").first).to_contain_text("comma")
    user.type_in("Money to build it (US dollars)", "$1.5M")
    playwright.expect(heading(user)).to_contain_text("$1.50M")


def test_an_answer_goes_with_its_visitor_to_the_plan_and_back(visit: Open) -> None:
    user = visit()
    user.open("/advice")
    user.type_in("Money to build it (US dollars)", "$7M")
    playwright.expect(heading(user)).to_contain_text("$7.00M")
    user.page.get_by_role("link", name="Plan").first.click()
    user.page.get_by_role("heading", name="What model can this budget train?").wait_for()
    assert not user.page.get_by_text("this page does not know").count()
    user.page.get_by_role("link", name="Should we train?").first.click()
    playwright.expect(heading(user)).to_contain_text("$7.00M")
