"""planner's fit and bootstrap beside the tools that people use, on the 240 runs of Besiroglu et al. 2024, in one table.

    pip install -e '.[bench]'
    python tests/benchmarks/rivals.py [RUNS_FOLDER] [--full] [--starts 150] [--bootstraps 40]

RUNS_FOLDER holds chinchilla_epoch.csv. Every tool works in a process of its own with one BLAS thread; its seconds are
user and system time without imports, for ours the median of calls after the first. Where a tool is slow, a share of its
starts or resamples is run and the seconds are scaled up, as the table says; --full runs all. The objective is the sum
of Huber losses, delta 1e-3, of log loss; for a bootstrap it is the mean over the first resamples, the same ones for
all, and the coefficients are medians over those.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

DELTA, RESAMPLES = 1e-3, 4000
NAMES, COLUMNS = ("E", "A", "B", "alpha", "beta"), ["params", "tokens", "loss"]
HOFFMANN = (np.log(406.4), np.log(410.7), np.log(1.69), 0.34, 0.28)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a tool reached: coefficients of E + (A/N^alpha + B/D^beta)^k, k being 1 where it is not named.

    `objective` stands where it is not that of the coefficients on the 240 runs.
    """

    seconds: float
    did: str
    coefficients: dict[str, float]
    objective: float | None = None


def huber(residual):
    size = np.abs(residual)
    return float(np.where(size <= DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA)).sum())


def shares_and_residuals(theta, log_n, log_d, log_loss):
    """The law as it is usually written: raw logarithms, unknowns (a, b, e, alpha, beta)."""
    a, b, e, alpha, beta = theta
    terms = np.stack([a - alpha * log_n, b - beta * log_d, np.full_like(log_n, e)])
    top = terms.max(axis=0)
    terms = np.exp(terms - top)
    total = terms.sum(axis=0)
    return terms / total, log_loss - top - np.log(total)


def objective_and_gradient(theta, log_n, log_d, log_loss):
    shares, residual = shares_and_residuals(theta, log_n, log_d, log_loss)
    first, second, third = -shares * np.clip(residual, -DELTA, DELTA)
    return huber(residual), np.array([first.sum(), second.sum(), third.sum(), -(first @ log_n), -(second @ log_d)])


def named(theta) -> dict[str, float]:
    a, b, e, alpha, beta = theta
    return dict(zip(NAMES, map(float, (np.exp(e), np.exp(a), np.exp(b), alpha, beta)), strict=True))


def reached(table: pd.DataFrame, coefficients: dict[str, float]) -> float:
    c = {"k": 1.0} | coefficients
    law = c["E"] + (c["A"] / table["params"] ** c["alpha"] + c["B"] / table["tokens"] ** c["beta"]) ** c["k"]
    return huber(np.log(table["loss"] / law).to_numpy())


def resamples(count: int, runs: int) -> np.ndarray:
    """Runs of each bootstrap resample, shape (count, runs), drawn as Besiroglu et al. drew them."""
    rng = np.random.RandomState(42)
    return np.stack([rng.choice(runs, size=runs, replace=True) for _ in range(count)])


def timed(work: Callable):
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def typical(work: Callable, repeats: int):
    """CPU seconds of the first call, the median of the next ones, and what came back."""
    first, found = timed(work)
    return first, statistics.median(timed(work)[0] for _ in range(repeats)), found


def scaled(part: int, whole: int, of: str) -> str:
    return f"all {whole:,} {of}" if part == whole else f"SCALED from {part:,} of {whole:,} {of}"


def point(table: pd.DataFrame, options: argparse.Namespace) -> Outcome:
    first, seconds, found = typical(solver_of(table), 21)
    did = f"from scratch; first call {1e3 * first:.1f} ms"
    return Outcome(seconds=seconds, did=did, coefficients=coefficients_of(found.form.law(found.data, found.theta)))


def solver_of(table: pd.DataFrame) -> Callable:
    """What `fit` calls for the point."""
    from planner.fitting.estimating import solve
    from planner.fitting.forms import ADDITIVE
    from planner.fitting.terms import Data

    return lambda: solve(ADDITIVE, Data.of(*table[COLUMNS].to_numpy().T), np.ones(len(table)), DELTA)


def bootstrap(table: pd.DataFrame, options: argparse.Namespace) -> Outcome:
    from planner.fitting.estimating import refit

    solution, chosen = solver_of(table)(), resamples(RESAMPLES, len(table))
    counts = np.stack([np.bincount(runs, minlength=len(table)) for runs in chosen]).astype(float)
    _, seconds, theta = typical(lambda: refit(solution, counts, np.random.default_rng(0)), 3)
    laws = [solution.form.law(solution.data, one) for one in theta[: options.bootstraps]]
    return summary(seconds, f"all {RESAMPLES:,} resamples", [coefficients_of(law) for law in laws], table, chosen)


def coefficients_of(law) -> dict[str, float]:
    return {name: float(getattr(law, name)) for name in (*NAMES, "k") if hasattr(law, name)}


def summary(seconds: float, did: str, found: list[dict[str, float]], table: pd.DataFrame, chosen) -> Outcome:
    """Medians of coefficients, and the mean of their objectives on the resamples that they were fitted to."""
    middle = {name: float(np.median([one[name] for one in found])) for name in NAMES}
    totals = [reached(table.iloc[runs], one) for one, runs in zip(found, chosen, strict=False)]
    return Outcome(seconds=seconds, did=did, coefficients=middle, objective=float(np.mean(totals)))


def fitted(table: pd.DataFrame, options: argparse.Namespace, form: str, delta: float | None) -> Outcome:
    from planner import fit

    first, seconds, found = typical(lambda: fit(table, form=form, delta=delta), 5)
    did = f"{found.form} form, delta {delta}, 1,000 draws, back-test; first call {first:.2f} s"
    return Outcome(seconds=seconds, did=did, coefficients=coefficients_of(found.calibration.law))


def scipy_grid(table: pd.DataFrame, options: argparse.Namespace) -> Outcome:
    from scipy.optimize import minimize

    axes = np.arange(0, 26, 5), np.arange(0, 26, 5), np.arange(-1, 1.1, 0.5), *2 * [np.arange(0, 2.1, 0.5)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 5).astype(float)
    # One start at random from each of as many stretches of equal length.
    within = np.random.default_rng(0).random(len(grid) if options.full else options.starts)
    chosen = grid[((np.arange(len(within)) + within) * len(grid) / len(within)).astype(int)]
    logs = np.log(table[COLUMNS].to_numpy().T)

    def total(theta):
        return huber(shares_and_residuals(theta, *logs)[1])

    seconds, ends = timed(lambda: [minimize(total, start, method="L-BFGS-B") for start in chosen])
    best = min(ends, key=lambda end: end.fun)
    did = f"L-BFGS-B, finite differences, {scaled(len(chosen), len(grid), 'starts')}"
    return Outcome(seconds=seconds * len(grid) / len(chosen), did=did, coefficients=named(best.x))


def traced():
    """The objective for autograd, which finds its gradient."""
    import autograd
    import autograd.numpy as anp

    def total(theta, log_n, log_d, log_loss):
        a, b, e, alpha, beta = theta
        size = anp.abs(log_loss - anp.log(anp.exp(a - alpha * log_n) + anp.exp(b - beta * log_d) + anp.exp(e)))
        return anp.sum(anp.where(size <= DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA)))

    return total, autograd.grad(total)


def scipy_bootstrap(table: pd.DataFrame, options: argparse.Namespace, gradient: str) -> Outcome:
    from scipy.optimize import minimize

    work, slope = traced() if gradient == "autograd" else (objective_and_gradient, True)
    count, logs = RESAMPLES if options.full else options.bootstraps, np.log(table[COLUMNS].to_numpy().T)
    chosen = resamples(count, len(table))
    seconds, ends = timed(
        lambda: [minimize(work, HOFFMANN, tuple(logs[:, runs]), "BFGS", jac=slope) for runs in chosen]
    )
    did = f"BFGS from Hoffmann's law, gradient {gradient}, {scaled(count, RESAMPLES, 'resamples')}"
    found = [named(end.x) for end in ends[: options.bootstraps]]
    return summary(seconds * RESAMPLES / count, did, found, table, chosen)


def chinchilla(table: pd.DataFrame, options: argparse.Namespace, loss: str) -> Outcome:
    """The README's grid, or its ends and middles: the package scales its steps by the span of each axis."""
    from chinchilla import Chinchilla
    from chinchilla._metrics import asymmetric_mae, log_huber

    loss_fn = asymmetric_mae if loss == "default loss" else partial(log_huber, delta=DELTA)
    spans = {"E": (1, 2), "a": (1, 10), "b": (1, 10), "alpha": (0.1, 0.7), "beta": (0.1, 0.7)}
    points = 5 if options.full else 3
    grid = {name: np.linspace(*span, points) for name, span in spans.items()}
    frame = table.rename(columns={"params": "N", "tokens": "D", "flops": "C"})[["C", "N", "D", "loss"]]
    with tempfile.TemporaryDirectory() as folder:
        frame.to_csv(Path(folder) / "df.csv", index=False)
        tool = Chinchilla(folder, grid, loss_fn=loss_fn, log_level=100)
        tool.visualizer.optim = lambda *_, **__: None  # Its picture is no part of the job.
        seconds, _ = timed(lambda: tool.fit(parallel=False))
    did = f"{loss}, BFGS, finite differences, {scaled(points**5, 5**5, 'starts')}"
    return Outcome(seconds=seconds * 5**5 / points**5, did=did, coefficients=coefficients_of(tool))


def simple(table: pd.DataFrame, options: argparse.Namespace, law: str) -> Outcome:
    from simple_scaling_laws import fit

    names = {"params": "model_size__params", "tokens": "dataset_size__tokens", "loss": "test_loss__nats"}
    frame = table.rename(columns=names)[list(names.values())].assign(training_run_id=np.arange(len(table)).astype(str))
    with tempfile.TemporaryDirectory() as folder:
        frame.to_csv(Path(folder) / "runs.csv", index=False)
        seconds, model = timed(lambda: fit(Path(folder) / "runs.csv", law=law, n_draws=1000, seed=0))
    found, centre = dict(model.params("test_loss__nats")), model.observed_domain
    if "R" in found:
        found["A"] **= 1 / found["k"]
        found["B"] = found["A"] * found.pop("R")
    for name, exponent, column in (("A", "alpha", "params"), ("B", "beta", "tokens")):
        found[name] *= centre[names[column]]["reference"] ** found[exponent]
    return Outcome(seconds=seconds, did="squares of raw loss, 1,000 draws", coefficients=found)


INSTALL = "pip install -e '.[bench]', below Python 3.12 --ignore-requires-python simple-scaling-laws==0.2.0 too"
POINT, BOOTSTRAP, ADDITIVE, AUTO = "planner point fit", "planner bootstrap", "planner fit additive", "planner fit auto"
GRID, EPOCH, EXACT = "scipy on Epoch's grid", "scipy bootstrap, as Epoch's", "scipy bootstrap, exact slope"
DEFAULT = "chinchilla 0.2.0, as it comes"
TOOLS: dict[str, tuple[Callable[..., Outcome], str]] = {
    POINT: (point, POINT),
    GRID: (scipy_grid, POINT),
    "chinchilla 0.2.0": (partial(chinchilla, loss="log-Huber 1e-3"), POINT),
    DEFAULT: (partial(chinchilla, loss="default loss"), POINT),
    BOOTSTRAP: (bootstrap, BOOTSTRAP),
    EPOCH: (partial(scipy_bootstrap, gradient="autograd"), BOOTSTRAP),
    EXACT: (partial(scipy_bootstrap, gradient="by hand"), BOOTSTRAP),
    ADDITIVE: (partial(fitted, form="additive", delta=DELTA), ADDITIVE),
    "simple-scaling-laws separable": (partial(simple, law="separable-power"), ADDITIVE),
    AUTO: (partial(fitted, form="auto", delta=None), AUTO),
    "simple-scaling-laws skaling": (partial(simple, law="skaling-joint-power"), AUTO),
}
"""How each tool is run, and whose seconds it is compared with."""
FASTER = ((GRID, POINT, 5000), (EPOCH, BOOTSTRAP, 200), (EXACT, BOOTSTRAP, 200))
WITHIN = ((POINT, 0.02), (BOOTSTRAP, 1.2), (AUTO, 1.0))
VERDICT = "FALLS SHORT", "pass"


def alone(name: str, table: pd.DataFrame, options: argparse.Namespace) -> Outcome | str:
    """What a tool reaches in a fresh process, or why it was not run."""
    if name == DEFAULT and not options.full:
        return "only with --full"
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        try:
            return process.submit(TOOLS[name][0], table, options).result()
        except ModuleNotFoundError as error:
            return f"{error.name} is not installed: {INSTALL}"


def line_of(name: str, outcomes: dict[str, Outcome | str], table: pd.DataFrame) -> str:
    found, ours = outcomes[name], outcomes[TOOLS[name][1]]
    if isinstance(found, str):
        return f"{name:30}{found}"
    total = reached(table, found.coefficients) if found.objective is None else found.objective
    numbers = "".join(f"{found.coefficients.get(key, 1):>10.6g}" for key in (*NAMES, "k"))
    return f"{name:30}{found.seconds:10.4f}{found.seconds / ours.seconds:10,.1f}{total:17.10g}{numbers}  {found.did}"


def goals(seconds: dict[str, float]) -> Iterator[str]:
    for slow, fast, least in FASTER:
        if slow in seconds:
            ratio = seconds[slow] / seconds[fast]
            yield f"{slow} / {fast}: {ratio:,.0f}, goal at least {least:,}: {VERDICT[ratio >= least]}"
    for name, most in WITHIN:
        yield f"{name}: {seconds[name]:.4f} s, goal at most {most} s: {VERDICT[seconds[name] <= most]}"


def main() -> None:
    beside = Path(__file__).resolve().parents[3] / "shared" / "runs"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="?", type=Path, default=beside, help="folder with chinchilla_epoch.csv")
    parser.add_argument("--full", action="store_true", help="every start and resample: about a quarter of an hour")
    parser.add_argument("--starts", type=int, default=150, help="of Epoch's 4,500")
    parser.add_argument("--bootstraps", type=int, default=40, help="of scipy's 4,000")
    options = parser.parse_args()
    path = options.runs / "chinchilla_epoch.csv"
    if not path.is_file():
        sys.exit(f"There is no {path}. Give the folder that holds chinchilla_epoch.csv, of Besiroglu et al. 2024.")
    table = pd.read_csv(path).query("outlier != 1").reset_index(drop=True)
    os.environ |= dict.fromkeys(THREADS, "1")
    outcomes = {name: alone(name, table, options) for name in TOOLS}
    print(f"{'':30}{'CPU s':>10}{'to ours':>10}{'objective':>17}" + "".join(f"{key:>10}" for key in (*NAMES, "k")))
    print(*(line_of(name, outcomes, table) for name in TOOLS), "", sep="\n")
    print(*goals({name: found.seconds for name, found in outcomes.items() if isinstance(found, Outcome)}), sep="\n")


if __name__ == "__main__":
    main()
