"""A little text and a tiny sweep that every test of the sweep machine shares."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from experiments.config import Config, Shape
from experiments.corpus import Corpus, build
from experiments.sweeps import load_sweep

if TYPE_CHECKING:
    from pathlib import Path

    from experiments.config import Sweep

SENTENCE = "the law of loss falls with more tokens and more parameters until text or money runs out"

TINY = """
title = "Tiny"
context = 32
batch = 4
tokens = [4096, 8192, 16384]
sizes = [{ layers = 1, width = 16 }, { layers = 2, width = 16 }]
learning_rate = 0.02
warmup_steps = 5
decay_share = 0.2
evaluation_windows = 32
seeds = [0]
"""


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 60 documents, about 60 kB."""
    folder = tmp_path_factory.mktemp("text")
    chance = random.Random(0)
    for number in range(60):
        document = " ".join(chance.choice(SENTENCE.split()) for _ in range(200))
        (folder / f"{number:02}.txt").write_text(f"{number} {document}\n")
    return folder


@pytest.fixture(scope="session")
def corpus(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus of `text`."""
    return build(text, tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep file of six runs of some tenths of a second."""
    path = tmp_path_factory.mktemp("sweep") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def tiny(tiny_file: Path) -> Sweep:
    """The sweep of `tiny_file`."""
    return load_sweep(str(tiny_file))


@pytest.fixture
def config() -> Config:
    """One tiny run."""
    return Config(
        shape=Shape(layers=2, width=16, context=32, vocabulary=256),
        tokens=8192,
        batch=4,
        learning_rate=0.02,
        warmup_steps=5,
        decay_share=0.2,
        evaluation_windows=32,
        seed=0,
    )
