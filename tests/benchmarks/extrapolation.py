"""How well fits of the smaller runs of nine public tables foretell the larger ones, and whether their intervals hold.

    python tests/benchmarks/extrapolation.py [SHARED]

SHARED holds panel/tables.json, a list of file names, and these tables in runs/. Every table is cut at 3 to 40 times
below its largest run; fit(form="auto") of the runs up to the cut predicts the others. A case is a table at a cut.

`error` is the median over the larger runs, relative to their loss; `bare` that of the additive form by the bare Huber
loss with delta 1e-3, `coupled` that of the coupled form; `ratio` is error over bare; `holds` the share of larger runs
in the 90 % interval, `half` its median half-width and `score` its mean Winkler score, relative to the loss; seconds are
CPU time of the fit with its intervals. Pooled lines weigh every case the same: `error`, `bare`, `coupled` and `half`
are medians, `ratio` a geometric mean, the others means.

Then, for every family of tables, the drift that the library starts from is chosen anew without that family, as the
least that lets the intervals hold 90 % of the others' larger runs, and tried on that family. Last come small sweeps:
random runs from below the cut at 10, one from each of as many equal parts by compute.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

# Threads for matrices this small only wait for each other; they are counted when numpy is first imported.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
import pandas as pd

from planner import fit
from planner.fitting import Fit, backtesting

CUTS, LEVEL, LEVELS = (3, 5, 10, 20, 40), 0.9, (0.5, 0.8, 0.9, 0.95)
DRIFTS = np.arange(5, 81) / 1000
"""What the library's DRIFT might be, 0.5 to 8 % a decade."""
LEAST_BELOW, LEAST_ABOVE = 8, 2
SMALL, SMALL_CUT, SAMPLES = (8, 12, 20, 40), 10, 20


@dataclass(frozen=True, kw_only=True)
class Case:
    """A table at a cut."""

    table: str
    cut: float
    below: pd.DataFrame
    above: pd.DataFrame

    @property
    def family(self) -> str:
        """Tables of one source are no independent witnesses."""
        return self.table.split("_")[0]

    def error(self, found: Fit) -> float:
        predicted = found.predict(self.above["params"], self.above["tokens"])
        return float(np.median(np.abs(predicted / self.above["loss"] - 1)))


def tables_of(shared: Path) -> dict[str, pd.DataFrame]:
    listed = shared / "panel" / "tables.json"
    if not listed.is_file():
        sys.exit(f"There is no {listed}. Give the folder that holds panel/tables.json and the tables in runs/.")
    paths = [shared / "runs" / name for name in json.loads(listed.read_text(encoding="utf-8"))]
    if missing := [str(path) for path in paths if not path.is_file()]:
        sys.exit(f"{listed} names tables that are not there: {', '.join(missing)}.")
    return {path.stem: loaded(path) for path in paths}


def loaded(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    if "outlier" in table:
        table = table[table["outlier"].astype(str) != "True"]
    return table[["params", "tokens", "flops", "loss"]].dropna().astype(float)


def cases_of(tables: dict[str, pd.DataFrame], cuts: Iterable[float]) -> Iterator[Case]:
    for cut in cuts:
        for name, table in tables.items():
            below = table["flops"] <= table["flops"].max() / cut
            if below.sum() >= LEAST_BELOW and (~below).sum() >= LEAST_ABOVE:
                yield Case(table=name, cut=cut, below=table[below], above=table[~below])


def intervals(case: Case, found: Fit, level: float = LEVEL) -> dict[str, float]:
    """How well the interval does on the larger runs."""
    loss = case.above["loss"].to_numpy()
    low, high = found.predict_interval(case.above["params"], case.above["tokens"], level)
    missed = np.maximum(low - loss, 0) + np.maximum(loss - high, 0)
    return {
        "holds": float(np.mean(missed == 0)),
        "half": float(np.median((high - low) / 2 / loss)),
        "score": float(np.mean((high - low + 2 / (1 - level) * missed) / loss)),
    }


def measured(case: Case) -> dict[str, object]:
    start = time.process_time()
    found = fit(case.below)
    shown = {"error": case.error(found)} | intervals(case, found)
    seconds = time.process_time() - start
    bare = case.error(fit(case.below, form="additive", delta=1e-3, draws=20))
    return {
        "table": case.table,
        "family": case.family,
        "cut": case.cut,
        "below": len(case.below),
        "above": len(case.above),
        "form": found.form,
        "bare": bare,
        "coupled": case.error(fit(case.below, form="coupled", draws=20)),
        "ratio": shown["error"] / bare,
        "drift": found.calibration.drift,
        "seconds": seconds,
        "levels": np.array([intervals(case, found, level)["holds"] for level in LEVELS]),
        "by_drift": np.array([under_drift(case, found, drift) for drift in DRIFTS]),
        **shown,
    }


def under_drift(case: Case, found: Fit, drift: float) -> tuple[float, float]:
    """`holds` and `half` if the library started from another drift."""
    with mock.patch.object(backtesting, "DRIFT", drift):
        moved = replace(found.calibration, drift=backtesting.drift_of(found.own_cuts))
    shown = intervals(case, replace(found, calibration=moved))
    return shown["holds"], shown["half"]


def line_of(name: str, row: pd.Series) -> str:
    percent = "".join(f"{100 * row[key]:8.2f}" for key in ("error", "bare", "coupled"))
    rest = "".join(f"{100 * row[key]:8.2f}" for key in ("drift", "half", "score"))
    return f"{name:41}{percent}{row['ratio']:8.2f}{rest}{100 * row['holds']:8.1f}{row['seconds']:8.2f}"


def pooled(rows: pd.DataFrame) -> pd.Series:
    middle = rows[["error", "bare", "coupled", "half"]].median()
    mean = rows[["drift", "score", "holds", "seconds"]].mean()
    return pd.concat([middle, mean, pd.Series({"ratio": np.exp(np.log(rows["ratio"]).mean())})])


def report_cases(rows: pd.DataFrame) -> None:
    heads = ("error", "bare", "coupled", "ratio", "drift", "half", "score", "holds", "CPU s")
    print(f"{'table, cut, runs below and above, form':41}" + "".join(f"{head:>8}" for head in heads))
    for _, row in rows.iterrows():
        print(line_of(f"{row['table'][:20]:21}{row['cut']:3}{row['below']:4}{row['above']:4} {row['form'][:8]}", row))
    for cut, part in rows.groupby("cut"):
        print(line_of(f"cut at {cut}: {len(part)} tables", pooled(part)), *extremes(part))
    print(line_of(f"all: {len(rows)} cases", pooled(rows)), *extremes(rows))
    for level, held in zip(LEVELS, np.stack(rows["levels"]).mean(axis=0), strict=True):
        print(f"{100 * level:.0f} % interval holds {100 * held:.1f} % of the larger runs")


def extremes(rows: pd.DataFrame) -> tuple[str, ...]:
    return f" worst ratio {rows['ratio'].max():.2f}", f"least held {100 * rows['holds'].min():.0f}"


def report_families(rows: pd.DataFrame) -> None:
    """Cases of a family: what they show as they are, the drift chosen without them, and what they show with that."""
    print(f"\n{'left out':14}{'cases':>7}{'holds':>8}{'half':>8}{'chosen':>10}{'holds':>8}{'half':>8}")
    unseen = []
    for family, part in rows.groupby("family"):
        index = enough(rows[rows["family"] != family])
        unseen.append(np.stack(part["by_drift"])[:, index])
        print(family_line(str(family), part, f"{100 * DRIFTS[index]:.1f}", unseen[-1]))
    print(family_line("all", rows, "", np.concatenate(unseen)))
    print(f"mean over the left-out families: {100 * np.mean([shown[:, 0].mean() for shown in unseen]):.1f}")


def enough(rows: pd.DataFrame) -> int:
    """Index of the least of `DRIFTS` that lets intervals hold 90 % of the larger runs; the last if none does."""
    held = np.stack(rows["by_drift"])[:, :, 0].mean(axis=0)
    return int(np.argmax(held >= LEVEL)) if (held >= LEVEL).any() else len(DRIFTS) - 1


def family_line(name: str, part: pd.DataFrame, chosen: str, shown: np.ndarray) -> str:
    own = f"{name:14}{len(part):7}{100 * part['holds'].mean():8.1f}{100 * part['half'].median():8.2f}"
    return f"{own}{chosen:>10}{100 * shown[:, 0].mean():8.1f}{100 * np.median(shown[:, 1]):8.2f}"


def small(case: Case, count: int, sample: int) -> dict[str, object]:
    """One small sweep of `count` runs, tried on all larger runs of the case."""
    rng = np.random.default_rng([count, sample])
    parts = np.array_split(np.argsort(case.below["flops"].to_numpy(), kind="stable"), count)
    fewer = replace(case, below=case.below.iloc[[rng.choice(part) for part in parts]])
    found = fit(fewer.below)
    bare = fewer.error(fit(fewer.below, form="additive", delta=1e-3, draws=20))
    return {"count": count, "error": fewer.error(found), "bare": bare, **intervals(fewer, found)}


def report_small(cases: list[Case]) -> None:
    rows = pd.DataFrame(
        small(case, count, sample)
        for count in SMALL
        for case in cases
        if len(case.below) >= count
        for sample in range(SAMPLES)
    )
    heads = ("fits", "error", "p90", "bare", "p90", "holds", "half", "score")
    print(f"\n{'small sweeps':14}" + "".join(f"{head:>8}" for head in heads))
    for count, part in rows.groupby("count"):
        errors = [100 * part[name].quantile(share) for name in ("error", "bare") for share in (0.5, 0.9)]
        held = [100 * part["holds"].mean(), 100 * part["half"].median(), 100 * part["score"].mean()]
        print(f"{count:4} runs{'':5}{len(part):8}" + "".join(f"{number:8.2f}" for number in errors + held))


def main() -> None:
    beside = Path(__file__).resolve().parents[3] / "shared"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", nargs="?", type=Path, default=beside, help="folder with panel/ and runs/")
    tables, start = tables_of(parser.parse_args().shared), time.process_time()
    print(f"Errors, drift, half, score and holds in percent; drift starts from {100 * backtesting.DRIFT:.1f}.\n")
    rows = pd.DataFrame([measured(case) for case in cases_of(tables, CUTS)])
    report_cases(rows)
    report_families(rows)
    report_small(list(cases_of(tables, (SMALL_CUT,))))
    print(f"\n{time.process_time() - start:.0f} CPU seconds")


if __name__ == "__main__":
    main()
