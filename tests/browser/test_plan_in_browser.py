"""The Plan page in a real browser, as a manager opens, changes and shares it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner import cost, plan
from planner.reporting import report
from planner.ui.plan_details import VIEWS
from planner.ui.plan_page import LEAD

playwright = pytest.importorskip("playwright.sync_api")
Open = Callable[..., Any]
FIGURE = "[data-testid=stVegaLiteChart] :is(canvas, svg)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_answers_at_every_width_and_theme(visit: Open, width: int, scheme: str) -> None:
    user = visit(width=width, scheme=scheme)
    user.open()
    title = plan(budget_usd="$2M", cluster="256x h100").title
    playwright.expect(user.page.locator("[data-testid=stHeading] h2")).to_have_text(
        f"{LEAD} {title[:1].lower()}{title[1:]}"
    )
    user.page.locator(FIGURE).wait_for()
    assert not user.scrolls_sideways()
    assert user.violations() == []
    assert not user.complaints
    assert not user.outside


def test_every_figure_and_section_opens(visit: Open) -> None:
    user = visit()
    user.open()
    for view in VIEWS:
        user.page.get_by_role("tab", name=view.title).click()
        playwright.expect(user.page.get_by_text(view.says)).to_be_visible()
        playwright.expect(user.page.locator(FIGURE).first).to_be_visible()
    for section in ("All numbers of the plan", "What it costs", "Show the maths", "Where the numbers come from"):
        user.page.get_by_text(section, exact=True).click()
    playwright.expect(user.page.get_by_test_id("stTable")).to_have_count(5)
    playwright.expect(user.page.get_by_text("6 N D")).to_have_count(2)
    assert user.violations() == []
    assert not user.complaints


def test_the_keyboard_alone_changes_the_plan_and_takes_the_report(visit: Open) -> None:
    user = visit()
    user.open()
    playwright.expect(user.page.locator(FIGURE).first).to_be_visible()
    _tab_to(user, "Budget (US dollars)")
    user.page.keyboard.press("Control+a")
    user.page.keyboard.type("$5M")
    user.page.keyboard.press("Enter")
    playwright.expect(user.page.locator("[data-testid=stHeading] h2")).to_contain_text("$5.00M")
    _tab_to(user, "Loss and budget")
    user.page.keyboard.press("ArrowRight")
    user.page.keyboard.press("Enter")
    playwright.expect(user.page.get_by_text(VIEWS[1].says)).to_be_visible()
    _tab_to(user, "Report (HTML)")
    with user.page.expect_download() as download:
        user.page.keyboard.press("Enter")
    assert "$5.00M" in download.value.path().read_text(encoding="utf-8")


def _tab_to(user: Any, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    called = "(it => it.getAttribute('aria-label') || it.innerText || '')(document.activeElement)"
    for _ in range(60):
        user.page.keyboard.press("Tab")
        if user.page.evaluate(called).strip() == name:
            return
    pytest.fail(f"no Tab leads to {name}")


def test_a_changed_budget_changes_the_address_and_the_address_the_page(visit: Open) -> None:
    user = visit()
    user.open()
    before = user.sentence()
    user.type_in("Budget (US dollars)", "$5M")
    user.page.wait_for_url(re.compile(r"budget_usd=%245M"))
    playwright.expect(user.page.locator("[data-testid=stHeading] h2")).to_contain_text("$5.00M")
    assert user.sentence() != before
    reader = visit()
    reader.open(user.page.url)
    playwright.expect(reader.page.locator("[data-testid=stHeading] h2")).to_have_text(user.sentence())
    assert reader.page.url == user.page.url
    assert not reader.complaints


def test_two_quick_changes_both_count(visit: Open) -> None:
    user = visit()
    user.open()
    user.type_in("Budget (US dollars)", "$5M")
    user.type_in("Cluster (number x accelerator)", "64x a100")
    heading = user.page.locator("[data-testid=stHeading] h2")
    playwright.expect(heading).to_contain_text("64x NVIDIA A100")
    playwright.expect(heading).to_contain_text("$5.00M")
    user.page.wait_for_url(re.compile(r"budget_usd=%245M&cluster=64x"))


def test_the_back_button_brings_the_former_answer_back(visit: Open) -> None:
    user = visit()
    user.open()
    user.type_in("Budget (US dollars)", "$5M")
    heading = user.page.locator("[data-testid=stHeading] h2")
    playwright.expect(heading).to_contain_text("$5.00M")
    user.page.wait_for_url(re.compile(r"budget_usd=%245M"))
    user.page.go_back()
    playwright.expect(heading).to_contain_text("$2.00M")
    playwright.expect(user.page.get_by_role("textbox", name="Budget (US dollars)")).to_have_value("$2M")


def test_a_change_of_goal_asks_for_the_amount_anew(visit: Open) -> None:
    user = visit()
    user.open()
    heading = user.page.locator("[data-testid=stHeading] h2")
    user.page.get_by_text("A known model", exact=True).click()
    playwright.expect(heading).to_contain_text("Llama-3.1-8B")
    user.page.get_by_text("GPU-hours", exact=True).first.click()
    playwright.expect(heading).to_contain_text("500K GPU-hours")
    user.page.wait_for_url(re.compile(r"budget_gpu_hours=500K"))


def test_bad_input_shows_problem_and_mend_and_leaves_the_page_usable(visit: Open) -> None:
    user = visit()
    user.open()
    user.type_in("Cluster (number x accelerator)", "256x h10O")
    alerts = user.page.get_by_test_id("stAlert")
    playwright.expect(alerts.first).to_contain_text("No accelerator is called 'h10O'.")
    playwright.expect(alerts.nth(1)).to_contain_text("Did you mean 'h100'")
    user.type_in("Cluster (number x accelerator)", "64x h100")
    playwright.expect(user.page.locator("[data-testid=stHeading] h2")).to_contain_text("64x")
    assert "Traceback" not in user.page.content()


def test_a_hostile_link_draws_no_image_and_asks_no_other_server(visit: Open) -> None:
    user = visit()
    user.open("/?budget_usd=![x](http://evil.example/a.png)&law=<img src=http://evil.example/b.png>")
    playwright.expect(user.page.get_by_test_id("stAlert").first).to_contain_text(
        "![x](http\u2060://evil.example/a.png)"
    )
    assert not user.outside
    assert user.page.locator("img[src*=evil], a[href*=evil]").count() == 0


def test_a_law_that_does_not_exist_can_be_replaced_on_the_page(visit: Open) -> None:
    user = visit()
    user.open("/?law=besiroglu-2O24")
    playwright.expect(user.page.get_by_test_id("stAlert").first).to_contain_text("No law is called 'besiroglu-2O24'.")
    user.page.get_by_text("More inputs and examples").click()
    law = user.page.get_by_role("combobox", name="Scaling law")
    playwright.expect(law).to_be_visible()
    law.fill("hoffmann-2022")
    law.press("Enter")
    playwright.expect(user.page.locator("[data-testid=stHeading] h2")).to_contain_text("best model for")
    user.page.wait_for_url(re.compile("law=hoffmann-2022"))


def test_the_answer_can_be_taken_along(visit: Open) -> None:
    user = visit()
    user.open()
    for button in ("Report (HTML)", "Numbers (JSON)", "Rows (CSV)", "Script (Python)", "Notebook"):
        with user.page.expect_download() as download:
            user.page.get_by_role("button", name=button).click()
        assert "plan" in download.value.path().read_text(encoding="utf-8")
    assert "Best model for $2.00M" in user.paper()
    assert not user.complaints
    assert not user.outside


def test_verdict_and_headline_begin_on_the_first_screen_of_a_phone(visit: Open) -> None:
    user = visit(width=390)
    user.open()
    for part in (user.page.get_by_text("Should you train it at all?").first, user.page.get_by_text(LEAD)):
        playwright.expect(part).to_be_in_viewport()


def test_the_report_fits_a_phone_and_asks_no_server(visit: Open, tmp_path: Path) -> None:
    chosen = plan(budget_usd="$2M", cluster="256x h100")
    path = report(chosen, cost=cost(chosen)).save(tmp_path / "report.html")
    user = visit(width=390)
    user.page.goto(path.as_uri())
    playwright.expect(user.page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert user.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not user.complaints
    assert [url for url in user.outside if not url.startswith("file:")] == []


def test_the_verdict_leads_to_its_own_case_on_the_page_of_the_advice(visit: Open) -> None:
    user = visit()
    user.open("/?budget_usd=3M&cluster=64x+h100")
    user.page.get_by_role("link", name="Why, how sure").click()
    playwright.expect(user.page.get_by_role("textbox", name="Money to build it")).to_have_value("$3.00M")
    playwright.expect(user.page.get_by_text("you have $3.00M")).to_be_visible()
