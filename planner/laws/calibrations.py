"""Calibrations: a law with its uncertainty and its provenance, published ones included. Fitting lives one floor up."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from statistics import NormalDist
from typing import Any, Protocol, cast

import numpy as np

from planner.catalog import record, records
from planner.errors import InputError
from planner.estimate import LEVEL
from planner.laws.additive import Additive
from planner.laws.coupled import Coupled
from planner.laws.data_constrained import DataConstrained
from planner.laws.farseer import Farseer
from planner.laws.kaplan import Kaplan
from planner.laws.law import FLOPS_PER_PARAM_TOKEN, Array, Law, Numbers

DRIFT = 0.035
"""Half-width, as a fraction of the loss, of the 90 % range that each decade of extrapolated compute adds. Our back-test
on 26 public run tables: coefficient bootstraps alone covered 34 % of the larger runs; 3 to 4 % a decade, 85 to 94 %."""

SIZE_DRIFT = 0.07
"""Half-width, in powers of ten, of the 90 % range of the best size that each decade of extrapolated compute adds; the
ranges of simulated sweeps hold with it (tests/benchmarks/simulation.py)."""

FAMILY = (Additive, Coupled, DataConstrained, Farseer, Kaplan)

_LEAST_EXPONENT = 0.02
_DRAWS = 1000
_OF_REPEATS = "muennighoff-2023"
_BLOCK = 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """A law with its uncertainty and its provenance.

    `ensemble` is the class of `law` with arrays for coefficients, one entry per draw; `noise` the relative standard
    deviation of one run around the law; `flops_max` the largest run it was fitted to, 0 if unknown; `repeats` how much
    repetitions count, (R_D, R_N) of Muennighoff et al. 2023, and `repeats_draws` the same for each draw of the ensemble
    where it is known, and `repeats_noise` the deviation of one run on limited text where that is more than `noise`;
    `basis` says in words where the draws come from; `drift` is what every decade of extrapolation adds, as `DRIFT`.
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
    basis: str
    drift: float = DRIFT
    repeats_draws: tuple[Array, Array] | None = None
    repeats_noise: float = 0.0
    notes: str = ""

    def decades_beyond(self, flops: Numbers) -> Numbers:
        """Powers of ten by which `flops` exceeds the largest run of the fit; 0 inside."""
        if not self.flops_max:
            return np.zeros_like(np.asarray(flops, dtype=float))[()]
        return cast("Numbers", np.maximum(np.log10(np.asarray(flops, dtype=float) / self.flops_max), 0.0)[()])

    def size_drift(self, flops: Numbers, draws: int) -> Array:
        """Factors, shape (*flops.shape, draws), by which the best params for `flops` may be off; tokens by 1 / them."""
        decades = np.asarray(self.decades_beyond(flops))[..., None]
        normals = np.random.default_rng(1).standard_normal(draws)
        factors: Array = 10 ** (SIZE_DRIFT * decades * normals / NormalDist().inv_cdf(0.95))
        return factors

    def loss_interval(self, params: Numbers, tokens: Numbers, level: float = LEVEL) -> tuple[Numbers, Numbers]:
        """Predictive interval of the loss of one new run; arguments broadcast, both bounds have their shape.

        Coefficient draws, run-to-run noise and the drift of extrapolation add in quadrature.
        """
        params, tokens = np.broadcast_arrays(np.asarray(params, dtype=float), np.asarray(tokens, dtype=float))
        central = np.asarray(self.law.loss(params, tokens))
        below, above = self._quantiles(params.ravel(), tokens.ravel(), level).reshape(2, *central.shape) / central - 1
        deviations = NormalDist().inv_cdf((1 + level) / 2)
        drift = self.drift * self.decades_beyond(FLOPS_PER_PARAM_TOKEN * params * tokens) / NormalDist().inv_cdf(0.95)
        spread = deviations * np.hypot(self.noise, drift)
        low = central * (1 - np.hypot(np.minimum(below, 0), spread))
        high = central * (1 + np.hypot(np.maximum(above, 0), spread))
        return cast("tuple[Numbers, Numbers]", (low[()], high[()]))

    def _quantiles(self, params: Array, tokens: Array, level: float) -> Array:
        """Low and high quantile over the draws, shape (2, points), a bounded block of points at a time."""
        found = np.empty((2, len(params)))
        for start in range(0, len(params), _BLOCK):
            block = slice(start, start + _BLOCK)
            draws = np.asarray(self.ensemble.loss(params[block, None], tokens[block, None]))
            # Both give the same numbers where nothing is missing; np.quantile is four times as quick.
            quantiles = np.nanquantile if np.isnan(draws).any() else np.quantile
            found[:, block] = quantiles(draws, [(1 - level) / 2, (1 + level) / 2], axis=-1)
        return found

    def limited_to(self, unique_tokens: float) -> Calibration:
        """The same calibration where only `unique_tokens` exist and further tokens repeat them.

        Raises:
            InputError: the law has no separate term for tokens.
        """
        law, ensemble = self.law, self.ensemble
        if not (isinstance(law, Additive | Coupled) and isinstance(ensemble, Additive | Coupled)):
            raise InputError(
                f"The law {self.name} says nothing about repeated tokens.",
                mend="Choose an additive or coupled law such as besiroglu-2024, or leave out tokens_available.",
            )
        (R_D, R_N), (R_D_draws, R_N_draws) = self.repeats, self.repeats_draws or self.repeats
        return replace(
            self,
            law=DataConstrained(law=law, unique_tokens=unique_tokens, R_D=R_D, R_N=R_N),
            ensemble=DataConstrained(law=ensemble, unique_tokens=unique_tokens, R_D=R_D_draws, R_N=R_N_draws),
            noise=max(self.noise, self.repeats_noise),
        )


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
        repeats_draws=repeats_draws_of_text(),
        basis=next(entry["source"] for entry in records("law_covariance") if entry["law"] == row["uncertainty"]),
    )


def repeats_of_text() -> tuple[float, float]:
    """R_D and R_N of Muennighoff et al. 2023, fitted on C4: our assumption wherever nobody measured repeats."""
    row = record("laws", "name", _OF_REPEATS, kind="law")
    return float(row["R_D"]), float(row["R_N"])


def repeats_draws_of_text(count: int = _DRAWS) -> tuple[Array, Array]:
    """Draws of `repeats_of_text`, each of shape (count,): log-normal, with the covariance tabled for them."""
    shifts = _shifts(["R_D", "R_N"], _OF_REPEATS, count, seed=1)
    R_D, R_N = (value * np.exp(shift) for value, shift in zip(repeats_of_text(), shifts, strict=True))
    return R_D, R_N


def _draws(law: Additive | Kaplan, uncertainty: str) -> dict[str, Array]:
    """Coefficient arrays: normal around `law` with the covariance tabled under `uncertainty`.

    Exponents vary as they are, all other coefficients in their logarithm (their bootstrap is close to log-normal).
    """
    names = [field.name for field in fields(law)]
    return {
        name: np.maximum(getattr(law, name) + shift, _LEAST_EXPONENT)
        if name.startswith(("alpha", "beta"))
        else getattr(law, name) * np.exp(shift)
        for name, shift in zip(names, _shifts(names, uncertainty, _DRAWS, seed=0), strict=True)
    }


def _shifts(names: list[str], uncertainty: str, count: int, seed: int) -> Array:
    """Normal draws, shape (names, count), with the covariance tabled under `uncertainty`."""
    covariance = np.zeros((len(names), len(names)))
    for row in records("law_covariance"):
        if row["law"] == uncertainty and row["first"] in names:
            i, j = names.index(row["first"]), names.index(row["second"])
            covariance[i, j] = covariance[j, i] = float(row["covariance"])
    return np.random.default_rng(seed).multivariate_normal(np.zeros(len(names)), covariance, size=count).T


class Calibrated(Protocol):
    """Anything that carries a calibration, such as a `Fit`."""

    @property
    def calibration(self) -> Calibration:
        """The law with its uncertainty."""


def calibration_of(law: str | Calibration | Calibrated | Law) -> Calibration:
    """The calibration that `law` names, is, or carries; a bare law becomes one without uncertainty.

    Raises:
        UnknownName: no published law has this name.
        InputError: `law` is nothing of the kind.
    """
    if isinstance(law, str):
        return published(law)
    if isinstance(law, Calibration):
        return law
    if isinstance(law, FAMILY):
        return Calibration(
            name="given",
            title="A law given by its coefficients",
            law=law,
            ensemble=_single_draw(law),
            counting="total",
            loss_unit="nats/token",
            flops_max=0.0,
            noise=0.0,
            source="given by the caller",
            as_of="",
            repeats=repeats_of_text(),
            basis="none: coefficients were given without uncertainty",
        )
    carried = getattr(law, "calibration", None)
    if not isinstance(carried, Calibration):
        raise InputError(
            f"A {type(law).__name__} is no law.", mend="Give a name from laws(), or what fit(...) returns."
        )
    return carried


def _single_draw(law: Any) -> Any:
    """The ensemble whose only member is `law`."""
    if is_dataclass(law) and not isinstance(law, type):
        return type(law)(**{field.name: _single_draw(getattr(law, field.name)) for field in fields(law)})
    return np.array([law], dtype=float)
