"""Links in a real browser: old ones, and a page whose server was restarted."""

from collections.abc import Callable
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
Open = Callable[..., Any]
SENTENCE = "[data-testid=stHeading] h2:has-text('If you train:')"


def test_a_restart_of_the_server_loses_no_plan(visit: Open, restarted: tuple[str, Callable[[], None]]) -> None:
    origin, restart = restarted
    user = visit()
    user.page.goto(origin)
    user.wait()
    user.type_in("Budget (US dollars)", "$5M")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("$5.00M")
    user.page.wait_for_url("**/?*budget_usd=%245M*")
    restart()
    user.page.reload()
    user.wait()
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("$5.00M")
    user.type_in("Cluster (number x accelerator)", "64x a100")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("64x NVIDIA A100")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("$5.00M")


def test_links_of_older_forms_are_read_and_unknown_ones_refused(visit: Open) -> None:
    user = visit()
    user.open("/?v=1&days=30+days&cluster=64x+a100&price=spot")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("30.0 days")
    playwright.expect(user.page.get_by_test_id("stAlert").first).to_contain_text("earlier version of this page")
    user.page.wait_for_url("**/?v=2&*days=30+days*")
    user.open("/?v=99&days=30+days")
    playwright.expect(user.page.get_by_test_id("stAlert").first).to_contain_text("another version of this page")
    playwright.expect(user.page.locator(SENTENCE)).to_have_count(0)
