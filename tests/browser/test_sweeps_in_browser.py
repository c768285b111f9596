"""The Sweeps and Sources pages in a real browser: runs that end appear by themselves; a search finds its rows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
Open = Callable[..., Any]
SIZE = {"tokens": [1000, 2000], "context": 8, "batch": 4, "learning_rate": 0.1, "warmup_steps": 1, "layers": 1,
        "width": 16, "params": None}  # fmt: skip


@pytest.fixture
def end_a_run(sweeps: Path) -> Callable[[int], None]:
    """A sweep of two runs whose runs end when told: end_a_run(1000)."""
    folder = sweeps / "two runs"
    (folder / "runs").mkdir(parents=True)
    sweep = {"title": "Two <b>runs</b>", "sizes": [SIZE], "seeds": [0]}
    note = {"sweep": sweep, "corpus": {"vocabulary": 256}, "command": "python -m experiments run two"}
    (folder / "sweep.json").write_text(json.dumps(note), encoding="utf-8")

    def end(tokens: int) -> None:
        record = {"run": f"run{tokens}", "status": "ok", "params": 7168, "tokens": tokens, "flops": 43008.0 * tokens,
                  "loss": 3.0, "seconds": 2.0, "device": "cpu", "as_of": "2026-11-21"}  # fmt: skip
        (folder / "runs" / f"{tokens}.json").write_text(json.dumps({"record": record}), encoding="utf-8")

    return end


def test_runs_that_end_appear_by_themselves(visit: Open, end_a_run: Callable[[int], None]) -> None:
    end_a_run(1000)
    user = visit(width=390, scheme="dark")
    user.open("/sweeps")
    user.page.get_by_text("Two <b>runs</b>").first.wait_for()
    user.page.get_by_text("33.3 % of the compute").wait_for()
    end_a_run(2000)
    user.page.get_by_text("100 % of the compute").wait_for()
    user.page.locator(".js-plotly-plot .main-svg").first.wait_for()
    assert not user.outside


def test_a_search_finds_the_tables_that_hold_its_words(visit: Open) -> None:
    user = visit()
    user.open("/sources")
    search = user.page.get_by_role("searchbox", name="Search all tables")
    search.fill("llama-3.1")
    search.press("Enter")
    playwright.expect(user.page.get_by_role("combobox", name="Table")).to_have_value("Open models (3)")
    user.page.get_by_role("tab", name="Forecasts of the loss").click()
    user.page.get_by_text("Public run tables: 10 times beyond the runs").wait_for()
    assert not user.outside
