"""The Calibrate page in a real browser: a messy table is uploaded, mapped, fitted and used everywhere."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.laws import published

playwright = pytest.importorskip("playwright.sync_api")
Open = Callable[..., Any]
LAW = published("besiroglu-2024").law
LINES = [
    f"{size};{tokens};{LAW.loss(size * 1e6, tokens * 1e9):.5f};finished;=1+1".replace(".", ",")
    for size in (70, 160, 410, 1000, 2800)
    for tokens in (1.4, 3.2, 8.2, 20, 60)
]


SHIPPED = re.compile(r"^Fitted to \d+ runs from cpu-python-stdlib\.csv$")


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """Semicolons, decimal commas, sizes in millions, bad rows, a formula, markup and a picture from elsewhere."""
    path = tmp_path / "<b>runs.csv"
    head = "Model Size;Train tokens (B);eval/loss;state;![x](http://evil.example/p.png)"
    bad = ["<img src=http://evil.example/q.png>;3;2;finished;", "410;8,2;;finished;", "410;8,2;2,71;crashed;"]
    path.write_text("\n".join([head, *LINES, *bad]), encoding="utf-8")
    return path


def choose(user: Any, label: str, option: str) -> None:
    user.page.get_by_role("combobox", name=label).click()
    user.page.get_by_role("option", name=option, exact=True).click()


def upload(user: Any, path: Path) -> None:
    user.open("/calibrate")
    user.page.locator("input[type=file]").first.set_input_files(path)
    user.page.get_by_role("button", name="Fit the law").wait_for()


def test_a_messy_table_is_mapped_fitted_and_used_everywhere(visit: Open, messy: Path) -> None:
    user = visit()
    upload(user, messy)
    alert = user.page.get_by_test_id("stAlert").first
    playwright.expect(alert).to_contain_text("2 rows are no run and left out of the fit")
    choose(user, "Parameters are written", "millions")
    user.page.get_by_text("25 rows are finished runs.").wait_for()
    user.page.get_by_role("button", name="Fit the law").click()
    use = user.page.get_by_role("button", name="Use this law everywhere")
    use.wait_for()
    heading = user.page.locator("[data-testid=stHeading] h2").first
    playwright.expect(heading).to_have_text(re.compile(r"^Fitted to 25 runs from <b>runs\.csv$"))
    user.page.wait_for_url(re.compile("job="))
    use.focus()
    user.page.keyboard.press("Enter")
    user.page.get_by_text("Every page counts with this law now.").wait_for()
    user.page.get_by_role("link", name="Plan").first.click()
    user.page.wait_for_url(re.compile("law=own"))
    user.page.get_by_text("behind the fit of <b>runs.csv").first.wait_for()
    assert not user.page.get_by_text("does not know").count()
    assert not user.outside
    assert not user.complaints
    assert user.page.locator("img[src*=evil]").count() == 0


def test_a_fit_survives_a_reload_and_its_link_shows_it_to_others(visit: Open) -> None:
    user = visit()
    user.open("/calibrate")
    user.page.get_by_text("Shipped runs", exact=True).click()
    user.page.get_by_role("button", name="Fit the law").click()
    user.page.wait_for_url(re.compile("job="))
    user.page.reload()
    user.page.get_by_role("button", name="Use this law everywhere").wait_for()
    reader = visit()
    reader.open(user.page.url)
    playwright.expect(reader.page.locator("[data-testid=stHeading] h2").first).to_have_text(SHIPPED)
    with reader.page.expect_download() as download:
        reader.page.get_by_role("button", name="Save the law").click()
    assert '"runs_sha256"' in download.value.path().read_text(encoding="utf-8")


def test_a_fit_can_be_stopped(visit: Open) -> None:
    user = visit()
    user.open("/calibrate")
    user.page.get_by_text("Shipped runs", exact=True).click()
    user.page.get_by_role("button", name="Fit the law").click()
    user.page.get_by_role("button", name="Stop", exact=True).click()
    user.page.get_by_text("The fit was stopped.").wait_for()


def test_every_figure_opens_with_its_tab(visit: Open) -> None:
    user = visit(width=390, scheme="dark")
    user.open("/calibrate")
    user.page.get_by_text("Shipped runs", exact=True).click()
    user.page.get_by_role("button", name="Fit the law").click()
    user.page.get_by_role("tab", name="Runs and law").wait_for()
    for tab in ("Forecast", "Equal compute", "Loss map", "Best size", "Coefficients"):
        user.page.get_by_role("tab", name=tab).click()
        user.page.locator("[role=tabpanel]:visible .js-plotly-plot .main-svg").first.wait_for()
    assert not user.scrolls_sideways()
    assert not user.violations()
    assert not user.complaints


def test_a_spoiled_file_is_told_and_asks_no_other_server(visit: Open, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_bytes(b"\x80\x04\x95 a pickle")
    user = visit()
    user.open("/calibrate")
    user.page.locator("input[type=file]").first.set_input_files(path)
    playwright.expect(user.page.get_by_test_id("stAlert").first).to_contain_text("never opened here")
    assert not user.outside


@pytest.mark.parametrize("page", ["advice", "calibrate", "sweeps", "sources"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_every_page_is_for_everybody_at_every_width_and_asks_no_other_server(
    visit: Open, page: str, width: int, scheme: str
) -> None:
    user = visit(width=width, scheme=scheme)
    user.open(f"/{page}")
    assert not user.scrolls_sideways()
    assert not user.violations()
    assert not user.complaints
    assert not user.outside
