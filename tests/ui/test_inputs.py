"""Inputs and the address of the page: what a link says is what the page asks."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import plan
from planner.errors import InputError
from planner.ui.inputs import (
    EXAMPLES,
    GOALS,
    LONGEST,
    Inputs,
    Scenario,
    address_of,
    choices,
    distinct,
    names,
    on_the_page,
    opened,
    packed,
    price_month,
    unpacked,
)

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40).map(str.strip)


@given(goal=st.sampled_from(list(GOALS)), amount=TEXT, cluster=TEXT, law=TEXT, price=TEXT, goodput=TEXT)
def test_the_address_makes_the_same_inputs_again(goal: str, **texts: str) -> None:
    inputs = Inputs(goal=goal, **texts)
    found = opened(address_of(inputs))
    assert found.inputs == inputs
    assert not found.notes


@given(name=TEXT.filter(bool), amount=TEXT, cluster=TEXT)
def test_a_scenario_is_the_same_after_it_was_packed(name: str, amount: str, cluster: str) -> None:
    scenario = Scenario(name, Inputs(amount=amount, cluster=cluster))
    assert unpacked(packed(scenario)) == (scenario, ())


def test_the_address_writes_every_input_also_the_defaults() -> None:
    address = address_of(Inputs())
    assert address["v"] == "2"
    assert address["prices"] == price_month()
    assert address["budget_usd"] == "$2M"
    assert set(names()[2:]) < set(address)


def test_the_empty_address_is_the_default_page() -> None:
    assert opened({}).inputs == Inputs()


def test_the_plan_of_the_page_is_that_of_the_library() -> None:
    assert float(Inputs().plan().loss) == float(plan(budget_usd="$2M", cluster="256x h100").loss)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_can_be_planned(name: str) -> None:
    assert EXAMPLES[name].plan().title


@pytest.mark.parametrize("goal", GOALS)
def test_the_example_amount_of_every_goal_can_be_planned(goal: str) -> None:
    assert replace(Inputs(), goal=goal, amount=GOALS[goal].example).plan().title


@pytest.mark.parametrize("name", ["law", "target_model", "price"])
def test_inputs_with_known_answers_offer_them(name: str) -> None:
    assert choices(name)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"v": "7"}, "another version"),
        ({"v": ""}, "another version"),
        ({"budget_usd": "1M", "days": "3"}, "two goals"),
        ({"cluster": "x" * 500}, "longer than"),
    ],
)
def test_an_address_that_means_nothing_certain_is_refused(address: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        opened(address)
    assert caught.value.mend


V1 = {
    "v": "1", "days": "30 days", "cluster": "64x a100", "law": "hoffmann-2022", "tokens_available": "300B",
    "inference_tokens": "", "params": "", "tokens": "", "utilisation": "35 %", "price": "spot", "when": "",
    "task": "qa", "knowledge": "public", "unlabeled_tokens": "", "weeks": "20",
}  # fmt: skip


def test_a_link_of_the_first_version_keeps_all_it_said() -> None:
    found = opened(V1)
    assert found.inputs == Inputs(
        goal="days", amount="30 days", cluster="64x a100", law="hoffmann-2022", tokens_available="300B",
        utilisation="35 %", price="spot", task="qa", knowledge="public", weeks="20",
    )  # fmt: skip
    assert any("earlier version" in note for note in found.notes)


def test_a_link_from_before_the_newest_prices_keeps_its_own() -> None:
    found = opened({**address_of(Inputs()), "prices": "2024-01"})
    assert found.inputs.when == "2024-01"
    assert any("2024-01" in note for note in found.notes)


def test_a_month_that_was_asked_for_is_not_overruled() -> None:
    assert opened({**address_of(Inputs(when="2025-03")), "prices": "2024-01"}).inputs.when == "2025-03"


def test_names_that_the_page_does_not_ask_for_are_told() -> None:
    (note,) = opened({"v": "2", "budget_usd": "1M", "budgit": "5M"}).notes
    assert note.endswith("budgit")


@pytest.mark.parametrize("text", ["", "nonsense", "https://example.org/", "?cluster=8x+h100"])
def test_text_that_is_no_link_to_a_plan_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no link to a plan") as caught:
        unpacked(text)
    assert caught.value.mend


def test_a_pasted_link_is_named_after_its_budget() -> None:
    scenario, _ = unpacked("https://planner.example.org/?v=2&budget_usd=5M&cluster=64x+a100")
    assert scenario.name == "5M on 64x a100"
    assert scenario.inputs == Inputs(amount="5M", cluster="64x a100")


def test_scenarios_have_names_of_their_own() -> None:
    same = Scenario("plan", Inputs())
    assert [it.name for it in distinct([same, same, same])] == ["plan", "plan (2)", "plan (3)"]
    assert distinct([Scenario("", Inputs())])[0].name == "$2M on 256x h100"
    assert len(distinct([Scenario("x" * LONGEST, Inputs())] * 2)[1].name) <= LONGEST + 4


def test_a_law_of_ones_own_is_no_part_of_a_link() -> None:
    with pytest.raises(InputError, match="no part of a link") as caught:
        Inputs(law="own").plan()
    assert "Calibrate" in str(caught.value.mend)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("budget_usd: 'x' is not understood.", "Budget: 'x' is not understood."),
        ("Write GPU-hours as budget_gpu_hours.", "Write GPU-hours as Accelerator time."),
        ("Give price=... in US dollars, for example price=2.50.", "Give Price in US dollars, for example 2.50."),
        ("Give tokens_available in tokens, for example 1.4T.", "Give Tokens available in tokens, for example 1.4T."),
        ("Allow more tokens, or change the law: 'budget_usd'.", "Allow more tokens, or change the law: 'budget_usd'."),
    ],
)
def test_errors_name_the_boxes_of_the_page(said: str, shown: str) -> None:
    assert on_the_page(said) == shown
