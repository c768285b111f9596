"""Streaming data sets; folders of data files stand in for those of the hub, read by the same code without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.corpus import Source, build
from experiments.corpus.hub import DataSet
from planner.errors import DataError, InputError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiments.corpus import Corpus


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("hub:own/name", DataSet("own/name", None, "train")),
        ("hub:own/name:small", DataSet("own/name", "small", "train")),
        ("hub:own/name:small:test", DataSet("own/name", "small", "test")),
        ("hub:own/name::test", DataSet("own/name", None, "test")),
    ],
)
def test_a_data_set_is_named_with_its_configuration_and_split(text: str, parsed: DataSet) -> None:
    assert DataSet.parse(text) == parsed


@pytest.mark.parametrize("text", ["hub:", "hub::small", "hub:own/name:a:b:c"])
def test_what_names_no_data_set_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match="names no data set"):
        DataSet.parse(text)


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.corpus.hub.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"planner\[hub\]"):
        build(Source(place="hub:own/name"), tmp_path)


@pytest.fixture
def data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three files to train on, with 50 documents each, and one to validate."""
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr("experiments.corpus.workers.cores", lambda: 1)
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(3):
        texts = [f"document {number} {line} " * 20 for line in range(50)]
        pq.write_table(pa.table({"text": texts, "n": list(range(50))}), folder / f"train-{number}.parquet")
    pq.write_table(pa.table({"text": ["valid"], "n": [1]}), folder / "validation-0.parquet")
    return folder


def test_a_data_set_is_streamed_in_shares(
    data_set: Path, tmp_path: Path, everything: Callable[[Corpus], bytes]
) -> None:
    assert DataSet(str(data_set), None, "train").shares() == 3
    corpus = build(Source(place=f"hub:{data_set}"), tmp_path / "out")
    assert corpus.documents == 150
    assert "about 1.00 GB of it" in corpus.source
    plain = build(data_set, tmp_path / "out")
    assert set(everything(corpus).split(b"\0")) == set(everything(plain).split(b"\0")) - {b"valid"}
    assert everything(build(Source(place=f"hub:{data_set}::validation"), tmp_path / "out")) == b"valid\0"


def test_lines_of_json_are_streamed_too(data_set: Path, tmp_path: Path, everything: Callable[[Corpus], bytes]) -> None:
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "train.jsonl").write_text('{"body": "one"}\n{"body": null}\n')
    corpus = build(Source(place=f"hub:{tmp_path / 'lines'}", text_column="body"), tmp_path / "out")
    assert everything(corpus) == b"one\0"
    assert corpus.skipped_kinds == "empty passages: 1"


def test_as_much_is_streamed_as_was_asked_for(data_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = build(Source(place=f"hub:{data_set}", max_bytes=6000), tmp_path / "out")
    assert 6000 <= corpus.train_bytes + corpus.held_out_bytes < 7500


@pytest.mark.parametrize(
    ("place", "column", "says"),
    [
        ("hub:{}", "body", "has no column 'body'"),
        ("hub:{}", "n", "holds no text"),
        ("hub:{}:none", "text", "cannot be read"),
        ("hub:{}::none", "text", "cannot be read"),
        ("hub:{}/nowhere", "text", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_an_error(data_set: Path, tmp_path: Path, place: str, column: str, says: str) -> None:
    with pytest.raises((InputError, DataError), match=says) as caught:
        build(Source(place=place.format(data_set), text_column=column), tmp_path / "out")
    assert caught.value.mend
