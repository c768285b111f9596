"""check_vocabulary(sample) -> how many tokens a text takes, which of its terms shatter, and what that costs.

Words are runs of letters. Scripts that put no spaces between words are counted by characters, two to a word (ours).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from planner.catalog import record, records
from planner.errors import DataError, InputError
from planner.hardware import Cluster
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.sheet import Finding, Row, Sheet
from planner.tokenizing.vocabularies import Vocabulary, installed
from planner.units import show

SHATTERED_PIECES, SHATTERED_BYTES = 3, 3.0
"""A term shatters where it takes as many tokens or more, each of fewer bytes on average: our convention."""
MOST_CHARACTERS = 5_000_000
_LEAST_WORDS = 20
_LEAST_TERM_LETTERS, _LEAST_TERM_COUNT, _MOST_TERMS = 5, 2, 500
_CHARACTERS_PER_WORD = 2.0
_UNSPACED_SHARE = 0.3
_TRAINED_PARAMS, _TRAINED_WORDS = 8e9, 1e9
_CLUSTER = "256x h100"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How one tokenizer cuts the sample; `pieces` are those of the terms that were asked for."""

    vocabulary: Vocabulary
    tokens_per_word: float
    bytes_per_token: float
    shattered: tuple[str, ...]
    pieces: dict[str, tuple[str, ...]]

    @property
    def stretch(self) -> float:
        """How many times more tokens a word takes than one of general English."""
        return self.tokens_per_word / self.vocabulary.english_tokens_per_word


@dataclass(frozen=True, slots=True, kw_only=True)
class VocabularyCheck(Sheet):
    """A sample of `words` words under every installed reference tokenizer, the one that needs fewest tokens first.

    `terms` are the words of the field: given, or those that the sample repeats and general English lacks.
    """

    words: float
    spaced: bool
    terms: tuple[str, ...]
    cuts: tuple[Cut, ...]
    usd_per_token: float
    usd_per_training_flop: float
    prices: str

    @property
    def title(self) -> str:  # type: ignore[override]
        best = self.cuts[0]
        return (
            f"Your text takes {show(self.fertility)} tokens per word with {best.vocabulary.title}, {show(best.stretch)}"
            " times as many as general English"
        )

    @property
    def fertility(self) -> float:
        """Tokens per word with the best of the tokenizers: the field of a `UseCase`."""
        return self.cuts[0].tokens_per_word

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """What to mind about the sample."""
        best, found = self.cuts[0], []
        if not self.spaced:
            title = "This script puts no spaces between words."
            found.append(Finding("note", title, f"We counted {show(_CHARACTERS_PER_WORD)} characters as a word: ours."))
        if best.shattered:
            share = show(len(best.shattered) / len(self.terms), "fraction")
            examples = ", ".join(best.shattered[:8])
            title = f"{share} of the terms of your field shatter, such as {examples}."
            found.append(
                Finding("note", title, "Models know such words by their pieces; that costs tokens, not meaning.")
            )
        return tuple(found)

    def rows(self) -> Iterable[Row]:
        """Tokens per word and per byte of each tokenizer, terms that shatter, and dollars beside general English."""
        yield Row("words", "Words in the sample", self.words, "count")
        yield Row("fertility", "Tokens per word, best tokenizer", self.fertility, "", self.cuts[0].vocabulary.title)
        for cut in self.cuts:
            yield from self._of(cut)
        yield Row("terms", "Terms of your field", float(len(self.terms)), "count")
        for term in self.cuts[0].pieces:
            yield from self._looked_at(term)
        yield Row("query_usd", "1,000 words in a prompt", self._query_usd(self.fertility), "usd", self._beside(1000.0))
        training = _TRAINED_WORDS * self.fertility
        note = f"{show(_TRAINED_PARAMS, 'params')}; {show(training, 'tokens')}; {self.prices}"
        yield Row(
            "training_usd", f"Reading {show(_TRAINED_WORDS)} words once in training", self._train_usd, "usd", note
        )

    def _of(self, cut: Cut) -> Iterable[Row]:
        name, title = cut.vocabulary.name.replace("-", "_"), cut.vocabulary.title
        english = f"general English {show(cut.vocabulary.english_tokens_per_word)}"
        yield Row(f"{name}_tokens_per_word", f"{title}: tokens per word", cut.tokens_per_word, "", english)
        english = f"general English {show(cut.vocabulary.english_bytes_per_token)}"
        yield Row(f"{name}_bytes_per_token", f"{title}: bytes per token", cut.bytes_per_token, "", english)
        share = len(cut.shattered) / len(self.terms) if self.terms else 0.0
        yield Row(f"{name}_shattered", f"{title}: terms that shatter", share, "fraction")

    def _looked_at(self, term: str) -> Iterable[Row]:
        """Tokens of a term that was asked for, with its pieces, under each tokenizer."""
        for cut in self.cuts:
            key = f"{cut.vocabulary.name.replace('-', '_')}_tokens_of_{'_'.join(term.split())}"
            note = f"{'|'.join(cut.pieces[term])}{'; shatters' if term in cut.shattered else ''}"
            yield Row(key, f"{cut.vocabulary.title}: tokens of “{term}”", float(len(cut.pieces[term])), "count", note)

    def _query_usd(self, fertility: float) -> float:
        return 1000 * fertility * self.usd_per_token

    def _beside(self, words: float) -> str:
        english = words * self.cuts[0].vocabulary.english_tokens_per_word * self.usd_per_token
        return f"general English {show(english, 'usd')}; hosted model, {_price_row()['as_of']}"

    @property
    def _train_usd(self) -> float:
        return FLOPS_PER_PARAM_TOKEN * _TRAINED_PARAMS * _TRAINED_WORDS * self.fertility * self.usd_per_training_flop


def _price_row() -> dict[str, str]:
    """The row of the price of a million prompt tokens."""
    return record("advice_assumptions", "name", "usd_per_mtok_in", kind="assumption")


def check_vocabulary(sample: str | Path, *, terms: Iterable[str] = ()) -> VocabularyCheck:
    """How the installed reference tokenizers cut `sample`, a text or the path of a file of text.

    Args:
        terms: words of the field; none means those that the sample repeats and general English lacks.

    Raises:
        DataError: the file cannot be read as text.
        InputError: the sample has fewer than 20 words, or a term is empty.
        MissingExtra: no reference tokenizer is installed.
    """
    text = (_read(sample) if isinstance(sample, Path) else sample)[:MOST_CHARACTERS]
    spaced = len(_UNSPACED.findall(text)) < _UNSPACED_SHARE * max(len(text), 1)
    words = float(len(_WORD.findall(text))) if spaced else len(_UNSPACED.findall(text)) / _CHARACTERS_PER_WORD
    if words < _LEAST_WORDS:
        raise InputError(f"The sample has {show(words)} words.", mend=f"Give {_LEAST_WORDS} or more, better thousands.")
    asked = _asked(terms)
    found = asked or (_terms_of(text) if spaced else ())
    cuts = sorted((_cut(each, text, words, found, asked) for each in installed()), key=lambda cut: cut.tokens_per_word)
    hired, price = Cluster.parse(_CLUSTER), _price_row()
    return VocabularyCheck(
        words=words,
        spaced=spaced,
        terms=found,
        cuts=tuple(cuts),
        usd_per_token=float(price["value"]) / 1e6,
        usd_per_training_flop=hired.usd(1e21) / 1e21,
        prices=f"{hired.accelerator.name}, {hired.price_basis}",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", mend="Check the path.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no UTF-8 text.", mend="Give a file of plain text, saved as UTF-8.") from None


def _asked(terms: Iterable[str]) -> tuple[str, ...]:
    """The terms that the user names, each once."""
    asked = tuple(dict.fromkeys(" ".join(term.split()) for term in terms))
    if "" in asked:
        raise InputError("A term is empty.", mend='Give a word of your field, such as "mens rea".')
    return asked


def _cut(vocabulary: Vocabulary, text: str, words: float, terms: tuple[str, ...], asked: tuple[str, ...]) -> Cut:
    tokens = len(vocabulary.tokens(text))
    return Cut(
        vocabulary=vocabulary,
        tokens_per_word=tokens / words,
        bytes_per_token=len(text.encode()) / tokens,
        shattered=tuple(term for term in terms if _shatters(vocabulary, term)),
        pieces={term: vocabulary.pieces(f" {term}") for term in asked},
    )


def _shatters(vocabulary: Vocabulary, term: str) -> bool:
    """Whether a word of the term does."""
    return any(_is_shattered(word, len(vocabulary.tokens(f" {word}"))) for word in term.split())


def _is_shattered(word: str, pieces: int) -> bool:
    return pieces >= SHATTERED_PIECES and len(word.encode()) < SHATTERED_BYTES * pieces


def _terms_of(text: str) -> tuple[str, ...]:
    """The words that the text repeats and general English lacks, the most frequent first."""
    counted = Counter(word.lower() for word in _WORD.findall(text) if len(word) >= _LEAST_TERM_LETTERS)
    rare = ((word, count) for word, count in counted.most_common() if word not in _common())
    return tuple(word for word, count in rare if count >= _LEAST_TERM_COUNT)[:_MOST_TERMS]


@cache
def _common() -> frozenset[str]:
    return frozenset(word for row in records("common_words") for word in row["words"].split())
