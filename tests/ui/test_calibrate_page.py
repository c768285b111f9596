"""The Calibrate page: a messy table, its mapping, the rows left out, the fit, and the use of its law everywhere."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from planner import Fit, advise, fit, load_runs
from planner.advising import UseCase
from planner.errors import PlannerError
from planner.fitting.saving import text_of
from planner.laws import published
from planner.ui.fit_result import VIEWS
from planner.ui.fitting_jobs import jobs
from planner.ui.ledgers import VARIABLE
from planner.ui.taking import Said, taken
from planner.ui.uploads import guessed, read_upload

PATIENCE_SECONDS = 60.0
LAW = published("besiroglu-2024").law
LINES = [
    f"{size};{tokens};{LAW.loss(size * 1e6, tokens * 1e9):.5f};finished;=1+1".replace(".", ",")
    for size in (70, 160, 410, 1000, 2800)
    for tokens in (1.4, 3.2, 8.2, 20, 60)
]
MESSY = "\n".join(
    ["Model Size;Train tokens (B);eval/loss;state;comment", *LINES[:3], "<b>;3;2;finished;", "410;8,2;;finished;",
     *LINES[3:], "410;8,2;2,71;crashed;", "1000;20;-1;finished;![x](http://evil.example/p.png)"]
)  # fmt: skip


def page(**address: str) -> AppTest:
    app = AppTest.from_string("from planner.ui import calibrate_page\ncalibrate_page.show()", default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def uploaded(content: bytes, name: str = "messy.csv") -> AppTest:
    app = page()
    app.file_uploader(key="calibrate_upload").upload(name, content)
    return app.run()


def plain(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


def box(app: AppTest, label: str) -> Any:
    return next(box for box in app.selectbox if box.label == label)


def fitted(app: AppTest) -> AppTest:
    app.button(key="calibrate_fit").click().run()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not app.header and not app.error and time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
    return app


def test_the_page_begins_with_a_table_to_start_from() -> None:
    app = page()
    assert not app.exception
    assert not app.error
    assert app.get("download_button")


def test_columns_are_recognised_and_bad_rows_are_listed_with_their_reasons() -> None:
    app = uploaded(MESSY.encode())
    assert not app.exception
    assert [box(app, label).value for label in ("Parameters", "Training tokens", "Final loss")] == [
        "Model Size", "Train tokens (B)", "eval/loss",
    ]  # fmt: skip
    assert box(app, "Training tokens are written").value == "B"
    texts = " ".join(text.value for text in app.text)
    assert "25 rows are finished runs. 1 failed (crashed)" in texts
    assert "Decimal commas are read as points." in texts
    left_out = app.dataframe[-1].value
    assert list(left_out["row"]) == [5, 6, 30]
    assert "'<b>' is not understood" in left_out["why"].iloc[0]
    assert "loss is empty" in left_out["why"].iloc[1]


def test_the_fit_of_the_page_is_that_of_the_library_and_can_be_used() -> None:
    app = uploaded(MESSY.encode())
    box(app, "Parameters are written").set_value("M").run()
    app = fitted(app)
    assert not app.exception
    assert plain(app.header[0].value) == "Fitted to 25 runs from messy.csv"
    table = read_upload("messy.csv", MESSY.encode())
    said = Said(columns=guessed(table.frame.columns), scales={"params": "M", "tokens": "B"})
    here = fit(taken(table, said).runs)
    shown = {metric.label: plain(metric.value) for metric in app.metric}
    assert shown["Loss at 10 times the compute"] == next(row.text for row in here.rows() if row.key == "ahead_loss")
    app.button(key="calibrate_use").click().run()
    assert isinstance(app.session_state["own_law"], Fit)
    assert app.success
    app.button(key="calibrate_forget").click().run()
    assert not app.success


@pytest.fixture(scope="module")
def done() -> str:
    """The name of a fit of the shipped runs that was begun on the page and has ended."""
    app = page()
    app.segmented_control(key="calibrate_source").set_value("shipped").run()
    return str(fitted(app).query_params["job"])


def test_the_link_of_a_fit_finds_it_again_in_another_session(done: str) -> None:
    app = page(job=done)
    assert not app.exception
    runs = len(load_runs("cpu-python-stdlib").frame)
    assert plain(app.header[0].value) == f"Fitted to {runs} runs from cpu-python-stdlib.csv"


def test_each_figure_is_drawn_when_its_tab_is_open(done: str) -> None:
    app = page(job=done)
    for label, _ in VIEWS.values():
        app.session_state["calibrate_view"] = label
        app.run()
        assert not app.exception
        assert len(app.get("plotly_chart")) + len(app.error) == 1


def test_the_next_runs_are_those_of_design(done: str) -> None:
    app = page(job=done)
    app.form_submit_button[0].click().run()
    assert not app.exception
    assert any(" runs for " in text.value and " to forecast " in text.value for text in app.text)
    app.text_input[0].set_value("lots")
    app.form_submit_button[0].click().run()
    assert "the compute to spend: 'lots' is not understood" in plain(app.error[0].value)


def test_a_link_to_a_fit_of_a_server_that_was_restarted_is_told() -> None:
    app = page(job="gone")
    assert not app.exception
    assert "does not know the fit" in plain(app.error[0].value)
    assert "Upload the runs" in plain(app.info[0].value)
    assert "job" not in app.query_params


def test_stop_ends_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    name = jobs().start(load_runs("cpu-python-stdlib"))
    app = page(job=name)
    app.button(key="calibrate_stop").click().run()
    assert not app.exception
    assert "stopped" in app.info[0].value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n", "a picture"),
        (b"a,b\n1,2\n", "Choose the column that holds: Parameters, Training tokens, Final loss."),
        (b"params,tokens,loss\nx,y,z\n", "No row of messy.csv is a run. Row 2: params: 'x'"),
        (b"params,tokens,loss\n1e6,2e7,4.1\n", "has 1 run for"),
        (b"params,tokens,loss,loss_unit\n1e6,2e7,4.1,joules\n", "No unit of loss is called 'joules'"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(content: bytes, said: str) -> None:
    app = uploaded(content)
    if app.button and any(button.key == "calibrate_fit" for button in app.button):
        app = fitted(app)
    assert not app.exception
    told = " ".join(plain(element.value) for element in (*app.error, *app.warning))
    assert said in told
    assert not re.search(r"(?<!\\)[\[\]<>`!]", " ".join(element.value for element in (*app.error, *app.warning)))


def test_a_column_chosen_twice_is_told() -> None:
    app = uploaded(MESSY.encode())
    box(app, "Final loss").set_value("Model Size").run()
    assert "'Model Size' is chosen twice" in plain(app.error[0].value)


def test_curves_ask_for_sizes_and_tokens() -> None:
    app = uploaded(b"Wall time,Step,Value\n1,10,4.2\n2,20,3.9\n", "run-a-tag-loss.csv")
    assert not app.exception
    assert list(app.data_editor[0].value["run"]) == ["a"]
    assert "params is empty" in plain(app.error[0].value)


def test_the_unit_of_the_law_can_be_another_one() -> None:
    app = uploaded(MESSY.encode())
    box(app, "The law shall be in").set_value("bits/byte").run()
    assert "bytes per token are unknown" in plain(app.error[0].value)
    next(box for box in app.text_input if box.label.startswith("Bytes per token")).set_value("4.2").run()
    assert not app.error


def test_the_runs_of_a_sweep_of_this_server_can_be_fitted(
    write_sweep: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(write_sweep(finished=9)))
    app = page()
    app.segmented_control(key="calibrate_source").set_value("sweep").run()
    assert not app.exception
    assert app.selectbox(key="calibrate_sweep").options == ["mine"]
    assert any(button.key == "calibrate_fit" for button in app.button)
    monkeypatch.delenv(VARIABLE)
    app.run()
    assert VARIABLE in plain(app.info[0].value)


@pytest.mark.parametrize(
    "content", [b"{}", b"[" * 100_000, b"not json", json.dumps({"schema": 1}).encode(), b'{"schema": 2, "sha256": {}}']
)
def test_what_is_no_law_is_told(content: bytes) -> None:
    app = page()
    app.segmented_control(key="calibrate_source").set_value("saved").run()
    app.file_uploader(key="calibrate_saved").upload("law.json", content)
    app.run()
    assert not app.exception
    assert app.error


def test_a_saved_law_comes_back() -> None:
    found = fit(load_runs("cpu-python-stdlib"), draws=40)
    app = page()
    app.segmented_control(key="calibrate_source").set_value("saved").run()
    app.file_uploader(key="calibrate_saved").upload("law.json", text_of(found).encode())
    app.run()
    assert not app.exception
    assert plain(app.header[0].value) == found.calibration.title
    app.button(key="calibrate_use").click().run()
    assert app.success
    own = app.session_state["own_law"]
    assert advise(UseCase(), law=own).verdict == advise(UseCase(), law=found).verdict


def test_a_scale_makes_the_same_runs_as_numbers_written_out() -> None:
    short = read_upload("a.csv", b"params,tokens,loss\n0.4,1e1,3\n1,20,2.5\n")
    long = read_upload("b.csv", b"params,tokens,loss\n4e8,1e10,3\n1e9,2e10,2.5\n")
    columns = {name: name for name in ("params", "tokens", "loss")}
    scaled = taken(short, Said(columns=columns, scales={"params": "B", "tokens": "B"})).runs
    plainly = taken(long, Said(columns=columns, scales={})).runs
    for name in ("params", "tokens", "flops"):
        assert list(scaled.column(name)) == pytest.approx(list(plainly.column(name)))


def test_an_error_speaks_of_the_file_and_not_of_our_classes() -> None:
    table = read_upload("a.csv", b"params,tokens,loss,status\n1e6,2e7,3,crashed\n")
    said = Said(columns=guessed(table.frame.columns), scales={})
    with pytest.raises(PlannerError, match=r"No run of a\.csv is finished"):
        taken(table, said)
