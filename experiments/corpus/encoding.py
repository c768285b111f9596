"""Encoding: text to tokens, by bytes, by a byte-pair encoding trained on the corpus, or by an existing tokenizer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.corpus.pairs import END_OF_TEXT, loaded, require_tokenizers, words
from experiments.files import write_whole
from planner.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BYTES = 256
LEAST_VOCABULARY = BYTES + 2
"""Every byte, the end of a text, and one pair at least."""

ENDS = (END_OF_TEXT, "<|end_of_text|>", "</s>", "<eos>", "<|eos|>", "<end_of_text>", "[SEP]")
"""What known tokenizers call the token that ends a document."""

TEXTS_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How text becomes tokens.

    Args:
        end: the token after a document.
        file: a tokenizer.json; None for bytes.
        ours: whether it is a byte-pair encoding that we trained.
    """

    label: str
    vocabulary: int
    end: int
    identity: str
    file: str | None = None
    ours: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest unsigned integers that hold every token."""
        return np.min_scalar_type(self.vocabulary - 1)

    def tokens(self, texts: Sequence[bytes]) -> Iterator[NDArray[Any]]:
        """The tokens of each text, with the end after them."""
        end = np.array([self.end], dtype=self.dtype).tobytes()
        if self.file is None:
            raw: Iterator[bytes] = iter(texts)
        elif self.ours:
            raw = map(words(self.file, self.identity, self.dtype).tokens, map(bytes.decode, texts))
        else:
            raw = self._of_theirs(loaded(self.file, self.identity), texts)
        for tokens in raw:
            yield np.frombuffer(tokens + end, dtype=self.dtype)

    def _of_theirs(self, tokenizer: Any, texts: Sequence[bytes]) -> Iterator[bytes]:
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            some = [text.decode() for text in texts[start : start + TEXTS_AT_ONCE]]
            for encoded in tokenizer.encode_batch_fast(some, add_special_tokens=False):
                yield np.array(encoded.ids, dtype=self.dtype).tobytes()

    def text(self, tokens: NDArray[Any]) -> bytes:
        """The text of these tokens, ends left out."""
        kept = tokens[tokens != self.end]
        if self.file is None:
            return bytes(kept.astype(np.uint8))
        text: str = loaded(self.file, self.identity).decode(kept.tolist(), skip_special_tokens=False)
        return text.encode(errors="replace")


OF_BYTES = Encoding(label="bytes", vocabulary=BYTES, end=0, identity="bytes")
"""Text never contains the byte 0, so that it can end a document."""


def copied(original: Path, file: Path) -> None:
    """Write to `file` the tokenizer.json at `original`, with a token that ends a document."""
    require_tokenizers()
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(original.read_text(encoding="utf-8"))
    except Exception as error:  # tokenizers raises nothing narrower
        raise InputError(
            f"{original} is no tokenizer: {str(error).splitlines()[0].rstrip('.')}.",
            mend="Give a tokenizer.json as the package `tokenizers` saves it.",
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if not any(tokenizer.token_to_id(end) is not None for end in ENDS):
        tokenizer.add_special_tokens([END_OF_TEXT])
    write_whole(file, lambda out: out.write(tokenizer.to_str().encode()))


def opened(file: Path, label: str, *, ours: bool) -> Encoding:
    """The encoding in a file that `trained` or `copied` wrote."""
    identity = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    ids = loaded(str(file), identity).get_vocab(with_added_tokens=True)
    return Encoding(
        label=label,
        vocabulary=max(ids.values()) + 1,
        end=next(ids[end] for end in ENDS if end in ids),
        identity=identity,
        file=str(file),
        ours=ours,
    )
