"""Vocabularies: the tokenizers of open models that come with a Python package, so that they need no network.

vocabularies.csv names them; which of them can be used depends on what is installed: the extra `vocabulary` brings those
of Llama, that of Mistral is used where its package is there.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from planner.catalog import Record, records
from planner.errors import MissingExtra

EXTRA = "vocabulary"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer, and how it cuts general English: tokens per word and bytes per token."""

    name: str
    title: str
    english_tokens_per_word: float
    english_bytes_per_token: float

    def tokens(self, text: str) -> list[int]:
        """The tokens of `text`, without any that mark its start or end."""
        encoded: list[int] = _encoding(self.name).encode(text, disallowed_special=())
        return encoded

    def pieces(self, text: str) -> tuple[str, ...]:
        """The text of each token, spaces around it left out; bytes that are no text alone are shown in hexadecimal."""
        return tuple(_shown(_encoding(self.name).decode_single_token_bytes(token)) for token in self.tokens(text))


def _shown(token: bytes) -> str:
    try:
        return token.decode("utf-8").strip()
    except UnicodeDecodeError:
        return token.hex()


def installed() -> tuple[Vocabulary, ...]:
    """Those whose package is installed, in the order of the table.

    Raises:
        MissingExtra: none is.
    """
    rows = [row for row in records("vocabularies") if find_spec(row["package"]) and find_spec("tiktoken")]
    if not rows:
        raise MissingExtra.of("a package with the tokenizer of an open model", extra=EXTRA)
    return tuple(_vocabulary(row) for row in rows)


def _vocabulary(row: Record) -> Vocabulary:
    measured = float(row["english_tokens_per_word"]), float(row["english_bytes_per_token"])
    return Vocabulary(row["name"], row["title"], *measured)


@cache
def _encoding(name: str) -> Any:
    row = next(row for row in records("vocabularies") if row["name"] == name)
    return _READERS[row["format"]](row)


def _llama(row: Record) -> Any:
    return import_module(row["resource"]).Tokenizer.get_instance().model


def _tekken(row: Record) -> Any:
    """Mistral's file holds the pattern that splits text, and the bytes of every entry by rank."""
    import tiktoken

    path = Path(str(files(row["package"]).joinpath(row["resource"])))
    content = json.loads(path.read_text("utf-8"))
    config = content["config"]
    kept = config["default_vocab_size"] - config["default_num_special_tokens"]
    ranks = {b64decode(entry["token_bytes"]): entry["rank"] for entry in content["vocab"][:kept]}
    return tiktoken.Encoding(row["name"], pat_str=config["pattern"], mergeable_ranks=ranks, special_tokens={})


_READERS: dict[str, Callable[[Record], Any]] = {"llama": _llama, "tekken": _tekken}
