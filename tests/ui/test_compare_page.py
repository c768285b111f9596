"""The Compare page as its user meets it: nothing, several and broken scenarios, and the address that holds them."""

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from planner.planning import Plan
from planner.ui.comparing import ahead, answers_of, differing, numbers, table_of
from planner.ui.drawing import side_by_side
from planner.ui.inputs import EXAMPLES, Inputs, Scenario, address_of, packed

PAGE = Path(__file__).resolve().parents[2] / "planner" / "ui" / "script.py"
SMALL, LARGE = Scenario("Small", Inputs(amount="$1M")), Scenario("Large", Inputs(amount="$50M"))


def opened(*scenarios: Scenario) -> AppTest:
    """The page after it was opened at the address of these scenarios."""
    return opened_at([packed(scenario) for scenario in scenarios])


def opened_at(texts: list[str]) -> AppTest:
    app = AppTest.from_function(_compare, default_timeout=60)
    if texts:
        app.query_params["s"] = texts
    return app.run()


def _compare() -> None:
    from planner.ui.compare_page import show

    show()


def plain(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


def tables(app: AppTest) -> list[str]:
    return [plain(table.value.to_string()) for table in app.table]


def names(app: AppTest) -> list[str]:
    return [box.value for box in app.text_input if box.label.startswith("Name of scenario")]


def test_an_empty_page_says_how_to_fill_it() -> None:
    app = opened()
    assert not app.exception
    assert "Nothing to compare yet" in app.info[0].value
    app.pills(key="added_example").set_value(next(iter(EXAMPLES))).run()
    assert names(app) == [next(iter(EXAMPLES))]
    assert "One scenario only" in app.info[0].value


def test_what_differs_stands_first_and_nothing_else_does() -> None:
    differs, follows = tables(opened(SMALL, LARGE))
    assert "$1M" in differs
    assert "$50M" in differs
    assert "256x h100" not in differs
    assert "Expected loss" in follows
    for scenario in (SMALL, LARGE):
        found = scenario.inputs.plan()
        assert next(row.text for row in found.rows() if row.key == "loss") in follows


def test_different_goals_differ() -> None:
    timed = Scenario("Timed", Inputs(goal="days", amount="30 days", cluster="64x a100"))
    assert differing([SMALL, timed]) == {
        "Goal": ["Budget: $1M", "Time: 30 days"],
        "Cluster": ["256x h100", "64x a100"],
    }


def test_the_same_inputs_are_told() -> None:
    app = opened(SMALL, Scenario("Again", SMALL.inputs))
    assert any("the same inputs" in info.value for info in app.info)


def test_who_is_ahead_is_said_with_how_sure_that_is() -> None:
    answers, failed = answers_of([SMALL, LARGE], None)
    assert not failed
    loss, bill, days = ahead(answers)
    assert loss.startswith("Large has the lowest expected loss")
    assert loss.endswith("% of the draws of their law, prices and utilisation taken as known.")
    assert bill.startswith("Small has the lowest whole bill")
    assert "in doubt" in bill
    assert days.startswith("Small has the shortest run")
    other = Scenario("Other", Inputs(amount="$2M", law="hoffmann-2022", price="2.50"))
    loss, bill, *_ = ahead(answers_of([SMALL, other], None)[0])
    assert loss.endswith("under different laws.")
    assert bill.endswith("at other prices.")


def test_equal_answers_have_no_leader() -> None:
    assert ahead(answers_of([SMALL, Scenario("Again", SMALL.inputs)], None)[0]) == []


def test_an_address_makes_the_same_comparison_again() -> None:
    first = opened(SMALL, LARGE)
    again = opened_at(first.query_params["s"])
    assert tables(again) == tables(first)
    assert names(again) == ["Small", "Large"]


def test_a_scenario_can_be_renamed_and_removed() -> None:
    app = opened(SMALL, LARGE)
    app.text_input(key="name_of_0").set_value("Tiny").run()
    assert names(app) == ["Tiny", "Large"]
    assert dict(parse_qsl(app.query_params["s"][0]))["name"] == "Tiny"
    app.button(key="remove_0").click().run()
    assert names(app) == ["Large"]
    app.button(key="remove_0").click().run()
    assert "Nothing to compare yet" in app.info[0].value
    assert "s" not in app.query_params


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [("Large", "Large (2)"), ("", "$1M on 256x h100"), ("  ", "$1M on 256x h100"), ("Small ", "Small")],
)
def test_a_name_that_is_taken_or_empty_gets_another(typed: str, becomes: str) -> None:
    app = opened(LARGE, SMALL)
    for _ in range(2):
        app.text_input(key="name_of_1").set_value(typed).run()
        assert not app.exception
        assert names(app) == ["Large", becomes]


def test_a_broken_scenario_is_told_and_the_others_stand() -> None:
    app = opened(SMALL, Scenario("Broken", Inputs(cluster="256x h10O")), LARGE)
    assert not app.exception
    assert "No accelerator is called 'h10O'" in plain(app.error[0].value)
    assert plain(app.header[0].value) == "Broken"
    assert "Large" in tables(app)[1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nonsense", "no link to a plan"),
        ("v=9&budget_usd=1M", "another version"),
        ("v=2&budget_usd=1M&days=3", "two goals"),
    ],
)
def test_a_bad_link_is_told_with_its_mend(text: str, problem: str) -> None:
    pasted = opened(SMALL)
    pasted.text_input(key="pasted_link").set_value(text).run()
    addressed = opened_at([text])
    for app in (pasted, addressed):
        assert not app.exception
        assert problem in plain(app.error[0].value)
        assert app.info
    assert names(pasted) == ["Small"]


def test_a_pasted_link_is_added() -> None:
    app = opened(SMALL)
    link = "&".join(f"{name}={text}" for name, text in address_of(LARGE.inputs).items())
    app.text_input(key="pasted_link").set_value(f"https://planner.example.org/?{link}").run()
    assert names(app) == ["Small", "$50M on 256x h100"]


def test_at_most_four_stand_side_by_side() -> None:
    app = opened(*(Scenario(f"{number}", Inputs(amount=f"${number}M")) for number in range(1, 8)))
    assert names(app) == ["1", "2", "3", "4"]
    assert not [box for box in app.text_input if box.key == "pasted_link"]


def test_names_are_never_markdown() -> None:
    hostile = "![x](http://evil.example/p.png)"
    app = opened(Scenario(hostile, SMALL.inputs), Scenario("<script>", Inputs(cluster=hostile)))
    assert not app.exception
    shown = [element.value for element in (*app.markdown, *app.error, *app.header, *app.info)]
    shown += [text for table in app.table for text in [*table.value.columns, *map(str, table.value.to_numpy().ravel())]]
    assert any("evil" in text for text in shown)
    for text in shown:
        assert not re.search(r"(?<!\\)[\[\]<>`!]", text)


def test_every_number_can_be_drawn() -> None:
    answers, _ = answers_of([SMALL, LARGE], None)
    table = numbers(answers)
    assert len(table) == 9
    for rows in table.values():
        spec = side_by_side(["Small", "Large"], rows)
        assert [point["name"] for point in spec["layer"][0]["data"]["values"]] == ["Small", "Large"]


def test_the_downloaded_table_has_every_scenario() -> None:
    answers, _ = answers_of([SMALL, LARGE], None)
    table = table_of(answers)
    for scenario in (SMALL, LARGE):
        found: Plan = scenario.inputs.plan()
        assert table.loc[(scenario.name, "plan", "params"), "value"] == float(found.params)
