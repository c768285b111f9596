"""What design() buys from public run tables, beside random runs of equal cost and beside buying them all.

    python tests/benchmarks/design.py [SHARED] [--share 0.1] [--cut 10]

For each table the runs at least `cut` times cheaper than the largest are the candidates, the others the target.
design() may spend `share` of what all candidates cost, in two rounds: half of it, then a fit, then the rest given those
runs. Each choice is fitted and judged by its median relative error on the target. "-" where random choices are too few
to fit, "nan" where the share buys too few runs for any law.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from planner import design, fit
from planner.errors import PlannerError

SHARED = Path(__file__).resolve().parents[3] / "shared"
RANDOM = 20


def table_of(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    if "outlier" in table:
        table = table[~table["outlier"].astype(str).isin(["True", "1"])]
    return table[["params", "tokens", "flops", "loss"]].dropna().astype(float).reset_index(drop=True)


def error(bought: pd.DataFrame, target: pd.DataFrame) -> float:
    """Median relative error in percent on the target; NaN where no law can be fitted."""
    try:
        found = fit(bought, form="coupled", draws=20)
    except PlannerError:
        return float("nan")
    predicted = found.predict(target["params"].to_numpy(), target["tokens"].to_numpy())
    return 100 * float(np.median(np.abs(predicted / target["loss"] - 1)))


def designed(candidates: pd.DataFrame, budget: float, for_flops: float) -> pd.DataFrame:
    """Two rounds over the public verb; losses of runs that are not bought are never looked at."""
    plain = candidates[["params", "tokens", "flops"]]
    first = design(budget_flops=budget / 2, for_flops=for_flops, candidates=plain).table["candidate"]
    bought = candidates.iloc[first]
    rest = candidates.drop(candidates.index[first])
    try:
        left = budget - bought["flops"].sum()
        more = design(budget_flops=left, for_flops=for_flops, runs=bought, candidates=rest[plain.columns])
    except PlannerError:
        # Too few runs for a law, or none left that is cheap enough: one round then.
        whole = design(budget_flops=budget, for_flops=for_flops, candidates=plain).table["candidate"]
        return candidates.iloc[whole]
    return pd.concat([bought, rest.iloc[more.table["candidate"]]])


def at_random(candidates: pd.DataFrame, budget: float, seed: int) -> pd.DataFrame:
    kept, left = [], budget
    for row in np.random.default_rng(seed).permutation(len(candidates)):
        if candidates["flops"].iloc[row] <= left:
            kept.append(row)
            left -= candidates["flops"].iloc[row]
    return candidates.iloc[kept]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", nargs="?", type=Path, default=SHARED)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--cut", type=float, default=10)
    asked = parser.parse_args()
    if not asked.shared.is_dir():
        parser.exit(message=f"There is no folder {asked.shared}; give that of the public run tables.\n")
    reached = beaten = compared = 0
    print(f"{'table':28}{'all runs':>10}{'error':>8}{'bought':>8}{'error':>8}{'random':>8}{'quartiles':>16}")
    for name in json.loads((asked.shared / "panel" / "tables.json").read_text()):
        table = table_of(asked.shared / "runs" / name)
        cheap = table["flops"] <= table["flops"].max() / asked.cut
        candidates, target = table[cheap].reset_index(drop=True), table[~cheap]
        budget = asked.share * candidates["flops"].sum()
        whole, bought = error(candidates, target), designed(candidates, budget, float(target["flops"].max()))
        own = error(bought, target)
        random = np.array([error(at_random(candidates, budget, seed), target) for seed in range(RANDOM)])
        random = random[np.isfinite(random)]
        reached += own <= whole
        if len(random) > RANDOM // 2:
            compared += 1
            beaten += own < np.median(random)
            low, middle, high = np.quantile(random, [0.25, 0.5, 0.75])
            shown = f"{middle:8.2f}{f'{low:.2f} to {high:.2f}':>16}"
        else:
            shown = f"{'-':>8}{'-':>16}"
        print(f"{name[:-4]:28}{len(candidates):10}{whole:8.2f}{len(bought):8}{own:8.2f}{shown}", flush=True)
    print(f"As accurate as all runs: {reached} of 9. Better than random: {beaten} of {compared} that can be fitted.")


if __name__ == "__main__":
    main()
