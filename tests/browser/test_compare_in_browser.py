"""Scenarios in a real browser: named on Plan, compared, shared by their address, opened again, found by Back."""

import re
from collections.abc import Callable
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
Open = Callable[..., Any]
SENTENCE = "[data-testid=stHeading] h2:has-text('If you train:')"
TWO = "/compare?s=name%3DSmall%26v%3D2%26budget_usd%3D1M&s=name%3DLarge%26v%3D2%26budget_usd%3D50M"


def _add(user: Any, name: str, budget: str, shown: str) -> None:
    user.type_in("Budget (US dollars)", budget)
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text(shown)
    user.type_in("Name of this scenario", name)
    user.page.get_by_role("button", name="Add to Compare").click()
    playwright.expect(user.page.get_by_text("On the page Compare:")).to_contain_text(name)


def test_two_plans_are_named_compared_shared_and_reopened(visit: Open) -> None:
    user = visit()
    user.open()
    _add(user, "Small", "$1M", "$1.00M")
    _add(user, "Large", "$50M", "$50.0M")
    user.page.get_by_role("link", name="Compare").click()
    playwright.expect(user.page.get_by_role("heading", name="What differs")).to_be_visible()
    table = user.page.get_by_test_id("stTable")
    playwright.expect(table.first).to_contain_text("$50M")
    playwright.expect(user.page.get_by_text("Large has the lowest expected loss")).to_be_visible()
    playwright.expect(user.page).to_have_url(re.compile("name%3DSmall.*name%3DLarge"))
    reader = visit()
    reader.open(user.page.url)
    playwright.expect(reader.page.get_by_test_id("stTable")).to_have_count(2)
    assert reader.page.get_by_test_id("stTable").nth(1).inner_text() == table.nth(1).inner_text()
    reader.page.get_by_role("button", name="Open on Plan").nth(1).click()
    playwright.expect(reader.page.locator(SENTENCE)).to_contain_text("$50.0M")
    assert not [*user.complaints, *reader.complaints, *user.outside]


def test_the_plan_is_still_there_after_a_visit_elsewhere(visit: Open) -> None:
    user = visit()
    user.open()
    user.type_in("Budget (US dollars)", "$5M")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("$5.00M")
    user.page.get_by_role("link", name="Compare").click()
    playwright.expect(user.page.get_by_text("Nothing to compare yet")).to_be_visible()
    user.page.get_by_role("link", name="Plan", exact=True).click()
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("$5.00M")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_comparison_reads_at_every_width_and_theme(visit: Open, width: int, scheme: str) -> None:
    user = visit(width=width, scheme=scheme)
    user.open(TWO)
    user.page.locator("[data-testid=stVegaLiteChart] :is(canvas, svg)").wait_for()
    assert not user.scrolls_sideways()
    assert user.violations() == []
    assert not user.complaints
    assert not user.outside
