"""Whether runs that share a trunk give the same law as runs that do not, and what share of their FLOPs they take.

    python tests/benchmarks/branching.py CORPUS [--workers 2]

A reduced ladder of four sizes and five token counts is trained three times: by branches of one trunk per size, by runs
of their own from the first step with the same seed, and by such runs with a seed each, and thus a start and an order of
the text of its own. All have a constant rate and a decay over the last fifth. The goals: losses within 0.5 %, each
law's coefficients inside the other's 90 % intervals, at most 60 % of the FLOPs. Of the last comparison seeds are part:
what is apart there and not with the same seed is the noise between seeds, not what branching does.
"""

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from experiments.config import Config, Shape
from experiments.corpus import Corpus, build
from experiments.rules import recipe
from experiments.train import train
from planner import fit

SIZES = ((2, 16), (2, 24), (2, 40), (3, 48))
TOKENS = (163_840, 262_144, 409_600, 655_360, 1_048_576)
CONTEXT, EVALUATION_WINDOWS = 128, 1024


def configs(seeds: Sequence[int]) -> list[Config]:
    """All runs, the longest first; run number i has seed i of `seeds`, over and over."""
    how = recipe(TOKENS, CONTEXT)
    step = how.batch * CONTEXT
    pairs = [(size, tokens) for size in reversed(SIZES) for tokens in reversed(TOKENS)]
    return [
        Config(
            shape=Shape(layers=layers, width=width, context=CONTEXT, vocabulary=256),
            tokens=tokens // step * step,
            batch=how.batch,
            learning_rate=how.learning_rate,
            warmup_steps=how.warmup_steps,
            decay_share=0.2,
            evaluation_windows=EVALUATION_WINDOWS,
            seed=seeds[number % len(seeds)],
        )
        for number, ((layers, width), tokens) in enumerate(pairs)
    ]


def trained(chain: list[Config], corpus: Corpus) -> list[dict[str, float]]:
    """The runs of one trunk by rising token count; they find no checkpoints of other chains."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        records = [train(config, corpus, Path(folder)) for config in sorted(chain, key=lambda config: config.tokens)]
    for record in records:
        spent = 6.0 * record.params * record.tokens_done
        row = {"params": record.params, "tokens": record.tokens, "flops": record.flops, "loss": record.loss}
        rows.append(row | {"spent": spent, "seconds": record.seconds})
    return rows


def table(chains: list[list[Config]], corpus: Corpus, workers: int) -> pd.DataFrame:
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        found = pool.map(partial(trained, corpus=corpus), chains)
        return pd.DataFrame([row for rows in found for row in rows]).sort_values(
            ["params", "tokens"], ignore_index=True
        )


def inside(one: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    """For every coefficient of `one` whether it is in the interval of `other`."""
    return (one["value"] >= other["low"]) & (one["value"] <= other["high"])


def report(branched: pd.DataFrame, alone: pd.DataFrame) -> None:
    apart = branched["loss"] / alone["loss"] - 1
    print(f"{'params':>9}{'tokens':>11}{'branched':>10}{'alone':>10}{'apart %':>9}")
    for number, run in alone.iterrows():
        shared = branched["loss"][number]
        print(f"{run['params']:9,.0f}{run['tokens']:11,.0f}{shared:10.4f}{run['loss']:10.4f}{100 * apart[number]:9.2f}")
    laws = [fit(rows, form="coupled").coefficients for rows in (branched, alone)]
    names = pd.MultiIndex.from_product([("branched", "alone"), ("value", "low", "high")])
    both = pd.concat([law[["value", "low", "high"]] for law in laws], axis=1).set_axis(names, axis=1)
    print(f"\n{both.to_string(float_format=lambda number: f'{number:.4g}')}\n")
    outside = laws[0].index[~(inside(*laws) & inside(*reversed(laws)))]
    print(f"coefficients outside each other's intervals: {', '.join(outside) or 'none'}")
    print(f"losses apart: worst {100 * apart.abs().max():.2f} %, mean {100 * apart.mean():+.2f} %")
    for name in ("spent", "seconds"):
        print(f"{name}: {100 * branched[name].sum() / alone[name].sum():.1f} % of that of runs of their own")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="file or folder of text")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = build(given.corpus, Path(folder))
        shared, count = configs([0]), len(TOKENS)
        chains = [shared[start : start + count] for start in range(0, len(shared), count)]
        branched = table(chains, corpus, given.workers)
        for title, seeds in (("the same seed", [0]), ("a seed each", range(1, 1 + len(shared)))):
            print(f"\nBranches beside runs of their own with {title}", flush=True)
            report(branched, table([[config] for config in configs(seeds)], corpus, given.workers))


if __name__ == "__main__":
    main()
