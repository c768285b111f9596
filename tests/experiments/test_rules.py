from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from experiments.rules import (
    BEYOND,
    FACTORS,
    FEWEST_WARMUP,
    LEARNING_RATE,
    MOST_WARMUP,
    TOLERATED,
    Recipe,
    RuleCheck,
    Trial,
    check_rule,
    recipe,
)
from experiments.train import train

if TYPE_CHECKING:
    from pathlib import Path

    from experiments.config import Sweep
    from experiments.corpus import Corpus

STEPS = 40


@pytest.fixture(scope="module")
def found(tiny: Sweep, corpus: Corpus) -> RuleCheck:
    """The check of the tiny sweep at its own rate."""
    return check_rule(tiny, corpus, steps=STEPS)


def at_rate(sweep: Sweep, rate: float) -> Sweep:
    return replace(sweep, sizes=tuple(replace(size, learning_rate=rate) for size in sweep.sizes))


@pytest.mark.parametrize("tokens", [2e5, 1e7, 1e9, 1e11])
def test_the_batch_is_that_of_step_law_in_whole_windows(tokens: float) -> None:
    wanted = 0.58 * tokens**0.571
    assert 0 <= wanted - recipe([tokens], 64).batch * 64 < 64


def test_the_batch_of_a_trunk_is_right_for_its_shortest_run() -> None:
    assert recipe([4e6, 1e6, 2e6], 128) == recipe([1e6], 128) != recipe([4e6], 128)


def test_a_batch_holds_at_least_one_window() -> None:
    assert recipe([1000], 4096).batch == 1


def test_the_rate_is_the_same_for_all_and_the_warm_up_a_small_share_of_the_steps() -> None:
    assert recipe([2e5], 128) == Recipe(batch=4, learning_rate=LEARNING_RATE, warmup_steps=16)
    assert recipe([1e4], 128).warmup_steps == FEWEST_WARMUP
    assert recipe([1e12], 4096).warmup_steps == MOST_WARMUP


def test_the_smallest_and_the_middle_size_are_tried_at_half_their_rate_at_it_and_at_twice(
    found: RuleCheck, tiny: Sweep
) -> None:
    assert [trial.shape.label for trial in found.trials] == ["1x16", "2x16"]
    for trial in found.trials:
        assert trial.losses.keys() == FACTORS.keys()
        assert trial.learning_rate == tiny.sizes[0].learning_rate
        assert len(set(trial.losses.values())) == len(FACTORS)


def test_the_losses_are_those_of_runs_so_short(found: RuleCheck, tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    config = tiny.configs(corpus.vocabulary)[0]
    short = replace(config, tokens=STEPS * config.tokens_per_step)
    twice = replace(short, learning_rate=2 * config.learning_rate)
    assert found.trials[0].losses["own"] == train(short, corpus, tmp_path / "own").loss
    assert found.trials[0].losses["twice"] == train(twice, corpus, tmp_path / "twice").loss


def test_a_rate_far_too_low_is_found_and_the_better_one_named(tiny: Sweep, corpus: Corpus) -> None:
    check = check_rule(at_rate(tiny, 0.001), corpus, steps=STEPS)
    assert all(trial.excess > TOLERATED and trial.best_rate == 0.002 for trial in check.trials)
    assert all(finding.title.startswith("0.00200 is a better learning rate") for finding in check.findings)


def test_a_rate_at_which_runs_diverge_is_infinitely_worse(tiny: Sweep, corpus: Corpus) -> None:
    check = check_rule(at_rate(tiny, math.inf), corpus, steps=STEPS)
    assert [trial.excess for trial in check.trials] == [math.inf, math.inf]
    assert [finding.title for finding in check.findings] == ["1x16 diverges.", "2x16 diverges."]


def test_a_rate_within_what_one_seed_can_tell_is_no_finding(found: RuleCheck) -> None:
    def check(own: float) -> RuleCheck:
        losses = {"half": 2.0, "own": own, "twice": 2.1}
        return replace(found, trials=(Trial(shape=found.trials[0].shape, learning_rate=0.02, losses=losses),))

    assert check(1.9).trials[0].excess == 0
    assert check(2.0 * (1 + TOLERATED / 2)).findings == ()
    (finding,) = check(2.0 * (1 + 2 * TOLERATED)).findings
    assert finding.title == "0.0100 is a better learning rate for 1x16."
    assert BEYOND in finding.because


def test_where_the_best_rate_is_the_last_one_tried_a_better_one_may_lie_beyond(found: RuleCheck) -> None:
    for half, own, twice, edge in ((1.9, 2.0, 2.1, True), (2.1, 2.0, 1.9, True), (2.1, 2.0, 2.1, False)):
        losses = {"half": half, "own": own, "twice": twice}
        trial = replace(found.trials[0], losses=losses)
        assert trial.is_at_edge == edge
        notes = [row.note for row in replace(found, trials=(trial,)).rows() if row.key.startswith("excess")]
        assert notes == [BEYOND if edge else ""]
    lost = replace(found.trials[0], losses=dict.fromkeys(FACTORS, math.inf))
    assert not lost.is_at_edge


def test_the_check_shows_a_loss_for_every_rate_and_what_the_rule_costs(found: RuleCheck) -> None:
    rows = {row.key: row.value for row in found.rows()}
    assert rows["loss_1x16_half"] == found.trials[0].losses["half"]
    assert rows["excess_2x16"] == found.trials[1].excess
    assert "1x16 at 0.01" in str(found)
