"""The ledger under damage, under several writers and across versions; no model is trained here."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from experiments.config import RECIPE
from experiments.files import note_bytes, write_note
from experiments.ledger import Ledger, Progress, Record, record_of
from experiments.watching import summary
from planner.errors import DataError, InputError

if TYPE_CHECKING:
    from experiments.config import Config, Sweep
    from experiments.corpus import Corpus


def record(config: Config, run: str = "abc", *, loss: float | None = 2.0, reason: str = "") -> Record:
    return record_of(
        config,
        run,
        loss=loss,
        loss_error=0.01,
        bits_per_byte=1.0,
        unique_tokens=1,
        tokens_done=1,
        seconds=1.0,
        status="failed" if loss is None else "ok",
        reason=reason,
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path)
    ledger.open()
    return ledger


def test_the_first_result_stands(ledger: Ledger, config: Config) -> None:
    for loss in (2.0, 1.0, None):
        ledger.write(config, record(config, loss=loss))
    assert ledger.record("abc") == record(config, loss=2.0)
    assert ledger.finished("abc")


def test_a_failure_is_replaced_by_the_next_and_by_a_result(ledger: Ledger, config: Config) -> None:
    for reason in ("first", "second"):
        ledger.write(config, record(config, loss=None, reason=reason))
        found = ledger.record("abc")
        assert found is not None
        assert (found.status, found.reason) == ("failed", reason)
        assert not ledger.finished("abc")
    ledger.write(config, record(config, loss=2.0))
    assert ledger.finished("abc")
    assert ledger.recorded() == {"abc"}
    assert not list((ledger.folder / "failures").iterdir())


def test_a_failure_is_forgotten_when_the_run_is_tried_again(ledger: Ledger, config: Config) -> None:
    ledger.write(config, record(config, loss=None, reason="why"))
    ledger.forgive(["abc", "never heard of"])
    assert ledger.record("abc") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"record": ',
        b"{}",
        b"[]",
        b"\xff",
        note_bytes({"record": {"run": "old"}}),
        note_bytes({"record": {}})[:-9] + b"0" * 9,
        b"[" * 100_000,
    ],
    ids=["empty", "cut", "no checksum", "list", "no text", "another version", "checksum", "deep"],
)
def test_a_record_that_is_none_is_named_with_its_mend(ledger: Ledger, content: bytes) -> None:
    path = ledger.folder / "runs" / "abc.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"abc\.json (is damaged|was written by another version)") as caught:
        ledger.record("abc")
    assert caught.value.mend == "Delete this file; the run is then done again."


def test_a_record_under_another_name_is_damage(ledger: Ledger, config: Config) -> None:
    ledger.write(config, record(config))
    (ledger.folder / "runs" / "abc.json").rename(ledger.folder / "runs" / "other.json")
    with pytest.raises(DataError, match="it holds the run abc"):
        ledger.record("other")


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", note_bytes({"sweep": {}, "corpus": {}})])
def test_a_sweep_note_that_is_none_is_named_and_begin_mends_it(
    ledger: Ledger, tiny: Sweep, corpus: Corpus, content: bytes
) -> None:
    (ledger.folder / "sweep.json").write_bytes(content)
    with pytest.raises(DataError, match=r"sweep\.json (is damaged|was written by another version)") as caught:
        ledger.serves()
    assert "Run the sweep with this --out again" in caught.value.mend
    ledger.begin(tiny, corpus, command="python -m experiments run tiny")
    assert ledger.serves() == (tiny, corpus)


def test_a_record_is_written_with_its_configuration_and_machine(ledger: Ledger, config: Config) -> None:
    ledger.write(config, record(config))
    note = json.loads((ledger.folder / "runs" / "abc.json").read_text())
    assert note["config"]["learning_rate"] == config.learning_rate
    assert note["record"]["params"] == config.shape.params
    assert note["machine"]["cores"] >= 1
    assert "torch" in note["machine"]["software"]


def test_progress_is_seen_until_the_run_ends(ledger: Ledger, config: Config) -> None:
    going = Progress(run="abc", step=3, loss=2.0, tokens_per_second=1e4, device="cpu")
    ledger.report(going)
    ledger.report(replace(going, step=4))
    write_note(ledger.folder / "running" / "foreign.json", {"run": "foreign"})
    (ledger.folder / "running" / "damaged.json").write_text("{")
    assert ledger.progress() == (replace(going, step=4),)
    ledger.write(config, record(config))
    assert ledger.progress() == ()


def test_runs_are_told_to_stop_and_to_go_on(ledger: Ledger) -> None:
    ledger.stop()
    assert ledger.is_stopping()
    with ledger.lock():
        assert not ledger.is_stopping()


def write_many(folder: Path, config: Config, number: int) -> None:
    ledger = Ledger(folder)
    for run in range(20):
        ledger.write(config, record(config, f"run{run}", loss=None, reason=f"{number}"))
        ledger.write(config, record(config, f"run{run}", loss=float(number)))


def test_two_processes_that_write_the_same_runs_neither_corrupt_nor_double(ledger: Ledger, config: Config) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(ledger.folder, config, number)) for number in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    found = [ledger.record(f"run{run}") for run in range(20)]
    assert {run.loss for run in found if run is not None} <= {1.0, 2.0}
    assert all(run is not None and run.status == "ok" for run in found)
    assert len(list((ledger.folder / "runs").iterdir())) == 20


def test_a_folder_is_locked_for_one_sweep(ledger: Ledger) -> None:
    with ledger.lock(), pytest.raises(InputError, match="Another sweep is running"), Ledger(ledger.folder).lock():
        pass
    with ledger.lock():
        pass


def test_the_export_says_where_a_run_comes_from(ledger: Ledger, tiny: Sweep, corpus: Corpus) -> None:
    ledger.begin(tiny, corpus, command="python -m experiments run tiny")
    config = tiny.configs(corpus.vocabulary)[0]
    ledger.write(config, record(config, config.identity(corpus.fingerprint)))
    (row,) = ledger.export().to_dict("records")
    assert row | asdict(ledger.records()[0]) == row
    assert corpus.fingerprint in row["source"]
    assert row["command"] == "python -m experiments run tiny"
    assert (row["corpus"], row["fingerprint"], row["recipe"]) == (corpus.source, corpus.fingerprint, RECIPE)
    for column in ("processor", "cores", "memory_bytes", "system", "software", "tokenizer", "device"):
        assert row[column] is not None


def test_runs_of_another_sweep_on_the_same_text_are_exported_too(ledger: Ledger, tiny: Sweep, corpus: Corpus) -> None:
    def recorded(sweep: Sweep, text: Corpus) -> None:
        ledger.begin(sweep, text, command="")
        for config in sweep.configs(text.vocabulary):
            ledger.write(config, record(config, config.identity(text.fingerprint)))

    recorded(replace(tiny, seeds=(7,)), corpus)
    recorded(tiny, replace(corpus, fingerprint="another text"))
    recorded(tiny, corpus)
    count = len(tiny.configs(corpus.vocabulary))
    assert (len(ledger.records()), ledger.others) == (count, count)
    assert sorted(ledger.export()["seed"]) == [0] * count + [7] * count
    assert "Runs of other sweeps here" in str(summary(ledger))
