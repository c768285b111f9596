"""The Sweeps page: what a folder tells while a sweep goes on, and what is said where there is none."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from planner import load_runs
from planner.errors import DataError
from planner.ui.ledgers import VARIABLE, ledgers, progress_of

Write = Callable[..., Path]


def page() -> AppTest:
    return AppTest.from_string("from planner.ui import sweeps_page\nsweeps_page.show()", default_timeout=60).run()


def plain(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


def test_without_a_sweep_the_page_says_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    app = page()
    assert not app.exception
    assert "python -m experiments run cpu" in app.code[0].value
    assert VARIABLE in app.code[0].value


def test_a_sweep_that_goes_on_shows_cards_runs_and_time_left(
    write_sweep: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_sweep(finished=5, failed=1, going=2)
    monkeypatch.setenv(VARIABLE, str(folder.parent))
    app = page()
    assert not app.exception
    cards = {metric.label: plain(metric.value) for metric in app.metric}
    assert cards["Runs finished"] == "5"
    assert cards["Runs failed"] == "1"
    assert cards["Runs under way"] == "2"
    assert cards["Time left"].endswith("seconds")
    assert "the <b>disk</b> is full" in plain(app.error[0].value)
    assert len(app.dataframe[0].value) == 2
    assert len(app.dataframe[1].value) == 6
    assert app.get("plotly_chart")


def test_a_finished_sweep_is_done(write_sweep: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(write_sweep(finished=9)))
    cards = {metric.label: metric.value for metric in page().metric}
    assert cards["Time left"] == "done"
    assert plain(cards["Compute done"]) == "100 %"


def test_a_sweep_that_has_just_begun_waits(write_sweep: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(write_sweep(finished=0, going=1)))
    app = page()
    assert not app.exception
    assert "No run has ended yet" in app.info[0].value


def test_time_left_halves_with_twice_the_workers(write_sweep: Write) -> None:
    one = progress_of("a", write_sweep(finished=5, going=1, name="a")).seconds_left
    two = progress_of("b", write_sweep(finished=5, going=2, name="b")).seconds_left
    assert one == pytest.approx(2 * two)


def test_the_share_is_that_of_the_planned_compute(write_sweep: Write) -> None:
    progress = progress_of("mine", write_sweep(finished=9))
    assert progress.planned_flops == pytest.approx(sum(run["flops"] for run in progress.finished), rel=0.03)


def test_the_finished_runs_are_runs(write_sweep: Write) -> None:
    runs = load_runs(progress_of("mine", write_sweep(finished=5, failed=1)).runs())
    assert len(runs.frame) == 5


def test_a_visitor_sees_only_the_folders_that_the_host_names(
    write_sweep: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = write_sweep(finished=1, name="one"), write_sweep(finished=1, name="two")
    monkeypatch.setenv(VARIABLE, str(one))
    assert list(ledgers()) == ["one"]
    monkeypatch.setenv(VARIABLE, str(two.parent))
    assert list(ledgers()) == ["one", "two"]


def test_a_damaged_file_is_named(write_sweep: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_sweep(finished=2)
    damaged = next((folder / "runs").glob("*.json"))
    damaged.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=damaged.name):
        progress_of("mine", folder)
    monkeypatch.setenv(VARIABLE, str(folder))
    app = page()
    assert not app.exception
    assert damaged.name in plain(app.error[0].value)
