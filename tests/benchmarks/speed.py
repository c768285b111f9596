"""How long the public verbs take, medians of several runs.

    python tests/benchmarks/speed.py

Import is a fresh process less an empty one, wall time; the others are CPU seconds in one process after a warm-up.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from planner import UseCase, advise, cost, fit, plan
from planner.laws import published

REPEATS = 7


def process_seconds(code: str) -> float:
    def once() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - start

    return statistics.median(once() for _ in range(REPEATS))


def cpu_seconds(function: Callable[[], object]) -> float:
    function()

    def once() -> float:
        start = time.process_time()
        function()
        return time.process_time() - start

    return statistics.median(once() for _ in range(REPEATS))


def sweep(runs: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    params, tokens = 10 ** rng.uniform(7.5, 10, runs), 10 ** rng.uniform(9, 11.5, runs)
    loss = np.asarray(published("besiroglu-2024").law.loss(params, tokens)) * np.exp(0.005 * rng.standard_normal(runs))
    return pd.DataFrame({"params": params, "tokens": tokens, "loss": loss})


def main() -> None:
    empty = process_seconds("pass")
    print(f"{'import planner':44} {process_seconds('import planner') - empty:8.3f} s")
    table = sweep()
    measured: dict[str, Callable[[], object]] = {
        "fit, 240 runs, 20 bootstraps, back-test": lambda: fit(table, draws=20),
        "fit, 240 runs, 1,000 bootstraps": lambda: fit(table),
        "plan(budget_flops)": lambda: plan(budget_flops=1e22),
        "plan(budget_usd, tokens_available)": lambda: plan(budget_usd="2M", tokens_available="20B"),
        "cost(plan)": lambda: cost(params=7e10, tokens=1.4e12, cluster="512x h100"),
        "advise(UseCase())": lambda: advise(UseCase()),
    }
    for name, function in measured.items():
        print(f"{name:44} {cpu_seconds(function):8.4f} CPU s")


if __name__ == "__main__":
    main()
