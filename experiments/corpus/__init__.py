"""A corpus: your own text as tokens on disk, cut, cleared of duplicates, and split into what is trained on and not."""

from experiments.corpus.building import build
from experiments.corpus.corpora import Corpus
from experiments.corpus.sources import Source
from experiments.corpus.splitting import HELD_OUT_SHARE
from experiments.corpus.windows import Order, Windows

__all__ = ["HELD_OUT_SHARE", "Corpus", "Order", "Source", "Windows", "build"]
