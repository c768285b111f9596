"""Forms: the laws that can be fitted, each as a model for the solver, a weak prior, and a way back to coefficients.

Priors are log-normal and weak: they keep a small sweep sane and give way to a large one. On 28 public run tables the
fitted k of the coupled form had median 0.68 and 10 to 90 % range 0.24 to 0.92, the exponents of its terms about 0.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from planner.errors import UnknownName
from planner.fitting.farseer_terms import Nine, nine_law, nine_starts
from planner.fitting.solver import Array, Model
from planner.fitting.terms import COUPLINGS, EXPONENTS, Constrained, Coupling, Data, Sum, term_box
from planner.laws import Additive, Coupled, Kaplan, Law

_EXPONENT, _EXPONENT_SPREAD = float(np.log(0.33)), 0.3
_TERM, _TERM_SPREAD = float(np.log(0.15)), 1.0
"""Each term at the middle of the runs, as a share of the loss there: runs along one line cannot tell the two apart."""
_COUPLING, _COUPLING_SPREAD = float(np.log(0.75)), 0.25
_FIXED = float(np.log(0.3473105)), float(np.log(0.3671724))
"""Exponents of Besiroglu et al. 2024, at the Huber optimum."""
_GRID = 11
_NONE = float(np.exp(-60))
_FREE = np.inf
_MOST_RUNS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of law; unknowns are those of its `model`, of which `mean` and `spread` are the prior (infinite: none).

    `coefficients` are the field names of the law that `law(data, theta)` makes of unknowns of shape (..., unknowns).
    """

    name: str
    formula: str
    coefficients: tuple[str, ...]
    mean: Array
    spread: Array
    model: Callable[[Data], Model]
    starts: Callable[[Data, int], Array]
    law: Callable[[Data, Array], Law]

    def centre(self, data: Data) -> Array:
        """The mean of the prior for `data`: terms are shares of its typical loss."""
        found = self.mean.copy()
        found[:2] += np.where(np.isfinite(self.spread[:2]), data.z.mean(), 0.0)
        return found

    @property
    def unknowns(self) -> int:
        """How many numbers are fitted."""
        return len(self.mean)


def form_called(name: str) -> Form:
    """The form of this name.

    Raises:
        UnknownName: there is none.
    """
    for form in FORMS:
        if form.name == name:
            return form
    raise UnknownName.of("form of law", str(name), known=("auto", *(form.name for form in FORMS)))


def _starts(data: Data, count: int) -> Array:
    """The `count` most promising unknowns of the additive form: variable projection on a grid of exponents.

    For fixed exponents the model is linear in A, B and E, and non-negative least squares of the relative residuals over
    three unknowns is solved exactly by trying every set of active ones.
    """
    some = data.part(slice(None, None, 1 + len(data.x) // _MOST_RUNS))
    x, y, z = some.x, some.y, some.z
    grid = np.geomspace(0.05, 1.6, _GRID)
    alpha, beta = (axis.ravel() for axis in np.meshgrid(grid, grid, indexing="ij"))
    design = np.stack([np.exp(-alpha[:, None] * x), np.exp(-beta[:, None] * y), np.ones((len(alpha), len(x)))], axis=1)
    design *= np.exp(-z)
    gram, right = design @ design.transpose(0, 2, 1), design.sum(axis=2)
    best, solution = np.full(len(alpha), np.inf), np.zeros((len(alpha), 3))
    for size in (1, 2, 3):
        for active in map(list, combinations(range(3), size)):
            part = np.zeros_like(solution)
            block = gram[:, active][:, :, active]
            block = block + (1e-12 * np.einsum("pii->p", block))[:, None, None] * np.eye(size)
            part[:, active] = np.linalg.solve(block, right[:, active, None])[..., 0]
            error = np.einsum("pi,pij,pj->p", part, gram, part) - 2 * np.einsum("pi,pi->p", part, right)
            better = (part >= 0).all(axis=1) & (error < best)
            best[better], solution[better] = error[better], part[better]
    order = np.argsort(best, kind="stable")[:count]
    terms = np.maximum(solution[order], 1e-3 * np.exp(z.min()))
    return np.column_stack([np.log(terms), np.log(alpha[order]), np.log(beta[order])])


def _additive(data: Data, theta: Array) -> Additive:
    a, b, e, alpha, beta = np.moveaxis(theta, -1, 0)
    alpha, beta = np.exp(alpha), np.exp(beta)
    return Additive(
        E=np.exp(e)[()],
        A=np.exp(a + alpha * data.x_mean)[()],
        B=np.exp(b + beta * data.y_mean)[()],
        alpha=alpha[()],
        beta=beta[()],
    )


def _coupled(data: Data, theta: Array) -> Coupled:
    a, b, e, alpha, beta, k = np.moveaxis(theta, -1, 0)
    alpha, beta, k = np.exp(alpha), np.exp(beta), np.exp(k)
    return Coupled(
        E=np.exp(e)[()],
        A=np.exp((a + alpha * data.x_mean) / k)[()],
        B=np.exp((b + beta * data.y_mean) / k)[()],
        alpha=(alpha / k)[()],
        beta=(beta / k)[()],
        k=k[()],
    )


def _coupled_starts(data: Data, count: int) -> Array:
    additive = _starts(data, count)
    return np.concatenate([np.column_stack([additive, np.full(len(additive), np.log(k))]) for k in (1.0, 0.5)])


_TIE = np.vstack([np.eye(4), [[0, 0, 0, 1]]])


def _tied(data: Data, theta: Array) -> Additive:
    return _additive(data, theta @ _TIE.T)


def _tied_starts(data: Data, count: int) -> Array:
    found = _starts(data, count)
    return np.column_stack([found[:, :3], found[:, 3:].mean(axis=1)])


_FIX, _FIX_AT = np.eye(5, 3), np.array([0, 0, 0, *_FIXED])


def _fixed(data: Data, theta: Array) -> Additive:
    return _additive(data, theta @ _FIX.T + _FIX_AT)


# L = (u^(1/k) + v^(1/k))^k whose token term falls as 1/D inside, so that its own exponent is k.
_KAPLAN = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]], dtype=float)
_KAPLAN_AT = np.array([0, 0, np.log(_NONE), 0, 0, 0])


def _kaplan(data: Data, theta: Array) -> Kaplan:
    a, b, alpha, k = np.moveaxis(theta, -1, 0)
    alpha, k = np.exp(alpha), np.exp(k)
    return Kaplan(
        N_c=np.exp((a + alpha * data.x_mean) / alpha)[()],
        D_c=np.exp((b + k * data.y_mean) / k)[()],
        alpha_N=alpha[()],
        alpha_D=k[()],
    )


def _kaplan_starts(data: Data, count: int) -> Array:
    level = data.z.mean()
    grid = np.log([0.05, 0.1, 0.3])
    guesses = np.array([(level - 1, level - 1, alpha, k) for alpha in grid for k in grid])
    losses = np.abs(data.z - KAPLAN.model(data).at(guesses).predicted).sum(axis=1)
    return guesses[np.argsort(losses, kind="stable")[:count]]


_KAPLAN_BOX = (
    np.array([-_FREE, -_FREE, np.log(EXPONENTS[0]), np.log(COUPLINGS[0])]),
    np.array([_FREE, _FREE, np.log(EXPONENTS[1]), np.log(COUPLINGS[1])]),
)

ADDITIVE = Form(
    name="additive",
    formula="L = E + A/N^alpha + B/D^beta",
    coefficients=("E", "A", "B", "alpha", "beta"),
    mean=np.array([_TERM, _TERM, 0, _EXPONENT, _EXPONENT]),
    spread=np.array([_TERM_SPREAD, _TERM_SPREAD, _FREE, _EXPONENT_SPREAD, _EXPONENT_SPREAD]),
    model=Sum,
    starts=_starts,
    law=_additive,
)
COUPLED = Form(
    name="coupled",
    formula="L = E + (A/N^alpha + B/D^beta)^k",
    coefficients=("E", "A", "B", "alpha", "beta", "k"),
    mean=np.array([_TERM, _TERM, 0, _EXPONENT, _EXPONENT, _COUPLING]),
    spread=np.array([_TERM_SPREAD, _TERM_SPREAD, _FREE, _EXPONENT_SPREAD, _EXPONENT_SPREAD, _COUPLING_SPREAD]),
    model=Coupling,
    starts=_coupled_starts,
    law=_coupled,
)
TIED = Form(
    name="tied",
    formula="L = E + A/N^alpha + B/D^alpha",
    coefficients=("E", "A", "B", "alpha"),
    mean=np.array([_TERM, _TERM, 0, _EXPONENT]),
    spread=np.array([_TERM_SPREAD, _TERM_SPREAD, _FREE, _EXPONENT_SPREAD]),
    model=lambda data: Constrained(Sum(data), _TIE, np.zeros(5), term_box(EXPONENTS)),
    starts=_tied_starts,
    law=_tied,
)
FIXED = Form(
    name="fixed",
    formula="L = E + A/N^0.347 + B/D^0.367",
    coefficients=("E", "A", "B"),
    mean=np.zeros(3),
    spread=np.full(3, _FREE),
    model=lambda data: Constrained(Sum(data), _FIX, _FIX_AT, term_box()),
    starts=lambda data, count: _starts(data, count)[:, :3],
    law=_fixed,
)
KAPLAN = Form(
    name="kaplan",
    formula="L = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D",
    coefficients=("N_c", "D_c", "alpha_N", "alpha_D"),
    mean=np.zeros(4),
    spread=np.full(4, _FREE),
    model=lambda data: Constrained(Coupling(data), _KAPLAN, _KAPLAN_AT, _KAPLAN_BOX),
    starts=_kaplan_starts,
    law=_kaplan,
)
FARSEER = Form(
    name="farseer",
    formula="L = exp(s N^q + S) + exp(B N^b + Q) D^-exp(A N^a + E)",
    coefficients=("s", "q", "S", "B", "b", "Q", "A", "a", "E"),
    mean=np.array([0, 0, -0.2, 0, 0, 0, _EXPONENT, 0, 0]),
    spread=np.array([_FREE, _FREE, 0.15, _FREE, 0.3, 0.15, _EXPONENT_SPREAD, 0.1, 0.15]),
    model=Nine,
    starts=lambda data, count: nine_starts(data, _starts(data, count)),
    law=nine_law,
)
FORMS = (ADDITIVE, COUPLED, TIED, FIXED, KAPLAN, FARSEER)
