"""How well utilisation is predicted, and where data/utilisation.csv comes from.

    python tests/benchmarks/utilisation.py [--splits 500] [--write]

Prints the score of every run left out once, of the same with precision told, and of random splits into 40 runs to fit
and 23 to predict. --write fits all runs and writes the coefficients that the library reads.
"""

import argparse
import csv
from dataclasses import replace

import numpy as np

from planner.catalog import data_folder
from planner.hardware.utilisation import published_runs, steady_figures
from planner.hardware.utilisation.fitting import regress, without
from planner.hardware.utilisation.predicting import SOURCE, forecast, lines_of
from planner.hardware.utilisation.terms import TERMS
from planner.validating.scoring import Score, score
from planner.validating.verb import hours_of

AS_OF = "2026-11"
HELD_OUT = 23
BARS = "median <= 1.35, 80 % within 1.5x, 95 % within 2x, 80 % range holding 70 to 90 %"


def left_out(precision_told: bool) -> Score:
    runs, figures = published_runs(), steady_figures()
    pairs = []
    for run in runs:
        blind = regress(*without({run.key}, runs, figures))
        if precision_told:
            used = forecast(blind, run.facts).value
            pairs.append((used, run.utilisation))
        else:
            pairs.append((hours_of(run, blind), run.gpu_hours))
    return score(pairs)


def split_once(rng: np.random.Generator) -> Score:
    runs, figures = published_runs(), steady_figures()
    tested = [runs[i] for i in rng.permutation(len(runs))[:HELD_OUT]]
    blind = regress(*without({run.key for run in tested}, runs, figures))
    return score([(hours_of(run, blind), run.gpu_hours) for run in tested])


def line(name: str, found: Score) -> str:
    return (
        f"{name:<34} median {found.median_factor:.3f}  1.5x {found.within_good:.3f}  2x {found.within_tolerable:.3f}  "
        f"80 % range {found.held_80:.3f}  90 % range {found.held_90:.3f}"
    )


def splits(count: int) -> None:
    rng = np.random.default_rng(0)
    found = [split_once(rng) for _ in range(count)]
    mean = Score(runs=HELD_OUT, **{
        name: float(np.mean([getattr(one, name) for one in found]))
        for name in ("median_factor", "within_good", "within_tolerable", "held_80", "held_90")
    })  # fmt: skip
    print(line(f"mean of {count} splits 40/{HELD_OUT}", mean))
    met = {
        "median": [one.median_factor <= 1.35 for one in found],
        "1.5x": [one.within_good >= 0.8 for one in found],
        "2x": [one.within_tolerable >= 0.95 for one in found],
        "80 % range": [0.7 <= one.held_80 <= 0.9 for one in found],
    }
    shares = ", ".join(f"{name} {np.mean(values):.2f}" for name, values in met.items())
    print(f"share of splits that meet {BARS}: {shares}")


def write() -> None:
    runs, figures = published_runs(), steady_figures()
    regression = regress(runs, figures)
    path = data_folder() / "utilisation.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["quantity", "term", "other", "value", "source", "as_of", "confidence"])
        for quantity, term, other, value in lines_of(regression):
            writer.writerow([quantity, term, other, f"{value:.8g}", SOURCE, AS_OF, "computed"])
    for term, mean, variance in zip(TERMS, regression.mean, np.diag(regression.covariance), strict=True):
        print(f"{term:<18} {mean:+.3f} +- {variance**0.5:.3f}")
    print(f"{len(runs)} runs and {len(figures)} stated MFUs; wrote {path.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=500)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.write:
        write()
    print(line("each run left out", left_out(precision_told=False)))
    print(line("each run left out, precision told", left_out(precision_told=True)))
    runs, figures = published_runs(), steady_figures()
    everything = regress(runs, figures)
    known = score([(forecast(everything, replace(run.facts, precision=None)).value, run.utilisation) for run in runs])
    print(line("all runs known", known))
    splits(options.splits)


if __name__ == "__main__":
    main()
