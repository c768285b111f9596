"""Fit: a law fitted to runs, with its intervals, its back-test and what its reader must know."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import DataError, UnknownName
from planner.estimate import LEVEL, Estimate
from planner.fitting.arguments import array_of, arrays_of, refuse_level, unboxed
from planner.fitting.backtesting import ENOUGH_CUTS, NORMAL_90, Cut
from planner.fitting.forms import form_called
from planner.fitting.repeats import part_of, runs_of_the_law
from planner.fitting.saving import parts_of, path_of, text_of
from planner.fitting.sizing import Approaches, approaches
from planner.fitting.views import VIEWS
from planner.laws import Additive, Calibration, Coupled, DataConstrained, Law, Numbers, optimum_under, valley
from planner.runs import Runs
from planner.sheet import Finding, Row, Sheet
from planner.units import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd
    from numpy.typing import NDArray

AHEAD = 10.0
"""A fit shows its optimum at this many times its largest run."""
_LABELS = {
    "E": "Irreducible loss E",
    "A": "A, of the parameter term",
    "B": "B, of the token term",
    "alpha": "Exponent of parameters, alpha",
    "beta": "Exponent of tokens, beta",
    "k": "Coupling k of the two terms",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit(Sheet):
    """A law fitted to runs; losses are in the unit of the runs.

    `objective` is the sum of Huber losses of log loss, bent at `delta`, plus the penalty of the priors if any; `error`
    the root mean square relative error on the runs; `weights` how much every run counted in the end, shape (runs,);
    `cuts` the rolling back-test, every candidate form at every cut. All of these are of the law; `repeat_weights` say
    how much every run counted in what repeats are worth, all 0 where that is not fitted.
    """

    form: str
    calibration: Calibration = field(repr=False)
    runs: Runs = field(repr=False)
    delta: float
    objective: float
    error: float
    weights: NDArray[np.float64] = field(repr=False)
    repeat_weights: NDArray[np.float64] = field(repr=False)
    cuts: tuple[Cut, ...] = field(repr=False)
    draws: int
    seed: int
    findings: tuple[Finding, ...]

    @property
    def title(self) -> str:  # type: ignore[override]
        """What this fit is, for people."""
        return f"{form_called(self.form).formula} fitted to {len(self.law_runs.frame)} runs from {self.runs.source}"

    @property
    def coefficients(self) -> pd.DataFrame:
        """Columns value, low, high and level; one row per coefficient, indexed by its name."""
        import pandas as pd

        found = {name: self._coefficient(name).to_dict() for name in form_called(self.form).coefficients}
        return pd.DataFrame.from_dict(found, orient="index")

    def _coefficient(self, name: str) -> Estimate:
        return Estimate.of_draws(getattr(self.calibration.law, name), getattr(self.calibration.ensemble, name))

    @property
    def backtest(self) -> pd.DataFrame:
        """The rolling extrapolation that chose the form: one row per form and cut in compute.

        Columns form, cut_flops, runs_below, runs_above, decades (to the largest run), median_error and bias (relative,
        on the runs above the cut; positive where predictions are too high).
        """
        import pandas as pd

        columns = ["form", "cut_flops", "runs_below", "runs_above", "decades", "median_error", "bias"]
        records = [
            (cut.form, cut.flops, cut.below, len(cut.held), float(cut.decades.max()), cut.median_error, cut.bias)
            for cut in self.cuts
        ]
        return pd.DataFrame(records, columns=columns)

    @property
    def law_runs(self) -> Runs:
        """The runs that the law was fitted to: those that weigh, of a single pass, if they are enough."""
        return part_of(self.runs, runs_of_the_law(self.runs) & (self.runs.weights > 0))

    @property
    def expected(self) -> NDArray[np.float64]:
        """Expected loss of every run of the table, shape (runs,); with its text limited where the law leaves it out."""
        law, params, tokens = self.calibration.law, self.runs.column("params"), self.runs.column("tokens")
        found, apart = np.asarray(law.loss(params, tokens)), ~runs_of_the_law(self.runs)
        if apart.any() and isinstance(law, Additive | Coupled):
            (R_D, R_N), text = self.calibration.repeats, self.runs.column("unique_tokens")[apart]
            limited = DataConstrained(law=law, unique_tokens=text, R_D=R_D, R_N=R_N)
            found[apart] = limited.loss(params[apart], tokens[apart])
        return found

    @property
    def own_cuts(self) -> tuple[Cut, ...]:
        """The cuts of the form of this fit."""
        return tuple(cut for cut in self.cuts if cut.form == self.form)

    def predict(self, params: Any, tokens: Any, *, unique_tokens: float | str | None = None) -> Any:
        """Expected loss at `params` and `tokens`: a float, or an array of their broadcast shape.

        Where only `unique_tokens` exist, further tokens repeat them.
        """
        return unboxed(self._calibration(unique_tokens).law.loss(*arrays_of(params, tokens)))

    def predict_interval(
        self, params: Any, tokens: Any, level: float = LEVEL, *, unique_tokens: float | str | None = None
    ) -> tuple[Any, Any]:
        """Low and high of the loss of one new run, shaped as `predict`.

        It carries coefficient draws, run-to-run noise and the drift of extrapolation, which grows with every decade of
        compute beyond the runs at the rate that the back-test and public run tables suggest (`calibration.drift`).
        """
        refuse_level(level)
        low, high = self._calibration(unique_tokens).loss_interval(*arrays_of(params, tokens), level)
        return unboxed(low), unboxed(high)

    def optimum(
        self,
        flops: Any,
        *,
        flops_per_token: Callable[[Numbers], Numbers] | None = None,
        unique_tokens: float | str | None = None,
    ) -> tuple[Any, Any]:
        """Params and tokens of least loss for `flops`; floats, or arrays of its shape.

        Training costs 6 * params * tokens, or flops_per_token(params) * tokens where that is given. Where only
        `unique_tokens` exist, further tokens repeat them.
        """
        budget, law = array_of(flops, "flops"), self._calibration(unique_tokens).law
        params, tokens = optimum_under(law, budget, flops_per_token) if flops_per_token else law.optimum(budget)
        return unboxed(params), unboxed(tokens)

    def save(self, path: str | Path) -> None:
        """Write the whole fit as JSON to `path`: with its runs and their hash, versions, seed and draws.

        Raises:
            DataError: the file cannot be written.
        """
        try:
            path_of(path).write_text(text_of(self), encoding="utf-8")
        except OSError as error:
            raise DataError(f"{path} cannot be written: {error.strerror}.", mend="Give another path.") from None

    @classmethod
    def load(cls, path: str | Path) -> Fit:
        """The fit that `save` wrote to `path`, the same to the last bit.

        Raises:
            DataError: there is no such file, or it is no fit.
        """
        try:
            text = path_of(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise DataError(f"{path} cannot be read.", mend="Give a file that Fit.save wrote.") from None
        return cls(**parts_of(text, path_of(path).name))

    def optimum_interval(self, flops: Any, level: float = LEVEL) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """Low and high of the params, then of the tokens, that `optimum` gives: coefficient draws and their drift."""
        refuse_level(level)
        budget = array_of(flops, "flops")
        tails = [(1 - level) / 2, (1 + level) / 2]
        ends = [np.quantile(sizes, tails, axis=-1) for sizes in self._sizes_drawn(budget)]
        params, tokens = ((unboxed(low), unboxed(high)) for low, high in ends)
        return params, tokens

    def _sizes_drawn(self, flops: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draws of the best params and tokens, each of shape (*flops.shape, draws)."""
        params, tokens = (np.asarray(size) for size in self.calibration.ensemble.optimum(np.asarray(flops)[..., None]))
        factors = self.calibration.size_drift(flops, params.shape[-1])
        return params * factors, tokens / factors

    def rows(self) -> Iterable[Row]:
        """Coefficients, how well they hold, and the optimum at ten times the largest run."""
        form = form_called(self.form)
        yield Row("form", "Form", self.form, "", form.formula)
        for name in form.coefficients:
            unit = self.runs.loss_unit if name == "E" else ""
            yield Row(name, _LABELS.get(name, name), self._coefficient(name), unit, "90 % bootstrap interval")
        law, ensemble = self.calibration.law, self.calibration.ensemble
        largest, unit = self.calibration.flops_max, self.runs.loss_unit
        share = Estimate.of_draws(_growth(law, largest), _growth(ensemble, largest))
        yield Row("params_exponent", "Optimal N grows as C to the", share, "", "from here to ten times the largest run")
        if self.repeat_weights.any():
            yield from self._worth_of_repeats()
        yield Row("error", "In-sample error", self.error, "fraction", "root mean square, relative")
        yield Row("noise", "Run-to-run noise", self.calibration.noise, "fraction", "robust, of log loss")
        yield Row("drift", "Drift of extrapolation", self.calibration.drift, "fraction", "per factor of ten, 90 %")
        yield Row("flops_max", "Largest run", largest, "flops")
        own = self.own_cuts
        if own:
            worst = max(cut.median_error for cut in own)
            note = f"median error on larger runs held out, {len(own)} cuts"
            yield Row("backtest_error", "Back-test, worst cut", worst, "fraction", note)
        yield from self._ahead(AHEAD * largest, unit)

    def _worth_of_repeats(self) -> Iterable[Row]:
        (R_D, R_N), draws = self.calibration.repeats, self.calibration.repeats_draws or self.calibration.repeats
        note = f"times the unique tokens, however many; {np.count_nonzero(self.repeat_weights)} runs that repeat them"
        yield Row("R_D", "Repeats count at most, R_D", Estimate.of_draws(R_D, draws[0]), "", note)
        note = "times the parameters that the unique tokens can use"
        yield Row("R_N", "Excess parameters count at most, R_N", Estimate.of_draws(R_N, draws[1]), "", note)

    def _ahead(self, flops: float, unit: str) -> Iterable[Row]:
        law = self.calibration.law
        (params, tokens), (params_drawn, tokens_drawn) = law.optimum(flops), self._sizes_drawn(flops)
        loss = Estimate(self.predict(params, tokens), *self.predict_interval(params, tokens))
        low, high = valley(law, flops)
        yield Row("ahead_flops", "Optimum at", flops, "flops", "ten times the largest run")
        yield Row("ahead_params", "  Parameters", Estimate.of_draws(float(params), params_drawn), "params")
        yield Row("ahead_tokens", "  Tokens", Estimate.of_draws(float(tokens), tokens_drawn), "tokens")
        ratio = Estimate.of_draws(float(tokens / params), tokens_drawn / params_drawn)
        yield Row("ahead_tokens_per_param", "  Tokens per parameter", ratio, "")
        yield Row("ahead_loss", "  Loss of a new run", loss, unit)
        note = "within 0.5 % of the best loss"
        yield Row("ahead_valley_low", "  Near-best parameters, from", float(low), "params", note)
        yield Row("ahead_valley_high", "  Near-best parameters, to", float(high), "params")

    def coverage(self, levels: Any) -> NDArray[np.float64]:
        """Share of the held-out runs of the back-test inside the interval of each level, shape of `levels`.

        NaN where the back-test has fewer than two cuts.
        """
        from statistics import NormalDist

        asked = np.asarray(levels, dtype=float)
        if len(self.own_cuts) < ENOUGH_CUTS:
            return np.full(asked.shape, np.nan)
        away = np.concatenate([np.abs(cut.errors) / self.reach(cut) for cut in self.own_cuts])
        deviations = np.array([NormalDist().inv_cdf((1 + level) / 2) for level in asked.ravel()])
        inside: NDArray[np.float64] = np.mean(away <= deviations[:, None] / NORMAL_90, axis=1)
        return inside.reshape(asked.shape)

    def reach(self, cut: Cut) -> NDArray[np.float64]:
        """Half-width of the 90 % range of log loss of each run that `cut` held out, with the drift of this fit."""
        return np.hypot(NORMAL_90 * cut.spread, self.calibration.drift * cut.decades)

    def figure(self, view: str = "runs") -> Any:
        """Plotly figure of one view.

        "runs": measured and fitted loss with residuals. "fan": best loss against compute with its range and the
        back-test. "isoflop": levels of equal compute and their best sizes. "contours": equal loss over params and
        tokens. "valley": which sizes are nearly best ten times beyond the runs. "posterior": the draws of the
        coefficients. "calibration": how many held-out runs their intervals held.
        """
        if view not in VIEWS:
            raise UnknownName.of("view of a fit", str(view), known=VIEWS)
        return VIEWS[view](self)

    def approaches(self, *, flops: float | str | None = None) -> Approaches:
        """The best size for `flops` by envelope, isoFLOP and this law; ten times the largest run if not given."""
        budget = None if flops is None else read(flops, "flops", name="flops")
        return approaches(self.law_runs, self.calibration.law, self.calibration.ensemble, flops=budget)

    def _calibration(self, unique_tokens: float | str | None) -> Calibration:
        if unique_tokens is None:
            return self.calibration
        return self.calibration.limited_to(read(unique_tokens, "tokens", name="unique_tokens"))


def _growth(law: Law, flops: float) -> Any:
    """Exponent of the optimal params over the next decade of compute."""
    return np.log10(np.asarray(law.optimum(AHEAD * flops)[0]) / np.asarray(law.optimum(flops)[0])) / np.log10(AHEAD)
