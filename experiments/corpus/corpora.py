"""Corpus: text as two arrays of tokens on disk, one to train on and one held out. It trains nothing."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.corpus.splitting import DIGEST_BYTES, HELD_OUT_SHARE
from experiments.files import reading, write_note
from planner.errors import DataError
from planner.sheet import Finding, Row, Sheet
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

NOTE, TRAIN_FILE, HELD_OUT_FILE = "planner-corpus.json", "train.tokens", "held-out.tokens"

LEAST_COMPRESSED_SHARE = 0.05
"""Prose keeps a third or more of its bytes under zlib, code a quarter; less than this is the same text again."""

_MEND = "Delete this folder and run the same command again: the corpus is then built anew."


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus(Sheet):
    """What was read from `source`, and the folder that holds its tokens.

    Args:
        fingerprint: a hash of the text, of the tokenizer and of what is held out.
        tokenizer: what turns text into tokens, in words.
        vocabulary: how many different tokens there can be.
        train_bytes: text to train on; like `held_out_bytes` it counts the end of each document as one byte.
        documents: documents with text, duplicates included.
        passages: what long documents were cut into, duplicates included.
        duplicates: passages dropped since an earlier one is the same.
        skipped: files, documents or passages left out, which `skipped_kinds` lists.
        longest_bytes: the length from which documents were cut into passages, each of which may be held out.
        compressed_share: how much of the text to train on zlib leaves.
        gives_back: whether its tokens give a sample of the text back unchanged.
    """

    source: str
    folder: str
    fingerprint: str
    tokenizer: str
    vocabulary: int
    train_tokens: int
    held_out_tokens: int
    train_bytes: int
    held_out_bytes: int
    documents: int
    passages: int
    duplicates: int
    skipped: int
    skipped_kinds: str
    longest_bytes: int
    compressed_share: float
    gives_back: bool

    @property
    def bytes_per_token(self) -> float:
        """Bytes of text in a token: of the text held out, or where there is none of the text to train on."""
        if self.held_out_tokens:
            return self.held_out_bytes / self.held_out_tokens
        return self.train_bytes / self.train_tokens

    @property
    def held_out_share(self) -> float:
        """The share of the text that is held out."""
        return self.held_out_bytes / (self.train_bytes + self.held_out_bytes)

    def train(self) -> NDArray[Any]:
        """The tokens to train on, memory-mapped."""
        return self._mapped(TRAIN_FILE, self.train_tokens)

    def held_out(self) -> NDArray[Any]:
        """The tokens to evaluate on, memory-mapped."""
        return self._mapped(HELD_OUT_FILE, self.held_out_tokens)

    def _mapped(self, name: str, tokens: int) -> NDArray[Any]:
        path, dtype = Path(self.folder) / name, np.min_scalar_type(self.vocabulary - 1)
        if not path.exists() or path.stat().st_size != tokens * dtype.itemsize:
            raise DataError(f"{path} is damaged: it does not hold the {tokens:,} tokens it should.", mend=_MEND)
        with reading(path.with_name(NOTE), mend=_MEND) as note:
            checksum = note["checksums"][name]
        if _checksum_of(path) != checksum:
            raise DataError(f"{path} is damaged: its checksum is wrong.", mend=_MEND)
        return np.memmap(path, dtype=dtype, mode="r") if tokens else np.empty(0, dtype=dtype)

    @property
    def title(self) -> str:  # type: ignore[override]
        """What it is called."""
        return f"Corpus {self.source}"

    def rows(self) -> Iterable[Row]:
        """How much text there is, what was left out, and how it becomes tokens."""
        yield Row("corpus", "Corpus", self.source, note=f"fingerprint {self.fingerprint}")
        yield Row("documents", "Documents", self.documents, "count", self._passages_note())
        yield Row("duplicates", "Duplicates dropped", self.duplicates, "count")
        yield Row("skipped", "Skipped", self.skipped, "count", self.skipped_kinds)
        yield Row("train_bytes", "Text to train on", self.train_bytes, "bytes")
        yield Row("train_tokens", "Tokens in that text", self.train_tokens, "tokens")
        yield Row("held_out_bytes", "Text held out", self.held_out_bytes, "bytes", self._held_out_note())
        yield Row("held_out_tokens", "Tokens held out", self.held_out_tokens, "tokens")
        yield Row("vocabulary", "Vocabulary", self.vocabulary, "count", self.tokenizer)
        yield Row("bytes_per_token", "Bytes per token", self.bytes_per_token, "", "of the text held out")

    def _passages_note(self) -> str:
        if self.passages <= self.documents:
            return ""
        return f"cut into {self.passages:,} passages of up to {show(self.longest_bytes, 'bytes')}"

    def _held_out_note(self) -> str:
        return f"{show(self.held_out_share, 'fraction')}, chosen by hash; about {show(HELD_OUT_SHARE, 'fraction')} is"

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """What is odd about the text or its tokens."""
        return tuple(self._found())

    def _found(self) -> Iterable[Finding]:
        if self.compressed_share < LEAST_COMPRESSED_SHARE:
            yield Finding(
                "warning",
                "The text says the same again and again.",
                f"Compressed, {show(self.compressed_share, 'fraction')} of it is left; of ordinary text it is a "
                "quarter or more. Models learn it by heart, and the text held out repeats what they trained on.",
                "A law of these losses says nothing about other text. Give more varied text.",
            )
        if not self.gives_back:
            yield Finding(
                "warning",
                "The tokenizer loses some of the text.",
                "A sample of the text, turned into tokens and back, is not the same as before. "
                "Bits per byte then look better than they are.",
                "Give a tokenizer that works on bytes, or train one with --vocabulary.",
            )


def saved(corpus: Corpus, *, key: str) -> Corpus:
    """The corpus, once its note stands in its folder; `key` says what it was built from."""
    folder = Path(corpus.folder)
    checksums = {name: _checksum_of(folder / name) for name in (TRAIN_FILE, HELD_OUT_FILE)}
    write_note(folder / NOTE, {"key": key, "corpus": asdict(corpus), "checksums": checksums})
    return corpus


def _checksum_of(path: Path) -> str:
    """A checksum of the file; one that has not changed since is read only once in a process."""
    stat = path.stat()
    return _summed(path, stat.st_size, stat.st_mtime_ns)


@cache
def _summed(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=DIGEST_BYTES)).hexdigest()


def is_corpus(folder: Path) -> bool:
    """Whether `folder` holds a corpus that was built before."""
    return (folder / NOTE).is_file()


def loaded(folder: Path) -> tuple[Corpus, str]:
    """The corpus in `folder`, wherever that stands today, and the key of what it was built from."""
    with reading(folder / NOTE, mend=_MEND) as note:
        corpus, key = replace(Corpus(**note["corpus"]), folder=str(folder)), str(note["key"])
    corpus.train()
    corpus.held_out()
    return corpus, key
