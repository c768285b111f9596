from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.corpus import Source, build
from experiments.corpus.encoding import OF_BYTES, Encoding, copied, opened
from experiments.corpus.pairs import END_OF_TEXT, loaded, trained
from experiments.corpus.sources import listing
from experiments.corpus.texts import read_text
from experiments.corpus.workers import silent
from planner.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

tokenizers = pytest.importorskip("tokenizers")

MANY = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=60)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Encoding:
    """A byte-pair encoding of few pairs."""
    file = tmp_path_factory.mktemp("ours") / "tokenizer.json"
    trained(["the theme of these themes, 1234 and 12\n\n  and so on"] * 20, 300, file)
    return opened(file, "ours", ours=True)


def words_tokenizer(path: Path, **special: int) -> None:
    """A tokenizer of whole words that knows few of them."""
    vocabulary = {"[UNK]": 0, "known": 1, "words": 2, **special}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(path))


def test_bytes_are_tokens_and_the_end_is_one_that_no_text_has() -> None:
    (tokens,) = OF_BYTES.tokens(["né\n".encode()])
    assert tokens.tolist() == [110, 195, 169, 10, 0]
    assert tokens.dtype == np.uint8
    assert OF_BYTES.text(tokens) == "né\n".encode()


@given(text=MANY)
def test_every_text_comes_back_from_its_tokens(ours: Encoding, text: str) -> None:
    (tokens,) = ours.tokens([text.encode()])
    assert ours.text(tokens) == text.encode()
    assert tokens[-1] == ours.end
    assert ours.end not in tokens[:-1]


@given(text=MANY)
def test_the_fast_way_gives_the_tokens_that_the_file_gives(ours: Encoding, text: str) -> None:
    (tokens,) = ours.tokens([text.encode()])
    assert tokens[:-1].tolist() == loaded(ours.file, ours.identity).encode(text).ids


def test_text_that_looks_like_the_end_is_text(ours: Encoding) -> None:
    (tokens,) = ours.tokens([END_OF_TEXT.encode()])
    assert ours.end not in tokens[:-1]
    assert ours.text(tokens) == END_OF_TEXT.encode()


def test_a_vocabulary_is_as_large_as_asked_and_makes_fewer_tokens(tmp_path: Path, words_folder: Path) -> None:
    of_bytes = build(words_folder, tmp_path)
    corpus = build(Source(place=str(words_folder), vocabulary=500), tmp_path)
    assert corpus.vocabulary == 500
    assert corpus.train().dtype == np.uint16
    assert corpus.train().max() < 500
    assert (corpus.train_bytes, corpus.held_out_bytes) == (of_bytes.train_bytes, of_bytes.held_out_bytes)
    assert corpus.bytes_per_token > 2
    assert corpus.bytes_per_token == corpus.held_out_bytes / corpus.held_out_tokens
    assert corpus.fingerprint != of_bytes.fingerprint
    assert of_bytes.bytes_per_token == 1
    assert corpus.gives_back
    assert corpus.findings == ()


def test_the_tokens_are_the_text(tmp_path: Path, words_folder: Path) -> None:
    of_bytes = build(words_folder, tmp_path)
    corpus = build(Source(place=str(words_folder), vocabulary=500), tmp_path)
    tokenizer = tokenizers.Tokenizer.from_file(f"{corpus.folder}/tokenizer.json")
    end = tokenizer.token_to_id(END_OF_TEXT)
    for tokens, raw in ((corpus.train(), of_bytes.train()), (corpus.held_out(), of_bytes.held_out())):
        assert (tokens == end).sum() == (raw == 0).sum()
        assert tokenizer.decode(tokens[tokens != end].tolist()).encode() == bytes(raw).replace(b"\0", b"")


def test_training_twice_gives_the_same_tokenizer_and_corpus(tmp_path: Path, words_folder: Path) -> None:
    first, second = (build(Source(place=str(words_folder), vocabulary=500), tmp_path / name) for name in "ab")
    assert first.fingerprint == second.fingerprint
    assert np.array_equal(first.train(), second.train())
    other = build(Source(place=str(words_folder), vocabulary=400), tmp_path / "a")
    assert other.fingerprint != first.fingerprint


def test_what_is_held_out_teaches_the_tokenizer_nothing(tmp_path: Path, words_folder: Path) -> None:
    corpus = build(words_folder, tmp_path)
    source = Source(place=str(words_folder))
    text = read_text(source, listing(source), tmp_path / "work", silent)
    sample = [passage.encode() for passage in text.sample(10**9)]
    assert sample == bytes(corpus.train()).split(b"\0")[:-1]
    assert 5000 <= sum(map(len, text.sample(5000))) < 10_000


def test_an_existing_tokenizer_is_used_with_its_own_end(tmp_path: Path, words_folder: Path, ours: Encoding) -> None:
    corpus = build(Source(place=str(words_folder), tokenizer=ours.file), tmp_path)
    assert corpus.vocabulary == ours.vocabulary
    assert corpus.tokenizer == "tokenizer tokenizer.json"
    again = tokenizers.Tokenizer.from_file(f"{corpus.folder}/tokenizer.json")
    raw = build(words_folder, tmp_path)
    first = bytes(raw.train()).split(b"\0")[0].decode()
    ids = again.encode(first).ids
    assert corpus.train()[: len(ids)].tolist() == ids
    assert corpus.train()[len(ids)] == again.token_to_id(END_OF_TEXT)


def test_a_tokenizer_without_an_end_gets_one(tmp_path: Path) -> None:
    words_tokenizer(tmp_path / "words.json")
    copied(tmp_path / "words.json", tmp_path / "copy.json")
    encoding = opened(tmp_path / "copy.json", "words", ours=False)
    assert (encoding.vocabulary, encoding.end) == (4, 3)
    words_tokenizer(tmp_path / "ended.json", **{"</s>": 70_000})
    copied(tmp_path / "ended.json", tmp_path / "copy.json")
    encoding = opened(tmp_path / "copy.json", "words", ours=False)
    assert (encoding.vocabulary, encoding.end) == (70_001, 70_000)
    assert encoding.dtype == np.uint32


def test_a_tokenizer_that_loses_text_is_a_finding(tmp_path: Path, words_folder: Path) -> None:
    words_tokenizer(tmp_path / "words.json")
    corpus = build(Source(place=str(words_folder), tokenizer=str(tmp_path / "words.json")), tmp_path / "out")
    assert not corpus.gives_back
    assert "The tokenizer loses some of the text." in [finding.title for finding in corpus.findings]


@pytest.mark.parametrize("content", ["", "no json", "{}", '{"model": {"type": "BPE"}}', "\udcff"])
def test_a_file_that_is_no_tokenizer_is_an_error_that_names_it(
    tmp_path: Path, words_folder: Path, content: str
) -> None:
    (tmp_path / "bad.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=r"bad\.json is no tokenizer"):
        build(Source(place=str(words_folder), tokenizer=str(tmp_path / "bad.json")), tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"vocabulary": 256}, "no room for pairs"),
        ({"vocabulary": 4096, "tokenizer": "some.json"}, "both say"),
        ({"tokenizer": "nowhere.json"}, "no tokenizer file"),
        ({"vocabulary": 1_000_000}, "This text has pairs for a vocabulary of"),
    ],
)
def test_what_makes_no_tokenizer_is_an_error(
    tmp_path: Path, words_folder: Path, options: dict[str, object], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        build(Source(place=str(words_folder), **options), tmp_path)  # type: ignore[arg-type]
