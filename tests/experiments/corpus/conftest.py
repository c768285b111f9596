"""What tests of the corpus share: documents, lines of JSON, and a look at everything in a corpus."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiments.corpus import Corpus


@pytest.fixture(scope="session")
def everything() -> Callable[[Corpus], bytes]:
    """The bytes of both parts of a corpus of bytes."""
    return lambda corpus: bytes(corpus.train()) + bytes(corpus.held_out())


@pytest.fixture(scope="session")
def lines() -> Callable[..., bytes]:
    """Texts as lines of JSON."""
    return lambda *texts: "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


@pytest.fixture(scope="session")
def numbered() -> Callable[[int], bytes]:
    """Lines that all differ, so many bytes or a little less."""
    return lambda size: b"".join(b"line %07d\n" % number for number in range(size // 13))


@pytest.fixture(scope="session")
def words_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 300 documents of made-up words, about 400 kB, in two files of JSON lines."""
    chance = random.Random(1)
    words = ["".join(chance.choice("aeioubdfklmnprst") for _ in range(chance.randrange(2, 9))) for _ in range(400)]
    weights = 1 / np.arange(1, 401)
    folder = tmp_path_factory.mktemp("words")
    for name in ("a", "b"):
        texts = [" ".join(chance.choices(words, weights, k=200)) + ".\n" for _ in range(150)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return folder
