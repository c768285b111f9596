"""Laws: loss as a function of parameters N and tokens D, their optimum under C = 6ND, and what is published about them.

Every law is one formula whose coefficients are floats, or arrays of one shape: an ensemble of laws is the same class.
A `Calibration` is a law with its uncertainty and its provenance. Fitting lives one floor up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import cache
from statistics import NormalDist
from typing import Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from planner.catalog import record, records
from planner.errors import InputError
from planner.estimate import LEVEL, Estimate
from planner.units import PETAFLOPS_DAY

Numbers: TypeAlias = float | NDArray[np.float64]

FLOPS_PER_PARAM_TOKEN = 6.0
"""Training FLOPs per parameter and token: 2 forward, 4 backward (Kaplan et al. 2020, section 2.1)."""


class Law(Protocol):
    """What every law can say. Arguments and coefficients broadcast against each other."""

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss of a model of `params` parameters trained on `tokens` tokens."""

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """Params and tokens of least loss among those with 6 * params * tokens = `flops`."""

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """Tokens that bring `params` parameters to `loss`; infinite where no number of tokens does."""

    def floor(self) -> Numbers:
        """The loss that no compute gets below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Additive:
    """L = E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, approach 3, equation 2)."""

    E: Numbers
    A: Numbers
    B: Numbers
    alpha: Numbers
    beta: Numbers

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss in the unit of E."""
        return self.E + self.A * params**-self.alpha + self.B * tokens**-self.beta

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """N = G (C/6)^(beta/(alpha+beta)) with G = (alpha A / beta B)^(1/(alpha+beta)); D = C / 6N (equation 4)."""
        both = self.alpha + self.beta
        scale = (self.alpha * self.A / (self.beta * self.B)) ** (1 / both)
        pairs = flops / FLOPS_PER_PARAM_TOKEN
        params = scale * pairs ** (self.beta / both)
        return params, pairs / params

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """D = (B / (L - E - A/N^alpha))^(1/beta)."""
        left = np.asarray(loss - self.E - self.A * params**-self.alpha, dtype=float)
        with np.errstate(divide="ignore", over="ignore"):
            tokens = np.where(left > 0, (self.B / np.where(left > 0, left, np.nan)) ** (1 / self.beta), np.inf)
        return cast("Numbers", tokens[()])

    def floor(self) -> Numbers:
        """The loss that no compute gets below."""
        return self.E


@dataclass(frozen=True, slots=True, kw_only=True)
class Kaplan:
    """L = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D, N without embeddings (Kaplan et al. 2020, equation 1.5)."""

    N_c: Numbers
    D_c: Numbers
    alpha_N: Numbers
    alpha_D: Numbers

    def _inner(self) -> Additive:
        ratio = self.alpha_N / self.alpha_D
        return Additive(E=0.0, A=self.N_c**ratio, B=self.D_c, alpha=ratio, beta=1.0)

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss in nats/token."""
        return self._inner().loss(params, tokens) ** self.alpha_D

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """The optimum of L(N, D) itself: N ~ C^0.56. It is not the paper's own N ~ C^0.73 (`kaplan_allocation`)."""
        return self._inner().optimum(flops)

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """D = D_c / (L^(1/alpha_D) - (N_c/N)^(alpha_N/alpha_D))."""
        return self._inner().tokens_for(loss ** (1 / self.alpha_D), params)

    def floor(self) -> Numbers:
        """This law has no irreducible loss."""
        return 0.0 * self.alpha_D


def kaplan_allocation(flops: float) -> float:
    """Parameters that Kaplan et al. 2020 advise for a budget: 1.3e9 (C / PF-day)^0.73 (their appendix A)."""
    return 1.3e9 * (flops / PETAFLOPS_DAY) ** 0.73


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConstrained:
    """An additive law when only `unique_tokens` exist and more tokens repeat them (Muennighoff et al. 2023, eq. 5-7).

    Repeats count less and less: D' = U (1 + R* (1 - exp(-R/R*))) with R = D/U - 1 epochs after the first; parameters
    beyond those that U could use decay likewise with R_N*. Up to U tokens and the parameters they can use, it is `law`.
    """

    law: Additive
    unique_tokens: float
    R_D: Numbers
    R_N: Numbers

    def loss(self, params: Numbers, tokens: Numbers) -> Numbers:
        """Expected loss, in the unit of the additive law, of training `tokens` tokens that repeat the unique ones."""
        return self.law.loss(
            _discounted(params, self._usable_params(params), self.R_N),
            _discounted(tokens, np.minimum(tokens, self.unique_tokens), self.R_D),
        )

    def optimum(self, flops: Numbers) -> tuple[Numbers, Numbers]:
        """Found numerically: no closed form exists once tokens repeat."""
        shape = np.broadcast(np.asarray(flops, dtype=float), np.asarray(self.law.E)).shape
        pairs = np.broadcast_to(np.asarray(flops, dtype=float) / FLOPS_PER_PARAM_TOKEN, shape)

        def loss(log_params: NDArray[np.float64]) -> Numbers:
            return self.loss(np.exp(log_params), pairs / np.exp(log_params))

        free, _ = self.law.optimum(flops)
        start = np.broadcast_to(np.log(np.asarray(free, dtype=float)), shape)
        params = np.exp(argmin(loss, start - math.log(1e4), start + math.log(10.0)))
        return cast("tuple[Numbers, Numbers]", (params[()], (pairs / params)[()]))

    def tokens_for(self, loss: Numbers, params: Numbers) -> Numbers:
        """Tokens, repeats included, that bring `params` to `loss`; infinite where no number of repeats does."""
        useful = self.law.tokens_for(loss, _discounted(params, self._usable_params(params), self.R_N))
        repeats_worth = np.asarray(useful, dtype=float) / self.unique_tokens - 1
        share = np.clip(repeats_worth / self.R_D, 0.0, 1.0)
        with np.errstate(divide="ignore"):
            repeated = self.unique_tokens * (1 - self.R_D * np.log1p(-share))
        return cast("Numbers", np.where(repeats_worth > 0, repeated, useful)[()])

    def floor(self) -> Numbers:
        """The loss that no compute gets below on this many unique tokens."""
        most_tokens = self.unique_tokens * (1 + self.R_D)
        most_params = self._usable_params(np.inf) * (1 + self.R_N)
        return self.law.loss(most_params, most_tokens)

    def _usable_params(self, params: Numbers) -> Numbers:
        """The smaller of `params` and the parameters for which the unique tokens are compute-optimal."""
        law = self.law
        scale = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
        # D = G^-1 (C/6)^(alpha/(alpha+beta)) and N = G (C/6)^(beta/(alpha+beta)): eliminate C.
        return np.minimum(params, scale * (self.unique_tokens * scale) ** (law.beta / law.alpha))


def _discounted(amount: Numbers, unique: Numbers, half: Numbers) -> Numbers:
    repeats = np.maximum(amount / unique - 1, 0.0)
    return unique * (1 + half * -np.expm1(-repeats / half))


def argmin(function, low, high, steps: int = 70):  # type: ignore[no-untyped-def]
    """Elementwise minimiser of a unimodal `function` between the arrays `low` and `high`: golden-section search."""
    ratio = (math.sqrt(5) - 1) / 2
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    for _ in range(steps):
        width = ratio * (high - low)
        left, right = high - width, low + width
        keep_left = np.asarray(function(left)) <= np.asarray(function(right))
        low, high = np.where(keep_left, low, left), np.where(keep_left, right, high)
    return (low + high) / 2


DRIFT = 0.035
"""Half-width, as a fraction of the loss, of the 90 % range that each decade of extrapolated compute adds. Our back-test
on 26 public run tables: coefficient bootstraps alone covered 34 % of the larger runs; 3 to 4 % a decade, 85 to 94 %."""

_LEAST_EXPONENT = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """A law with its uncertainty and its provenance.

    `ensemble` is the class of `law` with arrays for coefficients, one entry per draw; `noise` the relative standard
    deviation of one run around the law; `flops_max` the largest run it was fitted to, 0 if unknown; `repeats` how much
    repetitions count, (R_D, R_N) of Muennighoff et al. 2023.
    """

    name: str
    title: str
    law: Law
    ensemble: Law
    counting: str
    loss_unit: str
    flops_max: float
    noise: float
    source: str
    as_of: str
    repeats: tuple[float, float]
    notes: str = ""

    def decades_beyond(self, flops: Numbers) -> Numbers:
        """Powers of ten by which `flops` exceeds the largest run of the fit; 0 inside."""
        if not self.flops_max:
            return np.zeros_like(np.asarray(flops, dtype=float))[()]
        return cast("Numbers", np.maximum(np.log10(np.asarray(flops, dtype=float) / self.flops_max), 0.0)[()])

    def loss_interval(self, params: Numbers, tokens: Numbers, level: float = LEVEL) -> tuple[Numbers, Numbers]:
        """Predictive interval of the loss of one new run; arguments broadcast, both bounds have their shape.

        Coefficient draws, run-to-run noise and structural drift (`DRIFT` per decade beyond the fit) add in quadrature.
        """
        params, tokens = np.broadcast_arrays(np.asarray(params, dtype=float), np.asarray(tokens, dtype=float))
        central = np.asarray(self.law.loss(params, tokens))
        draws = np.asarray(self.ensemble.loss(params[..., None], tokens[..., None]))
        below, above = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=-1) / central - 1
        deviations = NormalDist().inv_cdf((1 + level) / 2)
        drift = DRIFT * self.decades_beyond(FLOPS_PER_PARAM_TOKEN * params * tokens) / NormalDist().inv_cdf(0.95)
        spread = deviations * np.hypot(self.noise, drift)
        low = central * (1 - np.hypot(np.minimum(below, 0), spread))
        high = central * (1 + np.hypot(np.maximum(above, 0), spread))
        return cast("tuple[Numbers, Numbers]", (low[()], high[()]))

    def loss_estimate(self, params: float, tokens: float) -> Estimate:
        """The predicted loss of one new run with its 90 % predictive interval."""
        low, high = self.loss_interval(params, tokens)
        return Estimate(float(self.law.loss(params, tokens)), float(low), float(high))

    def limited_to(self, unique_tokens: float) -> Calibration:
        """The same calibration where only `unique_tokens` exist and further tokens repeat them.

        Raises:
            InputError: the law has no separate term for tokens.
        """
        if not (isinstance(self.law, Additive) and isinstance(self.ensemble, Additive)):
            raise InputError(
                f"The law {self.name} says nothing about repeated tokens.",
                mend="Choose an additive law such as besiroglu-2024, or leave out tokens_available.",
            )
        R_D, R_N = self.repeats
        limited = {
            field: DataConstrained(law=law, unique_tokens=unique_tokens, R_D=R_D, R_N=R_N)
            for field, law in (("law", self.law), ("ensemble", self.ensemble))
        }
        return replace(self, **limited)  # type: ignore[arg-type]


@cache
def published(name: str) -> Calibration:
    """The published law `name` of data/laws.csv with the uncertainty of data/law_covariance.csv.

    Raises:
        UnknownName: there is no such law; the message offers the closest names.
    """
    row = record("laws", "name", name, kind="law")
    family: type[Additive] | type[Kaplan] = Kaplan if row["form"] == "kaplan" else Additive
    names = [field.name for field in fields(family)]
    law = family(**{name: float(row[name]) for name in names})
    return Calibration(
        name=row["name"],
        title=row["title"],
        law=law,
        ensemble=family(**_draws(law, row["uncertainty"])),
        counting=row["counting"],
        loss_unit=row["loss_unit"],
        flops_max=float(row["flops_max"]),
        noise=float(row["noise"]),
        source=row["source"],
        as_of=row["as_of"],
        notes=row["notes"],
        repeats=(float(row["R_D"]), float(row["R_N"])) if row["R_D"] else repeats_of_text(),
    )


def repeats_of_text() -> tuple[float, float]:
    """R_D and R_N of Muennighoff et al. 2023, fitted on C4: our assumption wherever nobody measured repeats."""
    row = record("laws", "name", "muennighoff-2023", kind="law")
    return float(row["R_D"]), float(row["R_N"])


def _draws(law: Additive | Kaplan, uncertainty: str, count: int = 1000) -> dict[str, NDArray[np.float64]]:
    """Coefficient arrays, shape (count,): normal around `law` with the covariance tabled under `uncertainty`.

    Exponents vary as they are, all other coefficients in their logarithm (their bootstrap is close to log-normal).
    """
    names = [field.name for field in fields(law)]
    covariance = np.zeros((len(names), len(names)))
    for row in records("law_covariance"):
        if row["law"] == uncertainty:
            i, j = names.index(row["first"]), names.index(row["second"])
            covariance[i, j] = covariance[j, i] = float(row["covariance"])
    shifts = np.random.default_rng(0).multivariate_normal(np.zeros(len(names)), covariance, size=count)
    return {
        name: np.maximum(getattr(law, name) + shift, _LEAST_EXPONENT)
        if name.startswith(("alpha", "beta"))
        else getattr(law, name) * np.exp(shift)
        for name, shift in zip(names, shifts.T, strict=True)
    }


class Calibrated(Protocol):
    """Anything that carries a calibration, such as a `Fit`."""

    @property
    def calibration(self) -> Calibration:
        """The law with its uncertainty."""


def calibration_of(law: str | Calibration | Calibrated | Additive | Kaplan) -> Calibration:
    """The calibration that `law` names, is, or carries; a bare law becomes one without uncertainty.

    Raises:
        UnknownName: no published law has this name.
        InputError: `law` is nothing of the kind.
    """
    if isinstance(law, str):
        return published(law)
    if isinstance(law, Calibration):
        return law
    if isinstance(law, Additive | Kaplan):
        return Calibration(
            name="given",
            title="A law given by its coefficients",
            law=law,
            ensemble=type(law)(**{f.name: np.array([getattr(law, f.name)], dtype=float) for f in fields(law)}),
            counting="total",
            loss_unit="nats/token",
            flops_max=0.0,
            noise=0.0,
            source="given by the caller, without uncertainty",
            as_of="",
            repeats=repeats_of_text(),
        )
    carried = getattr(law, "calibration", None)
    if not isinstance(carried, Calibration):
        raise InputError(
            f"A {type(law).__name__} is no law.", mend="Give a name from laws(), or what fit(...) returns."
        )
    return carried
