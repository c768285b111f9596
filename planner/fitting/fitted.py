"""fit(runs) -> Fit: the additive law of a set of runs, with bootstrap intervals and a rolling back-test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from planner.errors import FitError, InputError, UnknownName
from planner.estimate import LEVEL, Estimate
from planner.fitting import huber
from planner.fitting.findings import FEW_RUNS, findings_of
from planner.laws import DRIFT, Additive, Calibration, Numbers, repeats_of_text
from planner.runs import Runs, load_runs
from planner.sheet import Finding, Row, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

FORMS = ("additive",)
UNKNOWNS = 5
_CUTS = (0.5, 0.6, 0.7, 0.8, 0.9)
_LEAST_NOISE = 1e-3
_RESAMPLES = 250
_COEFFICIENTS = {
    "E": "Irreducible loss E",
    "A": "A, of the parameter term",
    "B": "B, of the token term",
    "alpha": "Exponent of parameters, alpha",
    "beta": "Exponent of tokens, beta",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit(Sheet):
    """A law fitted to runs; losses are in the unit of the runs.

    `objective` is the sum of Huber losses on log loss (delta 1e-3) at the optimum, `error` the root mean square
    relative error on the runs, `backtest` the rolling extrapolation: one row per cut in compute, with the errors of the
    law fitted below the cut on the runs above it.
    """

    form: str
    calibration: Calibration
    runs: Runs
    objective: float
    error: float
    backtest: pd.DataFrame
    findings: tuple[Finding, ...]

    @property
    def title(self) -> str:  # type: ignore[override]
        """What this fit is, for people."""
        return f"L = E + A/N^alpha + B/D^beta fitted to {len(self.runs.frame)} runs from {self.runs.source}"

    @property
    def coefficients(self) -> pd.DataFrame:
        """Columns value, low, high and level; one row per coefficient, indexed by its name."""
        import pandas as pd

        found = {name: self._coefficient(name).to_dict() for name in _COEFFICIENTS}
        return pd.DataFrame.from_dict(found, orient="index")

    def _coefficient(self, name: str) -> Estimate:
        return Estimate.of_draws(getattr(self.calibration.law, name), getattr(self.calibration.ensemble, name))

    def predict(self, params: Any, tokens: Any) -> Any:
        """Expected loss at `params` and `tokens`: a float, or an array of their broadcast shape."""
        return _unboxed(self.calibration.law.loss(*_arrays(params, tokens)))

    def predict_interval(self, params: Any, tokens: Any, level: float = LEVEL) -> tuple[Any, Any]:
        """Low and high of the loss of one new run, shaped as `predict`.

        It carries coefficient draws, run-to-run noise and the drift of extrapolation: `laws.DRIFT` for every decade
        beyond the runs, or what the back-test missed if that is more.
        """
        if not 0 < level < 1:
            raise InputError(f"level is {level!r}.", mend="Give a probability between 0 and 1, such as 0.9.")
        low, high = self.calibration.loss_interval(*_arrays(params, tokens), level)
        return _unboxed(low), _unboxed(high)

    def optimum(self, flops: Any) -> tuple[Any, Any]:
        """Params and tokens of least loss under 6 * params * tokens = `flops`; floats, or arrays of its shape."""
        params, tokens = self.calibration.law.optimum(_array(flops, "flops"))
        return _unboxed(params), _unboxed(tokens)

    def rows(self) -> Iterable[Row]:
        """Coefficients, then how well they hold."""
        for name, label in _COEFFICIENTS.items():
            unit = self.runs.loss_unit if name == "E" else ""
            yield Row(name, label, self._coefficient(name), unit, "90 % bootstrap interval")
        law, draws = self.calibration.law, self.calibration.ensemble
        share = Estimate.of_draws(_growth(law), _growth(draws))
        yield Row("params_exponent", "Optimal N grows as C to the", share, "", "beta / (alpha + beta)")
        yield Row("error", "In-sample error", self.error, "fraction", "root mean square, relative")
        yield Row("noise", "Run-to-run noise", self.calibration.noise, "fraction", "robust, of log loss")
        yield Row("flops_max", "Largest run", self.calibration.flops_max, "flops")
        if len(self.backtest):
            worst = float(self.backtest["median_error"].max())
            yield Row(
                "backtest_error", "Back-test, worst cut", worst, "fraction", "median error on larger runs held out"
            )

    def figure(self) -> Any:
        """Plotly figure: measured against predicted loss, and the residuals over compute."""
        from planner.charts import fit_figure

        runs = self.runs
        predicted = self.predict(runs.column("params"), runs.column("tokens"))
        return fit_figure(runs.column("flops"), runs.column("loss"), predicted, runs.loss_unit)


def fit(
    runs: Runs | pd.DataFrame, *, form: Literal["auto", "additive"] = "auto", draws: int = 1000, seed: int = 0
) -> Fit:
    """The law of `runs`: Huber loss on log loss, many starts, bootstrap over runs.

    Args:
        runs: what `load_runs` gives, or a DataFrame with params, tokens and loss.
        form: "additive", the only form so far, which "auto" therefore chooses.
        draws: bootstrap resamples, at least 20.
        seed: of the resampling; the same runs and seed give the same fit.

    Raises:
        FitError: the runs do not determine five coefficients.
    """
    if form not in ("auto", *FORMS):
        raise UnknownName.of("form of law", str(form), known=("auto", *FORMS))
    if not isinstance(draws, int) or draws < 20:
        raise InputError(f"draws is {draws!r}.", mend="Give a whole number of at least 20, such as 1000.")
    table = runs if isinstance(runs, Runs) else load_runs(runs)
    _refuse_undetermined(table)
    params, tokens, loss = (table.column(name) for name in ("params", "tokens", "loss"))
    data = huber.Data.of(params, tokens, loss)
    theta, objectives = _best(data)
    coefficients = {name: float(value) for name, value in data.coefficients(theta).items()}
    law = Additive(**coefficients)
    residuals = np.log(loss / law.loss(params, tokens))
    freedom = len(loss) / max(len(loss) - UNKNOWNS, 1)
    deviation = 1.4826 * float(np.median(np.abs(residuals - np.median(residuals))))
    error = float(np.sqrt(np.mean(np.expm1(residuals) ** 2)))
    backtest = _backtest(table)
    if len(loss) < FEW_RUNS:
        # So few residuals say little of the noise by their median.
        deviation = max(deviation, error)
    calibration = Calibration(
        name=f"the fit of {table.source}",
        title=f"Fitted to {len(loss)} runs from {table.source}",
        law=law,
        ensemble=Additive(**data.coefficients(_bootstrap(data, theta, draws, seed))),
        counting=table.counting,
        loss_unit=table.loss_unit,
        flops_max=float(table.column("flops").max()),
        noise=max(deviation * freedom**0.5, _LEAST_NOISE),
        source=table.source,
        as_of="",
        repeats=repeats_of_text(),
        basis=f"bootstrap of {len(loss)} runs",
        drift=max(DRIFT, _missed_per_decade(backtest)),
    )
    return Fit(
        form="additive",
        calibration=calibration,
        runs=table,
        objective=float(objectives.min()),
        error=error,
        backtest=backtest,
        findings=tuple(findings_of(table, residuals, calibration, objectives, backtest)),
    )


def _best(data: huber.Data) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The best unknowns of many starts, shape (5,), and the objective that every start reached."""
    begin = huber.starts(data)
    reached, objectives = huber.minimise(data, begin, np.ones((len(begin), len(data.x))))
    return reached[objectives.argmin()], objectives


def _bootstrap(data: huber.Data, theta: NDArray[np.float64], draws: int, seed: int) -> NDArray[np.float64]:
    """Unknowns refitted to resampled runs, shape (draws, 5)."""
    count = len(data.x)
    rng, shares = np.random.default_rng(seed), np.full(count, 1 / count)
    found = np.empty((draws, UNKNOWNS))
    for start in range(0, draws, _RESAMPLES):
        block = found[start : start + _RESAMPLES]
        weights = rng.multinomial(count, shares, size=len(block)).astype(float)
        block[:] = huber.minimise(data, np.tile(theta, (len(block), 1)), weights)[0]
    return found


def _backtest(runs: Runs) -> pd.DataFrame:
    import pandas as pd

    flops = runs.column("flops")
    records = []
    for cut in np.unique(np.quantile(flops, _CUTS)):
        below, above = flops <= cut, flops > 1.05 * cut
        if not above.any() or below.sum() < 2 * UNKNOWNS or _too_few_distinct(runs, below):
            continue
        params, tokens, loss = (runs.column(name) for name in ("params", "tokens", "loss"))
        data = huber.Data.of(params[below], tokens[below], loss[below])
        law = Additive(**{name: float(value) for name, value in data.coefficients(_best(data)[0]).items()})
        errors = np.asarray(law.loss(params[above], tokens[above])) / loss[above] - 1
        records.append(
            {
                "cut_flops": float(cut),
                "runs_below": int(below.sum()),
                "runs_above": int(above.sum()),
                "decades": float(np.log10(flops.max() / cut)),
                "median_error": float(np.median(np.abs(errors))),
                "bias": float(np.median(errors)),
            }
        )
    columns = ["cut_flops", "runs_below", "runs_above", "decades", "median_error", "bias"]
    return pd.DataFrame(records, columns=columns)


def _missed_per_decade(backtest: pd.DataFrame) -> float:
    """Median over the cuts of the error on larger runs per decade up to the largest; 0 without cuts."""
    return float((backtest["median_error"] / backtest["decades"]).median()) if len(backtest) else 0.0


def _too_few_distinct(runs: Runs, chosen: NDArray[np.bool_]) -> bool:
    return any(len(np.unique(runs.column(name)[chosen])) < 3 for name in ("params", "tokens"))


def _refuse_undetermined(runs: Runs) -> None:
    count = len(runs.frame)
    if count <= UNKNOWNS:
        raise FitError(
            f"{runs.source} has {count} run{'s' * (count != 1)} for {UNKNOWNS} coefficients.",
            mend="Give at least 6, better 12 or more, over several sizes and token counts.",
        )
    for name in ("params", "tokens"):
        distinct = len(np.unique(runs.column(name)))
        if distinct < 2:
            raise FitError(
                f"All runs have the same {name}, so their effect cannot be told.",
                mend=f"Add runs with other {name}, at least 3 different ones.",
            )
    if np.ptp(np.log(runs.column("loss"))) < 1e-6:
        raise FitError("All runs have the same loss.", mend="Check the loss column.")


def _growth(law: Any) -> Any:
    return law.beta / (law.alpha + law.beta)


def _array(values: Any, name: str) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{name} is no number or array of numbers.", mend=f"Give {name} as floats.") from None
    if not (np.isfinite(numbers) & (numbers > 0)).all():
        raise InputError(f"{name} must be positive and finite.", mend=f"Check the {name} given.")
    return numbers


def _arrays(params: Any, tokens: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sizes = _array(params, "params"), _array(tokens, "tokens")
    try:
        np.broadcast_shapes(*(size.shape for size in sizes))
    except ValueError:
        shapes = " and ".join(str(size.shape) for size in sizes)
        raise InputError(f"params and tokens have shapes {shapes}.", mend="Give shapes that broadcast.") from None
    return sizes


def _unboxed(values: Numbers) -> Any:
    array = np.asarray(values)
    return float(array) if array.ndim == 0 else array
