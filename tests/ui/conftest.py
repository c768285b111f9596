"""What the tests of the pages share: a sweep's folder as the sweep machine writes it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.corpus import Corpus
from experiments.ledger import Ledger, Progress, record_of
from experiments.sweeps import load_sweep
from planner.laws import published

CORPUS = Corpus(
    source="a text", folder="", fingerprint="f", tokenizer="bytes", vocabulary=256, train_tokens=9_000_000,
    held_out_tokens=90_000, train_bytes=9_000_000, held_out_bytes=90_000, documents=9, passages=9, duplicates=0,
    skipped=0, skipped_kinds="", longest_bytes=100, compressed_share=0.3, gives_back=True,
)  # fmt: skip


@pytest.fixture
def write_sweep(tmp_path: Path) -> Callable[..., Path]:
    """A folder with a sweep of nine runs: write_sweep(finished=5, failed=1, going=1)."""

    def written(*, finished: int, failed: int = 0, going: int = 0, name: str = "mine") -> Path:
        ledger, sweep, law = Ledger(tmp_path / name), load_sweep("smoke"), published("besiroglu-2024").law
        ledger.open()
        ledger.begin(sweep, CORPUS, command="python -m experiments run smoke")
        configs = sweep.configs(CORPUS.vocabulary)
        for number, config in enumerate(configs[: finished + failed]):
            good = number < finished
            measured = {
                "loss": float(law.loss(config.shape.params, config.tokens)) if good else None,
                "loss_error": 0.01, "bits_per_byte": None, "unique_tokens": config.tokens,
                "tokens_done": config.tokens, "seconds": 2.0,
                "status": "ok" if good else "failed", "reason": "" if good else "the <b>disk</b> is full",
            }  # fmt: skip
            ledger.write(config, record_of(config, config.identity(CORPUS.fingerprint), **measured))
        for config in configs[finished + failed : finished + failed + going]:
            run = config.identity(CORPUS.fingerprint)
            ledger.report(Progress(run=run, step=40, loss=2.5, tokens_per_second=1000.0, device="cpu"))
        return ledger.folder

    return written
