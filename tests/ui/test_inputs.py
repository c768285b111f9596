"""Inputs and the address of the page: what a link says is what the page asks."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import plan
from planner.errors import InputError
from planner.ui.inputs import EXAMPLES, GOALS, Inputs, choices, on_the_page, unknown_names

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40).map(str.strip)


@given(goal=st.sampled_from(list(GOALS)), amount=TEXT, cluster=TEXT, law=TEXT, price=TEXT)
def test_the_address_makes_the_same_inputs_again(goal: str, amount: str, cluster: str, law: str, price: str) -> None:
    inputs = Inputs(goal=goal, amount=amount, cluster=cluster, law=law, price=price)
    assert Inputs.of_address(inputs.address()) == inputs


def test_the_address_writes_every_input_also_the_defaults() -> None:
    address = Inputs().address()
    assert address["v"] == "1"
    assert address["budget_usd"] == "$2M"
    assert {"cluster", "law", "price", "when", "utilisation", "tokens_available"} < set(address)


def test_the_empty_address_is_the_default_page() -> None:
    assert Inputs.of_address({}) == Inputs()


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
        ({"budget_usd": "1M", "days": "3"}, "two goals"),
        ({"cluster": "x" * 500}, "longer than"),
    ],
)
def test_an_address_that_means_nothing_certain_is_refused(address: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        Inputs.of_address(address)
    assert caught.value.mend


def test_names_that_the_page_does_not_ask_for_are_told() -> None:
    assert unknown_names({"v": "1", "budget_usd": "1M", "budgit": "5M"}) == ["budgit"]


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
