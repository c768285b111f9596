"""Links in a real browser: old ones, and a page whose server was restarted."""

from collections.abc import Callable
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
Open = Callable[..., Any]
VERDICT = "[data-testid=stHeading] h2 >> nth=0"
SENTENCE = "[data-testid=stHeading] h2:has-text('If you train:')"


def _asking_for_five_million(user: Any, origin: str) -> Any:
    """The visitor, once the page of that server plans for $5M."""
    user.page.goto(origin)
    user.wait()
    user.type_in("Budget (US dollars)", "$5M")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("$5.00M")
    return user


def test_a_restart_of_the_server_loses_no_plan(visit: Open, restarted: tuple[str, Callable[[], None]]) -> None:
    origin, restart = restarted
    user = _asking_for_five_million(visit(), origin)
    user.page.wait_for_url("**/?*budget_usd=%245M*")
    restart()
    user.page.reload()
    user.wait()
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("$5.00M")
    user.type_in("Cluster (number x accelerator)", "64x a100")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("64x NVIDIA A100")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("$5.00M")


def test_the_first_change_after_a_restart_counts_in_a_page_that_stayed_open(
    visit: Open, restarted: tuple[str, Callable[[], None]]
) -> None:
    origin, restart = restarted
    user = _asking_for_five_million(visit(), origin)
    restart()
    user.type_in("Cluster (number x accelerator)", "64x a100")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("64x NVIDIA A100")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("$5.00M")
    user.page.wait_for_url("**/?*budget_usd=%245M*cluster=64x*")
    restart()
    user.page.get_by_text("Days", exact=True).first.click()
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("30.0 days")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("64x NVIDIA A100")


def test_the_first_answer_after_a_restart_counts_on_the_advice_page(
    visit: Open, restarted: tuple[str, Callable[[], None]]
) -> None:
    origin, restart = restarted
    user = visit()
    user.page.goto(f"{origin}/advice")
    user.wait()
    user.type_in("Money to build it (US dollars)", "$7M")
    playwright.expect(user.page.locator(VERDICT)).to_contain_text("$7.00M")
    restart()
    user.page.get_by_role("combobox", name="Which facts must it know?").click()
    user.page.get_by_role("option", name="Our own, they change").click()
    playwright.expect(user.page.locator(VERDICT)).to_contain_text("retrieval")
    user.page.wait_for_url("**/advice?*case_knowledge=private_changing*case_budget_usd=%247M*")


def test_the_first_change_after_a_restart_counts_on_the_compare_page(
    visit: Open, restarted: tuple[str, Callable[[], None]]
) -> None:
    origin, restart = restarted
    user = visit()
    user.page.goto(f"{origin}/compare")
    user.wait()
    for at, example in enumerate(("$100K on 8 H100", "$2M on 256 H100"), start=1):
        user.page.get_by_text(example, exact=True).last.click()
        box = user.page.get_by_role("textbox", name=f"Name of scenario {at}")
        playwright.expect(box).to_have_value(example)
    restart()
    user.type_in("Name of scenario 1", "Small one")
    user.page.wait_for_url("**/compare?*Small*")
    playwright.expect(user.page.get_by_text("Small one").first).to_be_visible()
    restart()
    user.page.get_by_role("button", name="Remove").first.click()
    playwright.expect(user.page.get_by_text("One scenario only")).to_be_visible()
    playwright.expect(user.page.get_by_role("textbox", name="Name of scenario 1")).to_have_value("$2M on 256 H100")


def test_links_of_older_forms_are_read_and_unknown_ones_refused(visit: Open) -> None:
    user = visit()
    user.open("/?v=1&days=30+days&cluster=64x+a100&price=spot")
    playwright.expect(user.page.locator(SENTENCE)).to_contain_text("30.0 days")
    playwright.expect(user.page.get_by_test_id("stAlert").first).to_contain_text("earlier version of this page")
    user.page.wait_for_url("**/?v=2&*days=30+days*")
    user.open("/?v=99&days=30+days")
    playwright.expect(user.page.get_by_test_id("stAlert").first).to_contain_text("another version of this page")
    playwright.expect(user.page.locator(SENTENCE)).to_have_count(0)
