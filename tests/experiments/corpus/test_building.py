from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from experiments.corpus import HELD_OUT_SHARE, Source, build, corpora, shards, sources, workers
from experiments.corpus.corpora import NOTE
from planner.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.corpus import Corpus

    Numbered = Callable[[int], bytes]
    Everything = Callable[[Corpus], bytes]

ROOT = Path(__file__).parents[3]


def parts(corpus: Corpus) -> tuple[set[bytes], set[bytes]]:
    """The passages to train on and those held out."""
    train, held_out = (set(bytes(part).split(b"\0")) - {b""} for part in (corpus.train(), corpus.held_out()))
    return train, held_out


def test_exact_duplicates_count_once(tmp_path: Path, everything: Everything) -> None:
    (tmp_path / "a.txt").write_text("the same")
    (tmp_path / "b.md").write_text("the same")
    (tmp_path / "c.txt").write_text("another")
    corpus = build(tmp_path, tmp_path / ".out")
    assert (corpus.documents, corpus.duplicates) == (3, 1)
    assert sorted(everything(corpus).split(b"\0")) == [b"", b"another", b"the same"]
    assert corpus.train_bytes + corpus.held_out_bytes == len("the same") + len("another") + 2


def test_what_is_held_out_is_never_trained_on_and_depends_on_the_text_alone(tmp_path: Path, text: Path) -> None:
    train, held_out = parts(build(text, tmp_path / "one"))
    assert train
    assert held_out
    assert not train & held_out
    (tmp_path / "more").mkdir()
    for path in text.iterdir():
        (tmp_path / "more" / f"z{path.name}").write_bytes(path.read_bytes())
    (tmp_path / "more" / "a.txt").write_text("one document more")
    _, larger = parts(build(tmp_path / "more", tmp_path / "two"))
    assert held_out <= larger


def test_documents_of_a_large_corpus_stay_whole_and_on_their_side(tmp_path: Path, words_folder: Path) -> None:
    corpus = build(words_folder, tmp_path / "one")
    assert corpus.passages == corpus.documents == 300
    train, held_out = parts(corpus)
    (tmp_path / "more").mkdir()
    for path in words_folder.iterdir():
        (tmp_path / "more" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "more" / "new.jsonl").write_text("".join(f'{{"text": "new {number}"}}\n' for number in range(200)))
    more_train, more_held_out = parts(build(tmp_path / "more", tmp_path / "two"))
    assert train < more_train
    assert held_out <= more_held_out


@pytest.mark.parametrize("size", [30_000, 350_000, 700_000, 5_000_000])
def test_of_a_single_file_a_share_is_held_out_whatever_its_size(tmp_path: Path, size: int, numbered: Numbered) -> None:
    (tmp_path / "a.txt").write_bytes(numbered(size))
    corpus = build(tmp_path / "a.txt", tmp_path / "one")
    assert HELD_OUT_SHARE * 0.7 <= corpus.held_out_share < 2.5 * HELD_OUT_SHARE
    train, held_out = parts(corpus)
    assert not train & held_out
    (tmp_path / "b.txt").write_bytes(numbered(size))
    again = build(tmp_path / "b.txt", tmp_path / "two")
    assert bytes(again.held_out()) == bytes(corpus.held_out())
    assert again.fingerprint == corpus.fingerprint


def test_of_a_single_passage_nothing_is_held_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("short")
    corpus = build(tmp_path / "a.txt", tmp_path / "out")
    assert corpus.held_out_bytes == 0
    assert len(corpus.held_out()) == 0
    assert corpus.bytes_per_token == 1


def test_the_sheet_says_what_was_read_and_left_out(tmp_path: Path, text: Path) -> None:
    corpus = build(text, tmp_path)
    record = corpus.to_dict()
    assert record["documents"] == 60
    assert record["train_bytes"] + record["held_out_bytes"] == corpus.train_bytes + corpus.held_out_bytes
    for said in ("Duplicates dropped", "Text held out", "chosen by hash", "Bytes per token"):
        assert said in str(corpus)


def test_a_corpus_knows_how_far_it_compresses(tmp_path: Path, text: Path) -> None:
    varied = build(text, tmp_path / "varied")
    (tmp_path / "a.txt").write_text("nothing new here, " * 100_000)
    repeated = build(tmp_path / "a.txt", tmp_path / "repeated")
    assert repeated.compressed_share < 0.01 < 0.1 < varied.compressed_share < 1
    assert [finding.title for finding in repeated.findings] == ["The text says the same again and again."]
    assert varied.findings == ()


def test_a_corpus_is_built_once(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build(text, tmp_path)
    monkeypatch.setattr(shards, "passages", None)
    assert build(text, tmp_path) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.fingerprint, "lock"])


def test_a_source_that_changed_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    first = build(tmp_path, tmp_path / ".out")
    (tmp_path / "b.txt").write_text("two")
    assert build(tmp_path, tmp_path / ".out").fingerprint != first.fingerprint
    (tmp_path / "b.txt").unlink()
    (tmp_path / "a.txt").touch()
    assert build(tmp_path, tmp_path / ".out").fingerprint == first.fingerprint


def test_a_finished_corpus_is_a_source_wherever_it_is_carried(tmp_path: Path, text: Path) -> None:
    first = build(text, tmp_path / "out")
    carried = Path(first.folder).rename(tmp_path / "carried")
    again = build(carried, tmp_path / "other")
    assert again.fingerprint == first.fingerprint
    assert len(again.train()) == first.train_tokens
    with pytest.raises(InputError, match="holds tokens already"):
        build(Source(place=str(carried), vocabulary=300), tmp_path / "other")


@pytest.mark.parametrize("name", [NOTE, "train.tokens"])
def test_a_damaged_corpus_is_an_error_that_names_the_file(tmp_path: Path, text: Path, name: str) -> None:
    corpus = build(text, tmp_path)
    path = Path(corpus.folder) / name
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match=f"{name} is damaged") as caught:
        build(text, tmp_path)
    assert "Delete this folder" in caught.value.mend


@pytest.mark.parametrize("name", ["train.tokens", "held-out.tokens"])
def test_a_changed_token_is_noticed_wherever_the_corpus_is_met(tmp_path: Path, text: Path, name: str) -> None:
    corpus = build(text, tmp_path)
    path = Path(corpus.folder) / name
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(0, 0))
    with pytest.raises(DataError, match=f"{name} is damaged: its checksum is wrong") as caught:
        corpus.train() if name == "train.tokens" else corpus.held_out()
    assert "Delete this folder" in caught.value.mend
    for source in (text, corpus.folder):
        with pytest.raises(DataError, match=f"{name} is damaged"):
            build(Path(source), tmp_path)


def test_tokens_that_have_not_changed_are_summed_once(
    tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = build(text, tmp_path)
    monkeypatch.setattr(corpora.hashlib, "file_digest", None)
    assert len(corpus.train()) == corpus.train_tokens


KILLED = """
import os, signal, sys
from pathlib import Path
from experiments.corpus import Source, build, shards, sources, workers

def tell(stage, done, total):
    print(stage, done, flush=True)
    if stage.startswith(sys.argv[3]) and done >= total / 2:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    sources.PORTION_BYTES = shards.STRETCH_BYTES = 20_000
    build(Source(place=sys.argv[1], vocabulary=400), Path(sys.argv[2]), tell=tell)
"""


@pytest.mark.parametrize("stage", ["Reading", "Turning"])
def test_a_build_that_was_killed_goes_on_with_what_is_missing(
    tmp_path: Path, words_folder: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "cdef":
        (tmp_path / f"{name}.jsonl").write_bytes((words_folder / "a.jsonl").read_bytes().replace(b"a", name.encode()))
    out = tmp_path / ".out"
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    killed = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(out), stage],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = {path: path.stat().st_mtime_ns for path in out.glob("building-*/*/*.json")}
    assert done
    (tmp_path / "killed.py").rename(tmp_path / ".killed.py")
    monkeypatch.setattr(sources, "PORTION_BYTES", 20_000)
    monkeypatch.setattr(shards, "STRETCH_BYTES", 20_000)
    monkeypatch.setattr(workers, "cores", lambda: 1)
    redone: list[Path] = []
    monkeypatch.setattr("experiments.corpus.texts.read", _noting(redone, shards.read))
    monkeypatch.setattr("experiments.corpus.building.encode", _noting(redone, shards.encode))
    source = Source(place=str(tmp_path), vocabulary=400)
    resumed = build(source, out)
    assert redone
    assert not set(redone) & set(done)
    monkeypatch.undo()
    undisturbed = build(source, tmp_path / ".other")
    assert resumed.fingerprint == undisturbed.fingerprint
    assert np.array_equal(resumed.train(), undisturbed.train())
    assert np.array_equal(resumed.held_out(), undisturbed.held_out())


def _noting(done: list[Path], work: Callable[[Any], None]) -> Callable[[Any], None]:
    def noting(job: Any) -> None:
        done.append(job.stem.with_suffix(".json"))
        work(job)

    return noting


def test_workers_build_what_one_process_builds(
    tmp_path: Path, words_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = build(words_folder, tmp_path / "one")
    monkeypatch.setattr(sources, "PORTION_BYTES", 20_000)
    monkeypatch.setattr(workers, "cores", lambda: 2)
    told: list[tuple[str, int, int]] = []
    together = build(words_folder, tmp_path / "two", tell=lambda *what: told.append(what))
    assert together.fingerprint == alone.fingerprint
    assert np.array_equal(together.train(), alone.train())
    assert {stage for stage, _, _ in told} == {"Reading the text", "Turning it into tokens"}
    assert all(done <= total for _, done, total in told)
    assert told[-1][1] == told[-1][2]


def test_an_error_in_a_worker_reaches_the_caller(
    tmp_path: Path, words_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in words_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "b.jsonl").write_text("{broken\n")
    monkeypatch.setattr(sources, "PORTION_BYTES", 20_000)
    monkeypatch.setattr(workers, "cores", lambda: 2)
    with pytest.raises(DataError, match=r"b\.jsonl, line 1 is no JSON") as caught:
        build(tmp_path, tmp_path / ".out")
    assert caught.value.mend
