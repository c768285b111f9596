"""One contract, every backend."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from experiments.backends import BACKENDS
from experiments.jobs import Ended, Event, Job, Step
from experiments.ledger import DRAFT, Ledger
from experiments.run_sweep import run_sweep
from planner.errors import DataError, InputError, UnknownName

if TYPE_CHECKING:
    from pathlib import Path

    from experiments.config import Sweep
    from experiments.tokens import Corpus


@pytest.fixture(scope="module")
def losses(tiny: Sweep, text: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float | None]:
    """The loss of every run of the tiny sweep, done one by one."""
    ledger = run_sweep(tiny, text, out=tmp_path_factory.mktemp("serial"), backend="serial")
    return {record.run: record.loss for record in ledger.records()}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_run_is_recorded_with_the_same_loss_whatever_the_backend(
    backend: str, tiny: Sweep, text: Path, tmp_path: Path, losses: dict[str, float | None]
) -> None:
    events: list[Event] = []
    ledger = run_sweep(tiny, text, out=tmp_path, backend=backend, workers=2, emit=events.append)
    assert {record.run: record.loss for record in ledger.records()} == losses
    ended = [event.record.run for event in events if isinstance(event, Ended)]
    assert sorted(ended) == sorted(losses)
    steps = sum(isinstance(event, Step) for event in events)
    tokens_per_step = tiny.configs()[0].tokens_per_step
    assert steps * tokens_per_step == sum(record.tokens_done for record in ledger.records())
    _nothing_is_done_again(backend, tiny, text, tmp_path)
    _only_what_is_missing_is_done(backend, tiny, text, tmp_path, losses)


def _nothing_is_done_again(backend: str, sweep: Sweep, text: Path, out: Path) -> None:
    events: list[Event] = []
    run_sweep(sweep, text, out=out, backend=backend, workers=2, emit=events.append)
    assert events == []


def _only_what_is_missing_is_done(
    backend: str, sweep: Sweep, text: Path, out: Path, losses: dict[str, float | None]
) -> None:
    missing = sorted(losses)[2]
    (out / "runs" / f"{missing}.json").unlink()
    events: list[Event] = []
    ledger = run_sweep(sweep, text, out=out, backend=backend, workers=2, emit=events.append)
    assert [event.record.run for event in events if isinstance(event, Ended)] == [missing]
    assert {record.run: record.loss for record in ledger.records()} == losses


def test_a_diverged_run_is_a_recorded_failure_and_no_result(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    wild = replace(tiny, learning_rate=1e30, sizes=tiny.sizes[:1])
    ledger = run_sweep(wild, text, out=tmp_path, backend="serial")
    assert [record.status for record in ledger.records()] == ["failed"] * 3
    assert all(record.loss is None and "at step" in record.reason for record in ledger.records())
    table = ledger.export()
    assert table["loss"].isna().all()
    retried: list[Event] = []
    run_sweep(wild, text, out=tmp_path, backend="serial", emit=retried.append)
    assert sum(isinstance(event, Ended) for event in retried) == 3
    assert len(list((tmp_path / "runs").iterdir())) == 3


def test_an_error_in_a_worker_reaches_the_caller(backend: str, tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    config = tiny.configs()[0]
    trunk = tmp_path / "trunks" / config.trunk(corpus.fingerprint)
    trunk.mkdir(parents=True)
    (trunk / "1.pt").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"1\.pt is damaged") as caught:
        BACKENDS[backend]([Job((config,), corpus, tmp_path)], workers=2, emit=lambda event: None)
    assert "Delete this file" in caught.value.mend


def test_an_error_of_the_watcher_stops_the_workers(backend: str, tiny: Sweep, text: Path, tmp_path: Path) -> None:
    def emit(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(tiny, text, out=tmp_path, backend=backend, workers=2, emit=emit)
    # A worker of its own may end a run before it hears of it.
    assert len(Ledger(tmp_path).records()) < len(tiny.configs())


def test_an_unknown_backend_brings_a_suggestion(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'serial'"):
        run_sweep(tiny, text, out=tmp_path, backend="serail")


def test_two_sweeps_do_not_share_a_folder_at_once(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.open()
    with ledger.lock(), pytest.raises(InputError, match="Another sweep is running"):
        run_sweep(tiny, text, out=tmp_path, backend="serial")
    run_sweep(tiny, text, out=tmp_path, backend="serial")


def test_a_folder_shows_the_sweep_it_served_last_and_keeps_the_other(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    first, second = replace(tiny, sizes=tiny.sizes[:1]), replace(tiny, name="other", sizes=tiny.sizes[1:])
    kept = {record.run for record in run_sweep(first, text, out=tmp_path, backend="serial").records()}
    shown = {record.run for record in run_sweep(second, text, out=tmp_path, backend="serial").records()}
    assert not kept & shown
    assert {path.stem for path in (tmp_path / "runs").iterdir()} == kept | shown
    events: list[Event] = []
    assert {record.run for record in run_sweep(first, text, out=tmp_path, emit=events.append).records()} == kept
    assert events == []


def test_a_folder_that_cannot_be_written_is_an_error(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        run_sweep(tiny, text, out=tmp_path / "file", backend="serial")


@pytest.mark.parametrize("content", ["", '{"record": ', "{}", "[]", '{"record": {"run": "old"}}'])
def test_a_record_that_is_none_is_named_and_deleting_it_suffices(
    tiny: Sweep, text: Path, tmp_path: Path, content: str
) -> None:
    sweep = replace(tiny, sizes=tiny.sizes[:1])
    run_sweep(sweep, text, out=tmp_path, backend="serial")
    record = next((tmp_path / "runs").iterdir())
    record.write_text(content)
    with pytest.raises(DataError, match=rf"{record.name} (is damaged|was written by another version)") as caught:
        run_sweep(sweep, text, out=tmp_path, backend="serial")
    assert caught.value.mend == "Delete this file; the run is then done again."
    record.unlink()
    assert len(run_sweep(sweep, text, out=tmp_path, backend="serial").records()) == 3


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"sweep": {}, "corpus": {}}'])
def test_a_sweep_note_that_is_none_is_named_and_the_next_run_mends_it(
    tiny: Sweep, text: Path, tmp_path: Path, content: str
) -> None:
    sweep = replace(tiny, sizes=tiny.sizes[:1])
    kept = run_sweep(sweep, text, out=tmp_path, backend="serial").records()
    (tmp_path / "sweep.json").write_text(content)
    with pytest.raises(DataError, match=r"sweep\.json (is damaged|was written by another version)") as caught:
        Ledger(tmp_path).serves()
    assert "Run the sweep with this --out again" in caught.value.mend
    assert run_sweep(sweep, text, out=tmp_path, backend="serial").records() == kept


def test_a_folder_from_before_compression_was_measured_is_read(tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin(tiny, corpus)
    note = json.loads((tmp_path / "sweep.json").read_text())
    del note["corpus"]["compressed_share"]
    (tmp_path / "sweep.json").write_text(json.dumps(note))
    assert ledger.serves() == (tiny, replace(corpus, compressed_share=None))


def test_the_export_is_a_table_of_runs_with_its_provenance(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    from planner.runs import load_runs

    ledger = run_sweep(tiny, text, out=tmp_path / "out", backend="serial")
    path = tmp_path / "runs.csv"
    ledger.export().to_csv(path, index=False)
    runs = load_runs(path)
    assert len(runs.frame) == 6
    assert runs.failed == 0
    for column in (
        "flops",
        "bits_per_byte",
        "params_non_embedding",
        "unique_tokens",
        "seed",
        "seconds",
        "run",
        "as_of",
    ):
        assert column in runs.frame
    assert "tiny" in runs.frame["source"][0]


def test_a_record_is_written_with_its_configuration(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    ledger = run_sweep(tiny, text, out=tmp_path, backend="serial")
    note = json.loads((tmp_path / "runs" / f"{ledger.records()[0].run}.json").read_text())
    assert note["config"]["learning_rate"] == tiny.learning_rate
    assert note["record"]["params"] == ledger.records()[0].params
    assert note["environment"]["torch"]


def test_what_a_crash_left_half_written_is_removed(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    draft = tmp_path / "runs" / f"abc.json.123{DRAFT}"
    draft.write_text("{")
    run_sweep(replace(tiny, sizes=tiny.sizes[:1]), text, out=tmp_path, backend="serial")
    assert not draft.exists()
