"""Where data/law_covariance.csv and the noise in data/laws.csv come from: bootstraps of public runs, and rounding.

    python tests/benchmarks/law_covariance.py RUNS_FOLDER > data/law_covariance.csv

RUNS_FOLDER holds chinchilla_epoch.csv (Besiroglu et al. 2024) and datablations_single_epoch.csv (Muennighoff et al.
2023). The run-to-run noise of each law goes to stderr.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from planner.fitting import fit

AS_OF = "2026-11-21"
DRAWS = 4000


def bootstrapped(law: str, table: pd.DataFrame, source: str) -> list[list[str]]:
    found = fit(table, draws=DRAWS, seed=0).calibration
    print(f"{law}: noise {found.noise:.5f} from {len(table)} runs", file=sys.stderr)
    ensemble = found.ensemble
    columns = {name: np.log(getattr(ensemble, name)) for name in ("E", "A", "B")}
    columns |= {name: getattr(ensemble, name) for name in ("alpha", "beta")}
    # The central 98 %: a handful of degenerate resamples would otherwise set the spread of a normal.
    kept = np.ones(DRAWS, dtype=bool)
    for values in columns.values():
        kept &= (values > np.quantile(values, 0.005)) & (values < np.quantile(values, 0.995))
    covariance = np.cov(np.stack([values[kept] for values in columns.values()]))
    names = list(columns)
    return [
        [law, names[i], names[j], f"{covariance[i, j]:.6e}", source, AS_OF]
        for i in range(len(names))
        for j in range(i, len(names))
    ]


def rounded(law: str, half_units: dict[str, float], source: str) -> list[list[str]]:
    """Variance of a uniform error of half a unit in the last printed digit."""
    return [[law, name, name, f"{half**2 / 3:.6e}", source, AS_OF] for name, half in half_units.items()]


def main(folder: Path) -> None:
    chinchilla = pd.read_csv(folder / "chinchilla_epoch.csv")
    chinchilla = chinchilla[chinchilla["outlier"] == 0]
    c4 = pd.read_csv(folder / "datablations_single_epoch.csv")
    rows = bootstrapped(
        "besiroglu-2024",
        chinchilla,
        "our bootstrap of the 240 runs of Besiroglu et al. 2024",
    )
    rows += bootstrapped(
        "muennighoff-2023",
        c4,
        f"our bootstrap of {len(c4)} single-epoch runs of Muennighoff et al. 2023",
    )
    rows += rounded(
        "kaplan-2020",
        {"N_c": 0.05 / 8.8, "D_c": 0.05 / 5.4, "alpha_N": 0.0005, "alpha_D": 0.0005},
        "only the rounding of the printed digits, for want of anything published (assumption)",
    )
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["law", "first", "second", "covariance", "source", "as_of"])
    writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
