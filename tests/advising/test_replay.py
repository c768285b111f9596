"""The replay of one famous decision, and the break-evens behind it."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from planner.advising import UseCase, advise, replay
from planner.advising.breakeven import break_evens
from planner.errors import InputError
from planner.hardware import Cluster
from planner.units import show, show_range

TODAY = "2026-11-20"
REPLAY = {
    "2022-06-01": (1.9e6, 5.8e6),
    "2023-07-01": (4e6, 1.3e7),
    "2024-10-15": (1.5e7, 6e7),
    TODAY: (2.5e7, 1.05e8),
}
"""Where the break-even of the programme should lie; about $2.6M, $6.8M, $29M and $55M were reckoned independently."""


@pytest.fixture(scope="module")
def replayed(bloomberg, contract):
    return replay(bloomberg, REPLAY, cluster=contract)


def test_the_replay_finds_break_even_budgets_that_grow_with_the_free_models(replayed):
    found = [moment.advice.break_even[0].programme_usd for moment in replayed.moments]
    for usd, (low, high) in zip(found, REPLAY.values(), strict=True):
        assert low <= usd <= high
        assert usd.low < usd < usd.high
    assert all(later > 1.5 * earlier for earlier, later in pairwise(found))


def test_the_replay_moves_from_defensible_to_no(replayed):
    answers = [moment.verdict for moment in replayed.moments]
    assert answers[0].startswith(("yes", "defensible"))
    assert answers[2:] == ["no", "no"]
    text = str(replayed)
    assert all(day in text for day in REPLAY)
    assert "GPT-NeoX-20B" in text
    assert replayed.to_dict()["moments"][0]["as_of"] == "2022-06-01"


def test_scratch_and_adaptation_were_a_near_tie_in_2022(replayed):
    """2.010 against 2.022 nats per token were reckoned independently."""
    assert replayed.moments[0].scratch_loss == pytest.approx(2.010, abs=0.003)
    assert replayed.moments[0].adapted_loss == pytest.approx(2.022, abs=0.003)


def test_the_figure_of_the_replay_shows_every_date_and_the_budget(replayed):
    from xml.etree import ElementTree

    figure = replayed.to_svg()
    words = " ".join(
        text.text or "" for text in ElementTree.fromstring(figure).iter("{http://www.w3.org/2000/svg}text")
    )
    assert all(day in words for day in REPLAY)
    assert "budget $3.30M" in words
    assert len(figure) < 10_000


def test_a_replay_needs_dates_and_something_to_beat(bloomberg):
    with pytest.raises(InputError, match="no dates"):
        replay(bloomberg, [])
    with pytest.raises(InputError, match="no open language model"):
        replay(replace(bloomberg, provenance="own_data"), [TODAY])
    with pytest.raises(InputError, match="before the first open model"):
        replay(bloomberg, ["2019-01-01"])


def test_pretraining_was_defensible_in_2022_and_is_not_today(bloomberg, contract):
    assert advise(bloomberg, cluster=contract).headline == "pretrain"
    assert advise(bloomberg).headline in {"pretrain", "cpt"}
    assert advise(bloomberg).close_call
    today = advise(bloomberg, as_of=TODAY)
    assert "pretrain" not in today.components
    assert "pretrain_not_advised" in today.flags
    assert today.break_even[0].programme_usd > 3 * bloomberg.budget_usd


def test_matching_llama_3_1_8b_costs_what_was_reckoned(contract):
    """$1.45M at its own size, $0.26M at any size, at $2.50 an hour and 35 % utilisation."""
    advice = advise(UseCase(n_serve_max=8.03e9, as_of="2024-08-01"), cluster=contract)
    equal, free = advice.break_even
    assert equal.base == "Llama-3.1-8B"
    assert equal.usd == pytest.approx(1.45e6, rel=0.02)
    assert free.usd == pytest.approx(0.26e6, rel=0.05)


def test_a_break_even_names_the_model_that_its_money_buys(contract):
    equal, free = advise(UseCase(n_serve_max=8.03e9, as_of="2024-08-01"), cluster=contract).break_even
    assert equal.params <= 8.03e9 * 1.001
    assert free.params > 2 * equal.params
    for found in (equal, free):
        assert 6 * found.params * found.tokens == pytest.approx(found.flops, rel=1e-9)
        assert found.usd < found.programme_usd
        assert found.programme_usd.low < found.programme_usd < found.programme_usd.high


def test_no_budget_suffices_for_a_model_far_smaller_than_the_base(assess):
    found = assess(UseCase(n_serve_max=9e9, as_of=TODAY))
    capped = replace(found.landscape, serve_params=1e8)
    assert capped.equal_break_even[0] == float("inf")
    (equal, free) = break_evens(replace(found, known_landscape=capped))
    assert (equal.status, equal.usd) == ("never", None)
    assert free.status == "above_budget"
    assert "no budget suffices" in str(equal)


def test_both_conditions_of_pretraining_are_said(bloomberg):
    advice = advise(UseCase(task="general", budget_usd=1e9, weeks=100, team="infra", as_of=TODAY))
    assert advice.break_even[0].own_tokens > 0
    assert all("of your own text" in str(break_even) for break_even in advice.break_even)
    (flip,) = [flip for flip in advice.flips if flip.field == "unlabeled_tokens"]
    assert flip.becomes == "pretrain"
    assert flip.at >= advice.break_even[0].own_tokens * 0.9
    assert advise(bloomberg, as_of=TODAY).break_even[0].own_tokens == 0


def test_the_table_of_the_docs_is_what_the_replay_gives(bloomberg):
    docs = (Path(__file__).parents[2] / "docs" / "advice.md").read_text("utf-8")
    cluster = Cluster.parse("256x h100").at(price=2.5, utilisation=0.35)
    for moment in replay(bloomberg, REPLAY, cluster=cluster).moments:
        equal = moment.advice.break_even[0]
        (row,) = [line for line in docs.splitlines() if line.startswith(f"| {moment.when} |")]
        assert f"| {show(equal.programme_usd, 'usd')} |" in row
        assert f"| {show_range(equal.programme_usd.low, equal.programme_usd.high, 'usd')} |" in row
        assert equal.base in row
        assert row.endswith(f"| {moment.verdict} |")
