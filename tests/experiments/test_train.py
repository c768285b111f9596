from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from experiments.config import Config, chains
from experiments.model import Decoder
from experiments.train import Diverged, Pupil, train

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from experiments.config import Sweep
    from experiments.corpus import Corpus
    from experiments.ledger import Record


def result(record: Record) -> dict[str, object]:
    """The record without what depends on the clock and on where training began."""
    return {name: value for name, value in asdict(record).items() if name not in {"seconds", "as_of", "tokens_done"}}


def test_training_lowers_the_loss(config: Config, corpus: Corpus, tmp_path: Path) -> None:
    short = train(replace(config, tokens=2048), corpus, tmp_path / "a")
    long = train(replace(config, tokens=65536), corpus, tmp_path / "b")
    assert long.loss is not None
    assert short.loss is not None
    assert long.loss < 0.7 * short.loss < math.log(256)


def test_the_record_says_what_was_done(config: Config, corpus: Corpus, tmp_path: Path) -> None:
    record = train(config, corpus, tmp_path)
    assert record.status == "ok"
    assert record.tokens == record.tokens_done == record.unique_tokens == 8192
    assert record.flops == 6 * record.params * record.tokens
    assert record.bits_per_byte == pytest.approx((record.loss or 0) / math.log(2))
    assert 0 < (record.loss_error or 0) < 0.1 * (record.loss or 0)
    assert record.run == config.identity(corpus.fingerprint)


def test_the_loss_is_the_mean_over_windows_and_its_error_the_noise_of_so_few(
    config: Config, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pupil, "examine", lambda *_: np.array([1.0, 2.0, 3.0, 4.0]))
    record = train(config, corpus, tmp_path)
    assert record.loss == 2.5
    assert record.loss_error == pytest.approx((1.25 / 4) ** 0.5)
    assert record.bits_per_byte == pytest.approx(2.5 / math.log(2) / corpus.bytes_per_token)


def test_a_lack_of_memory_changes_how_a_run_is_done_but_not_what_it_learns(
    config: Config, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, within, asked = train(config, corpus, tmp_path / "a"), Decoder.losses, list[int]()

    def losses(model: Decoder, windows: Tensor) -> Tensor:
        asked.append(len(windows))
        if len(windows) > 1:
            raise MemoryError
        return within(model, windows)

    monkeypatch.setattr(Decoder, "losses", losses)
    record = train(config, corpus, tmp_path / "b")
    assert record.status == "ok"
    assert record.loss == pytest.approx(whole.loss, rel=1e-3)
    learning = config.batch * config.steps + config.evaluation_windows
    assert asked.count(1) == learning
    assert len(asked) < learning + 20


def test_the_same_configuration_and_seed_give_the_same_record_bit_for_bit(
    config: Config, corpus: Corpus, tmp_path: Path
) -> None:
    first, second = (train(config, corpus, tmp_path / name) for name in "ab")
    assert result(first) == result(second)
    other = train(replace(config, seed=1), corpus, tmp_path / "c")
    assert other.loss != first.loss
    assert other.run != first.run


def test_a_branch_of_a_kept_trunk_equals_a_run_of_its_own(config: Config, corpus: Corpus, tmp_path: Path) -> None:
    train(config, corpus, tmp_path / "shared")
    longer = replace(config, tokens=16384)
    branch = train(longer, corpus, tmp_path / "shared")
    alone = train(longer, corpus, tmp_path / "alone")
    assert result(branch) == result(alone)
    assert branch.tokens_done == alone.tokens_done - config.branch_step * config.tokens_per_step


def test_a_run_that_is_stopped_and_taken_up_again_equals_an_undisturbed_one(
    config: Config, corpus: Corpus, tmp_path: Path
) -> None:
    undisturbed = train(config, corpus, tmp_path / "a")
    steps = iter(range(config.branch_step + 3))

    def end(*_: float) -> None:
        next(steps)

    with pytest.raises(StopIteration):
        train(config, corpus, tmp_path / "b", tick=end)
    resumed = train(config, corpus, tmp_path / "b")
    assert resumed.tokens_done < undisturbed.tokens_done
    assert result(resumed) == result(undisturbed)


def test_repeated_text_is_counted_once(config: Config, corpus: Corpus, tmp_path: Path) -> None:
    record = train(replace(config, tokens=65536), corpus, tmp_path)
    assert record.tokens == 65536
    assert 0 < corpus.train_bytes - record.unique_tokens <= config.shape.context


def test_a_loss_that_is_no_number_ends_the_run(config: Config, corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="at step"):
        train(replace(config, learning_rate=math.inf), corpus, tmp_path)


@pytest.mark.parametrize("rate", [10.0, 1e9])
def test_a_model_no_better_than_guessing_has_diverged(
    config: Config, corpus: Corpus, tmp_path: Path, rate: float
) -> None:
    with pytest.raises(Diverged, match=r"no better than guessing, which costs 5\.545 nats/token"):
        train(replace(config, learning_rate=rate), corpus, tmp_path)


def test_the_rate_warms_up_stays_and_falls_to_almost_nothing(config: Config) -> None:
    rates = [config.rate(step) for step in range(config.steps)]
    assert rates[0] == pytest.approx(config.learning_rate / config.warmup_steps)
    assert set(rates[config.warmup_steps : config.branch_step]) == {config.learning_rate}
    decay = rates[config.branch_step :]
    assert len(decay) == round(config.decay_share * config.steps)
    assert decay == sorted(decay, reverse=True)
    assert 0 < decay[-1] < 0.05 * config.learning_rate


def test_the_identity_depends_on_configuration_and_corpus(config: Config) -> None:
    names = {
        config.identity("one"),
        config.identity("other"),
        replace(config, tokens=16384).identity("one"),
        replace(config, seed=1).identity("one"),
        replace(config, learning_rate=0.1).identity("one"),
    }
    assert len(names) == 5
    assert config.identity("one") == replace(config).identity("one")


def test_runs_share_a_trunk_only_where_their_first_steps_are_the_same(config: Config) -> None:
    trunk = config.trunk("text")
    assert replace(config, tokens=16384, evaluation_windows=8).trunk("text") == trunk
    assert replace(config, seed=1).trunk("text") != trunk
    assert replace(config, batch=8).trunk("text") != trunk
    assert config.trunk("other text") != trunk


def test_chains_cover_every_run_once_and_skip_the_steps_of_the_trunk(tiny: Sweep) -> None:
    legs = [leg for chain in chains(tiny, 256) for leg in chain]
    assert sorted(leg.config.identity("") for leg in legs) == sorted(
        config.identity("") for config in tiny.configs(256)
    )
    for chain in chains(tiny, 256):
        assert [leg.config.tokens for leg in chain] == sorted(leg.config.tokens for leg in chain)
        assert chain[0].steps == chain[0].config.steps
        assert chain[1].steps == chain[1].config.steps - chain[0].config.branch_step
