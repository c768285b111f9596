"""Byte-pair encodings that we train ourselves, and a fast way through them: each different word is encoded once.

Words are told apart by a pattern of plain ranges of characters, which Python's `re` and the tokenizer in its file
understand alike; so the fast way gives the tokens that the file gives.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.files import write_whole
from planner.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

END_OF_TEXT = "<|endoftext|>"

_SPACE = " \t\n\r\f\v"
_MARK = "!-/:-@\\[-`{-~\x01-\x08\x0e-\x1f\x7f-\xbf\u2010-\u206f\u3001-\u303f"
_LETTER = f"[^{_SPACE}0-9{_MARK}]"
WORDS = f" ?{_LETTER}+| ?[0-9]{{1,3}}| ?[{_MARK}]+[\r\n]*|[{_SPACE}]*[\r\n]+|[{_SPACE}]+(?![^{_SPACE}])|[{_SPACE}]+"
"""What is never joined: a word with the space before it, up to three digits, marks, line ends, and other space."""

MOST_WORDS = 500_000
"""Encoded words that are remembered: some tens of megabytes."""


def trained(texts: Iterable[str], vocabulary: int, file: Path) -> None:
    """Write to `file` a byte-pair encoding of `vocabulary` tokens, or of fewer where `texts` has no more pairs."""
    require_tokenizers()
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    split = pre_tokenizers.Split(Regex(WORDS), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=to_bytes.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    write_whole(file, lambda out: out.write(tokenizer.to_str().encode()))


@cache
def loaded(file: str, identity: str) -> Any:
    """The tokenizer in `file`, to which text that looks like a special token is text; `identity` names its content."""
    require_tokenizers()
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(file)
    tokenizer.encode_special_tokens = True
    return tokenizer


def require_tokenizers() -> None:
    """Raise where the extra that encodes is not installed."""
    try:
        import tokenizers  # noqa: F401
    except ImportError:
        raise MissingExtra.of("tokenizers", extra="sweep") from None


class Words(dict[str, bytes]):
    """The tokens of every word met so far, as the bytes of an array of `dtype`."""

    def __init__(self, tokenizer: Any, dtype: np.dtype[Any]) -> None:
        self._tokenizer, self._dtype = tokenizer, dtype
        self._all = re.compile(WORDS).findall

    def __missing__(self, word: str) -> bytes:
        ids = self._tokenizer.encode(word, add_special_tokens=False).ids
        tokens = self[word] = np.array(ids, dtype=self._dtype).tobytes()
        return tokens

    def tokens(self, text: str) -> bytes:
        """The tokens of `text`."""
        if len(self) > MOST_WORDS:
            self.clear()
        return b"".join(map(self.__getitem__, self._all(text)))


@cache
def words(file: str, identity: str, dtype: np.dtype[Any]) -> Words:
    """The words of our own byte-pair encoding in `file`."""
    return Words(loaded(file, identity), dtype)
