"""What it takes to lose a run: a sweep of 40 tiny runs under random SIGKILLs, for each backend.

    python tests/benchmarks/faults.py [--kills 30] [--seed 0] [serial pool ray slurm]

Kills go to the process that drives the sweep, or to one that works for it, at random moments of the work; a sweep that
ended is started again with the same command until every run has a result. Where that comes before the last kill, the
next sweep begins in a new folder. Slurm's jobs are processes of this machine. Printed per backend: sweeps, kills of
drivers and of others, runs lost, records that changed, whether every loss equals that of an undisturbed sweep bit for
bit, and seconds.
"""

import argparse
import random
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from experiments.ledger import Ledger
from experiments.run_sweep import run_sweep
from experiments.sweeps import load_sweep
from tests.experiments.chaos import Tally, chaos

SWEEP = """
title = "Forty tiny runs"
context = 32
batch = 4
tokens = [8192, 12288, 16384, 20480, 24576]
sizes = [
    { layers = 1, width = 16 }, { layers = 1, width = 32 }, { layers = 2, width = 16 }, { layers = 2, width = 32 }
]
learning_rate = 0.02
warmup_steps = 5
decay_share = 0.2
evaluation_windows = 32
seeds = [0, 1]
"""

WORDS = ("law", "of", "loss", "falls", "with", "more", "tokens", "and", "parameters", "until", "text", "runs", "out")

PACKAGES = {"serial": "torch", "pool": "torch", "ray": "ray", "slurm": "submitit"}
DRIVER_SHARE = 0.3


def written(folder: Path) -> tuple[Path, Path]:
    """The sweep's file and a folder of text."""
    text, sweep, chance = folder / "text", folder / "forty.toml", random.Random(0)
    text.mkdir()
    for number in range(60):
        (text / f"{number:02}.txt").write_text(f"{number} {' '.join(chance.choice(WORDS) for _ in range(200))}\n")
    sweep.write_text(SWEEP)
    return sweep, text


def losses(ledger: Ledger) -> dict[str, float | None]:
    return {record.run: record.loss for record in ledger.records()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", default=list(PACKAGES), metavar="BACKEND")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sweep, text = written(Path(folder))
        undisturbed = losses(
            run_sweep(
                load_sweep(str(sweep)), text, out=Path(folder) / "undisturbed", backend="serial", allow_repeats=True
            )
        )
        print("backend  sweeps  drivers  others  lost  changed  equal  seconds")
        for backend in asked.backends:
            if find_spec(PACKAGES[backend]) is None:
                print(f"{backend:7}  {PACKAGES[backend]} is not installed")
                continue
            started, total, lost, equal, sweeps = time.perf_counter(), Tally(), 0, True, 0
            while total.kills < asked.kills:
                out = Path(folder) / f"{backend}-{sweeps}"
                total += chaos(
                    sweep, text, out, backend, kills=asked.kills - total.kills, seed=asked.seed + sweeps,
                    driver_share=DRIVER_SHARE,
                )  # fmt: skip
                found = losses(Ledger(out))
                lost += len(undisturbed.keys() - found.keys())
                equal = equal and found == undisturbed
                sweeps += 1
            print(
                f"{backend:7}  {sweeps:6}  {total.drivers:7}  {total.workers:6}  {lost:4}  {len(total.changed):7}  "
                f"{equal!s:5}  {time.perf_counter() - started:7.0f}"
            )
            for complaint in total.complaints:
                lines = complaint.strip().splitlines()
                print("   said before it was started again:", next((x for x in lines if "failed:" in x), lines[-1]))


if __name__ == "__main__":
    main()
