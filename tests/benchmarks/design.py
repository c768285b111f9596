"""What design() buys from public run tables, beside all of their runs, random ones and an isoFLOP grid of equal cost.

    python tests/benchmarks/design.py [SHARED] [--share 0.1 ...] [--cut 10 ...] [--rounds 1]

For each table the runs at least `cut` times cheaper than the largest are the candidates, the others the target.
design() may spend `share` of what all candidates cost, or half as much again as the seven cheapest where that is more:
a fit needs seven. It sees the losses of no run that it has not bought; in later rounds it is given those it has. Every
choice is fitted and judged by its median relative error on the target, in percent.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from planner import design, fit
from planner.designing.choosing import LEAST_RUNS
from planner.designing.offers import at_random, given, isoflop
from planner.errors import PlannerError
from planner.laws import published

SHARED = Path(__file__).resolve().parents[3] / "shared"
RANDOM, TRIES = 20, 400
FLOOR = 1.5
COLUMNS = ["params", "tokens", "flops"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """Candidates with their losses, the larger runs, and what may be spent on candidates."""

    candidates: pd.DataFrame
    target: pd.DataFrame
    budget: float

    def error(self, chosen: list[int]) -> float:
        """Median relative error on the target of a fit of these candidates, in percent; NaN where there is none."""
        try:
            found = fit(self.candidates.iloc[chosen].reset_index(drop=True), draws=20)
        except PlannerError:
            return float("nan")
        predicted = found.predict(self.target["params"].to_numpy(), self.target["tokens"].to_numpy())
        return 100 * float(np.median(np.abs(predicted / self.target["loss"] - 1)))


def table_of(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    if "outlier" in table:
        table = table[~table["outlier"].astype(str).isin(["True", "1"])]
    return table[[*COLUMNS, "loss"]].dropna().astype(float).reset_index(drop=True)


def task_of(table: pd.DataFrame, cut: float, share: float) -> Task | None:
    cheap = table["flops"] <= table["flops"].max() / cut
    candidates, target = table[cheap].reset_index(drop=True), table[~cheap]
    costs = np.sort(candidates["flops"])
    if len(costs) < 2 * LEAST_RUNS:
        return None
    budget = max(share * costs.sum(), FLOOR * costs[:LEAST_RUNS].sum())
    return Task(candidates=candidates, target=target, budget=min(budget, target["flops"].max()))


def designed(task: Task, rounds: int) -> list[int]:
    """Rows bought over the public verb; each round buys the cheaper part of what is planned for the whole budget."""
    bought: list[int] = []
    for number in range(1, rounds + 1):
        rest = task.candidates.drop(index=bought)
        made = task.candidates.loc[bought] if len(bought) >= LEAST_RUNS else None
        left = task.budget - task.candidates["flops"].loc[bought].sum()
        try:
            planned = design(
                budget_flops=left, for_flops=task.target["flops"].max(), runs=made, candidates=rest[COLUMNS]
            ).table
        except PlannerError:
            break
        if number < rounds:
            planned = planned[planned["flops"].cumsum() <= left / rounds]
        bought += list(rest.index[planned["candidate"]])
    return bought


def randomly(task: Task) -> np.ndarray:
    """Errors of random choices that a law can be fitted to, at most RANDOM of them."""
    offers, rng = given(task.candidates[COLUMNS]), np.random.default_rng(0)
    choices = [at_random(offers, task.budget, rng) for _ in range(TRIES)]
    enough = [chosen for chosen in choices if len(chosen) >= LEAST_RUNS][:RANDOM]
    return np.array([task.error(chosen) for chosen in enough])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", nargs="?", type=Path, default=SHARED)
    parser.add_argument("--share", type=float, nargs="+", default=[0.1])
    parser.add_argument("--cut", type=float, nargs="+", default=[10])
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    if not asked.shared.is_dir():
        parser.exit(message=f"There is no folder {asked.shared}; give that of the public run tables.\n")
    tables = json.loads((asked.shared / "panel" / "tables.json").read_text())
    for cut in asked.cut:
        for share in asked.share:
            compare(asked.shared, tables, cut, share, asked.rounds)


def compare(shared: Path, tables: list[str], cut: float, share: float, rounds: int) -> None:
    print(f"cut {cut:g}, share {share:g}")
    print(
        f"{'table':28}{'all':>5}{'error':>8}{'spent':>8}{'bought':>8}{'error':>8}"
        f"{'isoFLOP':>9}{'random':>8}{'quartiles':>16}"
    )
    law, against = published("besiroglu-2024").law, []
    for name in tables:
        task = task_of(table_of(shared / "runs" / name), cut, share)
        if task is None:
            continue
        bought, random = designed(task, rounds), randomly(task)
        whole, own = task.error(list(range(len(task.candidates)))), task.error(bought)
        grid = task.error(isoflop(given(task.candidates[COLUMNS]), law, task.budget))
        low, middle, high = np.nanquantile(random, [0.25, 0.5, 0.75]) if len(random) else [np.nan] * 3
        against.append((own / whole, own / grid, own / middle))
        spent = task.candidates["flops"].iloc[bought].sum() / task.candidates["flops"].sum()
        print(
            f"{name[:-4]:28}{len(task.candidates):5}{whole:8.2f}{spent:8.2f}{len(bought):8}{own:8.2f}{grid:9.2f}"
            f"{middle:8.2f}{f'{low:.2f} to {high:.2f}':>16}",
            flush=True,
        )
    for what, ratios in zip(("all runs", "isoFLOP grid", "random median"), np.transpose(against), strict=True):
        known = ratios[np.isfinite(ratios)]
        print(f"as good as {what}: {(known <= 1).sum()} of {len(known)}; ratio {np.exp(np.log(known).mean()):.2f}")


if __name__ == "__main__":
    main()
