"""Checkpoints: kept whole, verified when read, set aside when damaged."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save

from experiments.checkpoints import Damage, Trunk, read
from experiments.ledger import Stop
from experiments.train import train

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from experiments.config import Config
    from experiments.corpus import Corpus
    from experiments.ledger import Record


class Tensors:
    """A pupil that is nothing but its tensors."""

    def __init__(self, value: float) -> None:
        self.kept = {"a": torch.full((3, 2), value), "b": torch.tensor(value, dtype=torch.bfloat16)}

    def state(self) -> dict[str, torch.Tensor]:
        return self.kept

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        self.kept = dict(state)


def result(record: Record) -> dict[str, object]:
    """What must not depend on interruptions."""
    unlike = {"seconds", "as_of", "tokens_done", "note"}
    return {name: value for name, value in asdict(record).items() if name not in unlike}


def stop_after(steps: int) -> Callable[[int, float], None]:
    def tick(step: int, loss: float) -> None:
        if step >= steps:
            raise Stop

    return tick


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    trunk = Trunk(tmp_path / "trunk", "run")
    trunk.keep(Tensors(1.5), 7)
    pupil = Tensors(0.0)
    assert trunk.resume(pupil, latest=10).step == 7
    assert pupil.kept["b"].dtype is torch.bfloat16
    assert all(torch.equal(pupil.kept[name], tensor) for name, tensor in Tensors(1.5).kept.items())


def test_a_run_goes_on_from_what_it_held_before_any_branch_point(tmp_path: Path) -> None:
    mine, other = (Trunk(tmp_path / "trunk", run) for run in ("1234", "other"))
    mine.keep(Tensors(1.0), 5)
    mine.keep(Tensors(2.0), 9)
    mine.hold(Tensors(3.0), 12)
    assert [mine.resume(Tensors(0.0), latest=9).step, other.resume(Tensors(0.0), latest=9).step] == [12, 9]
    assert other.resume(Tensors(0.0), latest=8).step == 5
    mine.release()
    mine.release()
    assert mine.resume(Tensors(0.0), latest=9).step == 9
    assert mine.resume(Tensors(0.0), latest=4).step == 0


def test_every_flipped_byte_and_every_cut_is_noticed(tmp_path: Path) -> None:
    trunk = Trunk(tmp_path / "trunk", "run")
    trunk.keep(Tensors(1.0), 5)
    path = trunk.folder / "5.safetensors"
    raw = path.read_bytes()
    for place in range(len(raw)):
        for damaged in (raw[:place], raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]):
            path.write_bytes(damaged)
            with pytest.raises(Damage):
                read(path, trunk="trunk")


def test_a_checkpoint_of_another_trunk_or_program_is_none_of_ours(tmp_path: Path) -> None:
    Trunk(tmp_path / "there", "run").keep(Tensors(1.0), 5)
    with pytest.raises(Damage, match="another trunk"):
        read(tmp_path / "there" / "5.safetensors", trunk="here")
    (tmp_path / "foreign").write_bytes(save({"a": torch.zeros(2)}, {"step": "5"}))
    with pytest.raises(Damage, match="cannot be read"):
        read(tmp_path / "foreign", trunk="here")


@pytest.mark.parametrize("damage", [lambda raw: b"", lambda raw: raw[:-10], lambda raw: raw[:-1] + b"x"])
def test_training_sets_a_damaged_checkpoint_aside_and_goes_on_from_the_one_before(
    config: Config, corpus: Corpus, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    longer = replace(config, tokens=16384)
    undisturbed = train(longer, corpus, tmp_path / "a")
    train(config, corpus, tmp_path / "b")
    first = train(longer, corpus, tmp_path / "b")
    last = tmp_path / "b" / config.trunk(corpus.fingerprint) / f"{longer.branch_step}.safetensors"
    last.write_bytes(damage(last.read_bytes()))
    again = train(longer, corpus, tmp_path / "b")
    assert result(again) == result(first) == result(undisturbed)
    assert again.tokens_done == first.tokens_done
    assert (first.note, f"{last.name} was damaged" in again.note) == ("", True)
    assert last.with_name(f"{last.name}.damaged").exists()
    assert train(longer, corpus, tmp_path / "b").note == ""


@pytest.mark.parametrize("steps", [3, 40, 60, 64], ids=["warm-up", "trunk", "decay", "end"])
def test_a_run_that_is_told_to_stop_goes_on_from_that_step(
    config: Config, corpus: Corpus, tmp_path: Path, steps: int
) -> None:
    undisturbed = train(config, corpus, tmp_path / "a")
    with pytest.raises(Stop):
        train(config, corpus, tmp_path / "b", tick=stop_after(steps))
    resumed = train(config, corpus, tmp_path / "b")
    assert resumed.tokens_done == undisturbed.tokens_done - steps * config.tokens_per_step
    assert result(resumed) == result(undisturbed)


def test_a_file_of_another_name_is_no_checkpoint(config: Config, corpus: Corpus, tmp_path: Path) -> None:
    trunk = tmp_path / config.trunk(corpus.fingerprint)
    trunk.mkdir()
    (trunk / "notes.safetensors").write_text("mine")
    assert train(config, corpus, tmp_path).status == "ok"
