"""How long a bill and a what-if grid take, against bounds of 2 ms and of 1 s for 10,000 points.

Run `python tests/benchmarks/costs.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from statistics import median
from typing import Any

import numpy as np

from planner import cost, plan
from planner.costing import what_if

REPEATS = 200
BOUND_BILL, BOUND_GRID = 0.002, 1.0


def seconds(work: Callable[[], Any], repeats: int) -> list[float]:
    """The wall time of each of `repeats` calls, after one that fills the caches."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


def main() -> None:
    chosen = plan(budget_usd="2M", cluster="256x h100")
    prices, utilisations = np.linspace(1, 10, 100).tolist(), np.linspace(0.1, 0.6, 100).tolist()
    sizes = [8 * size for size in range(1, 101)]
    grown = count(7_000_000_000, 10_000_000)
    runs = {
        "cost() of a plan": (lambda: cost(chosen), REPEATS, BOUND_BILL),
        "cost() of sizes, by tier and month": (
            lambda: cost(params="7B", tokens="2T", cluster="256x h100", price="spot", when="2026-08"),
            REPEATS,
            BOUND_BILL,
        ),
        "cost() with serving, another size each time": (
            lambda: cost(params=next(grown), tokens="2T", cluster="256x h100", inference_tokens="1T"),
            REPEATS,
            BOUND_BILL,
        ),
        "cost() on own hardware": (
            lambda: cost(params="7B", tokens="2T", cluster="256x h100", price="own"),
            REPEATS,
            BOUND_BILL,
        ),
        "what_if(), 100 prices x 100 utilisations": (
            lambda: what_if(chosen, prices=prices, utilisations=utilisations),
            20,
            BOUND_GRID,
        ),
        "what_if(), 100 prices x 100 sizes": (lambda: what_if(chosen, prices=prices, gpus=sizes), 20, BOUND_GRID),
    }
    for name, (work, repeats, bound) in runs.items():
        taken = seconds(work, repeats)
        middle, slow = median(taken), float(np.quantile(taken, 0.95))
        verdict = "within" if middle < bound else "OVER"
        print(
            f"{name}: median {1e3 * middle:.2f} ms, 95th percentile {1e3 * slow:.2f} ms, {verdict} {1e3 * bound:g} ms"
        )


if __name__ == "__main__":
    main()
