"""Several processes that train one run together; on a CPU they talk through gloo."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from experiments.backends.pool import Room, Worker
from experiments.gang import train_together
from experiments.jobs import MOST_DEATHS, Job
from experiments.ledger import Stop
from experiments.processes import Child
from experiments.run_sweep import jobs_of, run_sweep, survey
from experiments.train import Diverged, train
from planner.errors import InputError
from tests.experiments.test_train import result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiments.config import Config, Sweep
    from experiments.corpus import Corpus
    from experiments.ledger import Record

PROCESSES = 2


@pytest.fixture
def long(config: Config) -> Config:
    """A run of batches that two processes cannot share evenly."""
    return replace(config, batch=3, tokens=3 * 32 * 60)


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """The processes of every gang that is started, in the order of their start."""
    begun, begin = list[Child](), Child.begin

    def remembered(*asked: Any) -> Child:
        begun.append(begin(*asked))
        return begun[-1]

    monkeypatch.setattr(Child, "begin", remembered)
    return begun


def together(
    config: Config, corpus: Corpus, folder: Path, tick: Callable[[int, float], None] = lambda step, loss: None
) -> Record:
    """The record that two processes of this machine give."""
    return train_together(config, corpus, folder, tick=tick, device="cpu", processes=PROCESSES)


def test_processes_that_share_every_batch_learn_what_one_learns(long: Config, corpus: Corpus, tmp_path: Path) -> None:
    steps, losses = list[int](), list[float]()

    def tick(step: int, loss: float) -> None:
        steps.append(step)
        losses.append(loss)

    shared = together(long, corpus, tmp_path / "shared", tick)
    alone = train(long, corpus, tmp_path / "alone", tick=lambda _, loss: losses.append(loss))
    assert steps == list(range(1, long.steps + 1))
    assert losses[: long.steps] == pytest.approx(losses[long.steps :], rel=1e-4)
    assert shared.loss == pytest.approx(alone.loss, rel=1e-4)
    assert (shared.run, shared.tokens_done) == (alone.run, alone.tokens_done)
    files = {path.name for path in (tmp_path / "shared").rglob("*.*")}
    assert files == {path.name for path in (tmp_path / "alone").rglob("*.*")}


def test_a_shared_run_that_is_stopped_goes_on_as_if_it_had_not_been(
    long: Config, corpus: Corpus, tmp_path: Path, members: list[Child]
) -> None:
    def stop(step: int, loss: float) -> None:
        if step > 20:
            raise Stop

    undisturbed = together(long, corpus, tmp_path / "a")
    with pytest.raises(Stop):
        together(long, corpus, tmp_path / "b", stop)
    assert not any(member.process.is_alive() for member in members)
    resumed = together(long, corpus, tmp_path / "b")
    assert 0 < resumed.tokens_done < undisturbed.tokens_done
    assert result(resumed) == result(undisturbed)


@pytest.mark.parametrize("rank", range(PROCESSES))
def test_a_lost_process_ends_the_others_and_all_start_again(
    long: Config, corpus: Corpus, tmp_path: Path, members: list[Child], rank: int
) -> None:
    def kill(step: int, loss: float) -> None:
        if step > long.branch_step + 2 and len(members) == PROCESSES:
            members[rank].process.kill()

    undisturbed = together(long, corpus, tmp_path / "a")
    del members[:]
    disturbed = together(long, corpus, tmp_path / "b", kill)
    assert len(members) == 2 * PROCESSES
    assert not any(member.process.is_alive() for member in members)
    assert result(disturbed) == result(undisturbed)
    assert disturbed.tokens_done == (long.steps - long.branch_step) * long.tokens_per_step


def test_a_process_that_is_lost_again_and_again_fails_the_run(
    long: Config, corpus: Corpus, tmp_path: Path, members: list[Child]
) -> None:
    def kill(step: int, loss: float) -> None:
        members[-1].process.kill()

    with pytest.raises(RuntimeError, match="ended without a word"):
        together(long, corpus, tmp_path, kill)
    assert len(members) == MOST_DEATHS * PROCESSES


def test_what_one_process_finds_wrong_ends_the_run_with_its_words(long: Config, corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="no better than guessing"):
        together(replace(long, learning_rate=1e9), corpus, tmp_path)


def test_only_runs_that_fill_a_gpu_take_several(tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    sizes = tuple(replace(tiny.sizes[0], layers=2, width=width, tokens=(4096,)) for width in (16, 2048))
    todo = survey(replace(tiny, sizes=sizes), corpus, ledger=None, allow_repeats=True)
    for asked, share in ((1, 1.0), (2, 2.0), (8, 4.0)):
        jobs = jobs_of(todo, tmp_path, device="cuda", workers=1, gpus_per_run=asked)
        assert [job.share for job in jobs] == [share, 0.25]


def test_a_job_of_several_gpus_waits_for_them_and_is_not_overtaken(
    config: Config, corpus: Corpus, tmp_path: Path
) -> None:
    small, large = (
        Job(configs=(config,), corpus=corpus, folder=tmp_path, device="cuda", share=share) for share in (0.5, 2.0)
    )
    room = Room(3, None)
    waiting = deque([large, small, small, large, small])
    begun = list(room.fill(waiting, []))
    assert [(job.share, gpus) for job, gpus in begun] == [(2.0, (0, 1)), (0.5, (2,)), (0.5, (2,))]
    busy = [Worker(job, gpus, None) for job, gpus in begun]
    assert list(room.fill(waiting, busy)) == []
    assert list(waiting) == [large, small]
    assert list(room.fill(waiting, busy[1:])) == [(large, (0, 1))]


def test_more_gpus_per_run_than_there_are_is_an_error(
    tiny: Sweep, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="trains on the CPU"):
        run_sweep(tiny, text, out=tmp_path, device="cpu", gpus_per_run=2)
    for module in ("machine", "run_sweep"):
        monkeypatch.setattr(f"experiments.{module}.gpus", lambda: ("NVIDIA H100",) * 2)
    with pytest.raises(InputError, match="there are 2") as caught:
        run_sweep(tiny, text, out=tmp_path, device="cuda", gpus_per_run=3)
    assert "at most 2" in caught.value.mend
