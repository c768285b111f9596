"""Sharing: screen, library, command line, report, script and notebook say the same; a law of one's own is carried."""

import json
import random
import re
from dataclasses import asdict
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from planner import Cluster, Fit, cost, fit, plan, report
from planner.cli import main
from planner.costing import Cost
from planner.errors import PlannerError
from planner.estimate import Estimate
from planner.planning import Plan
from planner.reporting import pages
from planner.reporting.blocks import Heading
from planner.ui.downloads import answer_csv, answer_json, notebook, script
from planner.ui.inputs import OWN_LAW, Inputs, address_of, opened
from planner.ui.plan_details import report_of
from planner.ui.plan_page import HEADLINES

PAGE = Path(__file__).resolve().parents[2] / "planner" / "ui" / "script.py"
STATES = 200
NUMBERS = ("params", "tokens", "loss", "flops", "gpu_hours", "days", "usd")
CLOSE = 1e-9


def states() -> list[Inputs]:
    """Random states of the page, most of which can be planned."""
    dice = random.Random(7)
    amounts = {
        "budget_usd": lambda: f"${10 ** dice.uniform(3, 9):.6g}",
        "budget_flops": lambda: f"{10 ** dice.uniform(17, 27):.6g}",
        "budget_gpu_hours": lambda: f"{10 ** dice.uniform(2, 7):.6g}",
        "days": lambda: f"{dice.uniform(0.5, 300):.6g} days",
        "target_loss": lambda: f"{dice.uniform(1.95, 3.5):.4f}",
        "target_model": lambda: dice.choice(["llama-3.1-8b", "gpt-j-6b", "olmo-2-7b"]),
    }

    def sometimes(*texts: str) -> str:
        return dice.choice(texts) if dice.random() < 0.3 else ""

    found = []
    for _ in range(STATES):
        goal = dice.choice(list(amounts))
        fixed = dice.random()
        found.append(
            Inputs(
                goal=goal,
                amount=amounts[goal](),
                cluster=dice.choice(["256x h100", "8x a100", "1024x b200", "64 tpu-v5p", "3x h100"]),
                law=dice.choice(["besiroglu-2024", "hoffmann-2022", "kaplan-2020", ""]),
                tokens_available=sometimes("20B", "300B", "5T"),
                inference_tokens=sometimes("2T", "100B"),
                params=dice.choice(["1B", "7e9", "70B"]) if fixed < 0.1 else "",
                tokens=dice.choice(["1T", "200B"]) if fixed > 0.9 else "",
                mfu=sometimes("40 %", "0.35"),
                goodput=sometimes("90 %"),
                price=sometimes("2.50", "$4", "spot"),
                when=sometimes("2025-06", "2026-07"),
            )
        )
    return found


def library(inputs: Inputs) -> Plan:
    """The plan as someone would ask the library for it."""
    asked = asdict(inputs)
    given = {name: asked[name] for name in ("tokens_available", "inference_tokens", "params", "tokens") if asked[name]}
    used = {name: asked[name] for name in ("mfu", "goodput", "price", "when") if asked[name]}
    return plan(
        **{inputs.goal: inputs.amount},
        **given,
        law=inputs.law or "besiroglu-2024",
        cluster=Cluster.parse(inputs.cluster).at(**used),
    )


def command(inputs: Inputs) -> list[str]:
    said = {**inputs.keywords, **inputs.hardware, "cluster": inputs.cluster, "law": inputs.law or "besiroglu-2024"}
    return [word for name, text in said.items() for word in (f"--{name.replace('_', '-')}", text)]


def the_same(said: object, found: Plan) -> bool:
    """Whether every number of the plan is said, to a billionth: in a dictionary of rows, or by another plan."""
    for name in NUMBERS:
        meant = getattr(found, name)
        told = said.get(name) if isinstance(said, dict) else getattr(said, name)
        value = told["value"] if isinstance(told, dict) else told
        if (meant is None) != (value is None) or (
            meant is not None and value != pytest.approx(float(meant), rel=CLOSE)
        ):
            return False
    return True


@pytest.fixture(scope="module")
def app() -> AppTest:
    return AppTest.from_file(str(PAGE), default_timeout=60).run()


def plain(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


@pytest.fixture(scope="module")
def planned() -> list[tuple[Inputs, Plan | PlannerError]]:
    def asked(inputs: Inputs) -> Plan | PlannerError:
        try:
            return library(inputs)
        except PlannerError as error:
            return error

    return [(inputs, asked(inputs)) for inputs in states()]


def test_most_random_states_can_be_planned(planned: list[tuple[Inputs, Plan | PlannerError]]) -> None:
    assert sum(isinstance(found, Plan) for _, found in planned) > 0.6 * STATES


def test_the_screen_shows_the_numbers_of_the_library(
    app: AppTest, planned: list[tuple[Inputs, Plan | PlannerError]]
) -> None:
    for inputs, found in planned:
        app.query_params.clear()
        for name, text in address_of(inputs).items():
            app.query_params[name] = text
        app.run()
        assert not app.exception
        if isinstance(found, PlannerError):
            assert app.error
            assert not app.metric
            continue
        rows = {row.key: row for sheet in (cost(found), found) for row in sheet.rows()}
        shown = {metric.label: (plain(metric.value), plain(metric.delta)) for metric in app.metric}
        for key in set(HEADLINES) & set(rows):
            value, spread = shown[rows[key].label]
            assert value == rows[key].text
            assert rows[key].range_text.strip() in spread


def test_the_command_line_says_the_same(planned: list[tuple[Inputs, Plan | PlannerError]]) -> None:
    for inputs, found in planned:
        said = CliRunner().invoke(main, ["plan", *command(inputs), "--json"])
        if isinstance(found, PlannerError):
            assert said.exit_code in (1, 2)
        else:
            assert the_same(json.loads(said.output), found)


def test_script_notebook_and_json_say_the_same(planned: list[tuple[Inputs, Plan | PlannerError]]) -> None:
    for inputs, found in planned:
        if isinstance(found, PlannerError):
            continue
        bill = cost(found)
        cells = [cell["source"] for cell in json.loads(notebook(inputs))["cells"] if cell["cell_type"] == "code"]
        for source in (script(inputs), "\n".join(cells)):
            made: dict[str, Any] = {"print": lambda _: None}
            exec(source, made)
            assert the_same(made["chosen"], found)
            assert float(made["bill"].flops) == pytest.approx(float(bill.flops), rel=CLOSE)
        record = json.loads(answer_json(inputs, found, bill))
        assert the_same(record["plan"], found)
        assert opened(record["inputs"]).inputs == inputs
        assert "params" in answer_csv(found, bill)


def test_the_report_says_the_same(
    planned: list[tuple[Inputs, Plan | PlannerError]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("offline_html", "on_page"):
        monkeypatch.setattr(pages, name, lambda *_, **__: "")
    for sheet in (Plan, Cost):
        monkeypatch.setattr(sheet, "figure", lambda self: None)
    for _, found in planned:
        if isinstance(found, Plan):
            page = unescape(report(found, cost=cost(found)).to_html())
            call = re.findall(r"<code>(plan\(.*?\))</code>", page)[0]
            assert the_same(eval(call, {"plan": plan, "Cluster": Cluster, "Estimate": Estimate}), found)
            assert all(row.text in page for row in found.rows())


@cache
def own() -> Fit:
    return fit("cpu-python-stdlib", draws=50)


def with_own_law() -> AppTest:
    """The app after Calibrate said to use a law of one's own."""

    def script() -> None:
        from tests_own_law import own

        from planner.ui.page import show
        from planner.ui.sharing import use_law

        use_law(own())
        show()

    import sys
    from types import ModuleType

    holder = ModuleType("tests_own_law")
    holder.own = own  # type: ignore[attr-defined]
    sys.modules["tests_own_law"] = holder
    return AppTest.from_function(script, default_timeout=60)


def test_a_law_of_ones_own_is_used_and_the_address_says_so() -> None:
    app = with_own_law()
    app.query_params["budget_flops"] = "1e16"
    app.run()
    app.run()
    assert not app.exception
    assert app.query_params["law"] == OWN_LAW
    found = plan(budget_flops="1e16", law=own(), cluster="256x h100")
    assert found.title[1:] in plain(app.header[0].value)


def test_a_link_to_a_law_of_someone_elses_own_is_told() -> None:
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.query_params["law"] = OWN_LAW
    app.run()
    assert "no part of a link" in plain(app.error[0].value)


def test_a_script_under_a_law_of_ones_own_loads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own().save("law.json")
    made: dict[str, Any] = {"print": lambda _: None}
    exec(script(Inputs(goal="budget_flops", amount="1e16", law=OWN_LAW)), made)
    assert made["chosen"].calibration.name == own().calibration.name


@pytest.mark.parametrize(("law", "holds"), [(OWN_LAW, True), ("hoffmann-2022", False)])
def test_the_report_holds_the_fit_that_its_plan_follows(law: str, holds: bool) -> None:
    inputs = Inputs(goal="budget_flops", amount="1e16", law=law)
    found = inputs.plan(own())
    headings = [it.text for it in report_of(inputs, found, cost(found), own()).blocks() if isinstance(it, Heading)]
    assert ("The law and its runs" in headings) is holds


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-x", "@SUM(A1)"])
def test_no_cell_of_a_download_is_a_formula(cell: str) -> None:
    import pandas as pd

    from planner.ui.spreadsheets import csv_of

    written = csv_of(pd.DataFrame({"name": [cell], "note": [cell]}))
    assert f"'{cell}" in written.splitlines()[1]
    assert not written.splitlines()[1].startswith(cell)
