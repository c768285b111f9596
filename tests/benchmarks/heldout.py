"""Whether the law of a finished sweep foretells runs of four times the compute of its largest.

    python -m experiments run cpu --corpus CORPUS --out SWEEP
    python tests/benchmarks/heldout.py SWEEP [--times 4] [--workers 2]

The law is `planner.fit` of the sweep's table as it stands. Two runs are then trained on the same corpus, each with
`times` the FLOPs of the sweep's largest run: one near the size that the law calls best for them, one of twice that
size and half the tokens. They learn as the sweep's runs of the nearest size do. The goal is an error of at most 2 %.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from experiments.config import Config, Shape, Sweep
from experiments.corpus import Corpus
from experiments.ledger import Ledger, Record
from experiments.train import train
from planner import load_runs
from planner.fitting import Fit, fit

TIMES_THE_BEST_SIZE = (1.0, 2.0)


def larger(sweep: Sweep, law: Fit, flops: float, vocabulary: int) -> Iterator[Config]:
    """The runs of `flops` to foretell."""
    configs = sweep.configs(vocabulary)
    best = law.optimum(flops)[0]
    for times in TIMES_THE_BEST_SIZE:
        shape = Shape.near(times * best, context=configs[0].shape.context, vocabulary=vocabulary)
        like = min(configs, key=lambda config: abs(math.log(config.shape.params / shape.params)))
        steps = round(flops / (6 * shape.params * like.tokens_per_step))
        yield replace(like, shape=shape, tokens=steps * like.tokens_per_step)


def measured(config: Config, corpus: Corpus) -> tuple[Record, float]:
    """What `config` comes to, and the processor's seconds that it took."""
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        record = train(config, corpus, Path(folder))
    return record, time.process_time() - start


def report_sweep(law: Fit, records: tuple[Record, ...]) -> None:
    sizes = {record.params for record in records}
    print(f"{len(records)} runs, {len(sizes)} sizes over a factor of {max(sizes) / min(sizes):.1f}")
    print(f"training and evaluation: {sum(record.seconds for record in records):.0f} seconds by the clock of each run")
    print(f"form {law.form}, in-sample error {100 * law.error:.2f} %\n")
    print(f"{law.coefficients.to_string(float_format=lambda number: f'{number:.4g}')}\n", flush=True)


def report_run(law: Fit, record: Record, seconds: float) -> None:
    foretold = float(law.predict(record.params, record.tokens))
    low, high = law.predict_interval(record.params, record.tokens)
    loss = record.loss or math.nan
    name = f"{record.layers}x{record.width}"
    passes = record.tokens / record.unique_tokens
    print(
        f"{name:8}{record.params:10,}{record.tokens:12,}{passes:8.2f}{foretold:10.4f}{f'{low:.4f} to {high:.4f}':>20}"
        f"{loss:10.4f}{100 * (foretold / loss - 1):+9.2f}{seconds:9.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", type=Path, help="the --out of a finished sweep")
    parser.add_argument("--times", type=float, default=4.0)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    ledger = Ledger(given.sweep)
    sweep, corpus = ledger.serves()
    law = fit(load_runs(ledger.export()))
    records = tuple(record for record in ledger.records() if record.status == "ok")
    report_sweep(law, records)
    configs = tuple(larger(sweep, law, given.times * max(record.flops for record in records), corpus.vocabulary))
    print("run         params      tokens  passes  foretold     90 % interval  measured  error %  seconds")
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        for record, seconds in pool.map(partial(measured, corpus=corpus), configs):
            report_run(law, record, seconds)


if __name__ == "__main__":
    main()
