"""The solver against NIST's certified nonlinear regressions (tests/published/strd), least squares being delta = inf.

The solver wants well-scaled unknowns, so each coefficient is counted in units of its start. Slopes of the models are
complex steps, exact to rounding; curvatures, which make the steps Newton's, are central differences of slopes. Without
them the steps are Gauss-Newton's.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.fitting.solver import minimise

FOLDER = Path(__file__).resolve().parent.parent / "published" / "strd"
PROBLEMS, COEFFICIENTS, POINTS = (
    pd.read_csv(FOLDER / f"{name}.csv").set_index("problem") for name in ("problems", "coefficients", "points")
)
DIGITS = 6


def saturation(x, b1, b2):
    return b1 * (1 - np.exp(-b2 * x))


def attenuation(x, b1, b2, b3):
    return np.exp(-b1 * x) / (b2 + b3 * x)


def three_decays(x, b1, b2, b3, b4, b5, b6):
    return b1 * np.exp(-b2 * x) + b3 * np.exp(-b4 * x) + b5 * np.exp(-b6 * x)


def two_peaks(x, b1, b2, b3, b4, b5, b6, b7, b8):
    return b1 * np.exp(-b2 * x) + b3 * np.exp(-(((x - b4) / b5) ** 2)) + b6 * np.exp(-(((x - b7) / b8) ** 2))


def cubic_ratio(x, b1, b2, b3, b4, b5, b6, b7):
    return (b1 + x * (b2 + x * (b3 + x * b4))) / (1 + x * (b5 + x * (b6 + x * b7)))


def quadratic_ratio(x, b1, b2, b3, b4, b5):
    return (b1 + x * (b2 + x * b3)) / (1 + x * (b4 + x * b5))


def bennett(x, b1, b2, b3):
    return b1 * (b2 + x) ** (-1 / b3)


def power(x, b1, b2):
    return b1 * x**b2


def waves(x, b1, b2, b3, b4, b5, b6, b7, b8, b9):
    year, slow, slower = (2 * np.pi * x / period for period in (12, b4, b7))
    annual = b1 + b2 * np.cos(year) + b3 * np.sin(year)
    return annual + b5 * np.cos(slow) + b6 * np.sin(slow) + b8 * np.cos(slower) + b9 * np.sin(slower)


def peak(x, b1, b2, b3):
    return b1 / b2 * np.exp(-0.5 * ((x - b3) / b2) ** 2)


def enzyme(x, b1, b2, b3, b4):
    return b1 * x * (x + b2) / (x * (x + b3) + b4)


def thermistor(x, b1, b2, b3):
    return b1 * np.exp(b2 / (x + b3))


def two_decays(x, b1, b2, b3, b4, b5):
    return b1 + b2 * np.exp(-b4 * x) + b3 * np.exp(-b5 * x)


def misra_b(x, b1, b2):
    return b1 * (1 - (1 + b2 * x / 2) ** -2.0)


def misra_c(x, b1, b2):
    return b1 * (1 - (1 + 2 * b2 * x) ** -0.5)


def misra_d(x, b1, b2):
    return b1 * b2 * x / (1 + b2 * x)


def breakdown(x, b1, b2, b3):
    time, temperature = x
    return b1 - b2 * time * np.exp(-b3 * temperature)


def logistic(x, b1, b2, b3):
    return b1 / (1 + np.exp(b2 - b3 * x))


def bent_logistic(x, b1, b2, b3, b4):
    return b1 / (1 + np.exp(b2 - b3 * x)) ** (1 / b4)


def defects(x, b1, b2, b3, b4):
    return b1 - b2 * x - np.arctan(b3 / (x - b4)) / np.pi


FORMULAS = {
    "Bennett5": bennett,
    "BoxBOD": saturation,
    "Chwirut1": attenuation,
    "Chwirut2": attenuation,
    "DanWood": power,
    "ENSO": waves,
    "Eckerle4": peak,
    "Gauss1": two_peaks,
    "Gauss2": two_peaks,
    "Gauss3": two_peaks,
    "Hahn1": cubic_ratio,
    "Kirby2": quadratic_ratio,
    "Lanczos1": three_decays,
    "Lanczos2": three_decays,
    "Lanczos3": three_decays,
    "MGH09": enzyme,
    "MGH10": thermistor,
    "MGH17": two_decays,
    "Misra1a": saturation,
    "Misra1b": misra_b,
    "Misra1c": misra_c,
    "Misra1d": misra_d,
    "Nelson": breakdown,
    "Rat42": logistic,
    "Rat43": bent_logistic,
    "Roszman1": defects,
    "Thurber": cubic_ratio,
}


@dataclass(frozen=True)
class Curve:
    """A formula at its points as the solver's model; the unknowns are the coefficients divided by `units`."""

    problem: str
    x: np.ndarray
    units: np.ndarray
    curved: bool = True

    @property
    def box(self):
        free = np.full(len(self.units), np.inf)
        return -free, free

    def at(self, theta):
        return CurvePoint(self, theta, self.predict(theta), self.slope(theta))

    def predict(self, theta):
        """Shape (..., points) for unknowns of shape (..., unknowns)."""
        return FORMULAS[self.problem](self.x, *np.moveaxis(theta * self.units, -1, 0)[..., None])

    def slope(self, theta):
        """Shape (..., unknowns, points)."""
        tiny = 1e-30
        return self.predict(theta[..., None, :] + 1j * tiny * np.eye(theta.shape[-1])).imag / tiny


@dataclass(frozen=True)
class CurvePoint:
    curve: Curve
    theta: np.ndarray
    predicted: np.ndarray
    slope: np.ndarray

    def curvature(self, pull):
        if not self.curve.curved:
            return None
        steps = 1e-5 * np.maximum(np.abs(self.theta), 1e-3)[:, :, None]
        here, shifts = self.theta[:, None], steps * np.eye(self.theta.shape[1])
        change = (self.curve.slope(here + shifts) - self.curve.slope(here - shifts)) / (2 * steps[..., None])
        found = (change @ pull[:, None, :, None])[..., 0]
        return (found + found.transpose(0, 2, 1)) / 2


def observed(problem):
    """What the model predicts, and its predictors."""
    points = POINTS.loc[problem]
    y, x, x2 = (points[name].to_numpy() for name in ("y", "x", "x2"))
    return (np.log(y), np.stack([x, x2])) if problem == "Nelson" else (y, x)


def solved(problem, start, *, curved):
    """Coefficients and sum of squares that the solver reaches from a start."""
    (y, x), units = observed(problem), COEFFICIENTS.loc[problem, start].to_numpy()
    curve, ones = Curve(problem, x, units, curved), np.ones((1, len(units)))
    with np.errstate(all="ignore"):  # Trial steps may leave a formula's domain; the solver turns them down.
        theta, value = minimise(curve, y, ones, np.ones((1, len(y))), np.inf, steps=3000, tolerance=1e-15)
    return in_order(problem, theta[0] * units), 2 * float(value[0])


def in_order(problem, b):
    """Coefficients with alike terms in NIST's order, by their rates."""
    if FORMULAS[problem] is three_decays:
        return b.reshape(3, 2)[np.argsort(b[1::2])].ravel()
    if FORMULAS[problem] is two_decays:
        return b if b[3] < b[4] else b[[0, 2, 1, 4, 3]]
    return b


def digits(found, certified):
    """Correct digits of the worst number, 11 at most, as that many are certified: NIST's log relative error."""
    error = np.abs(found - certified) / np.abs(certified)
    return float(-np.log10(np.maximum(error, 1e-11)).min())


def certified(problem):
    return COEFFICIENTS.loc[problem, "certified"].to_numpy()


@pytest.mark.parametrize("problem", FORMULAS)
def test_gauss_newton_steps_reach_nists_coefficients_from_the_near_start(problem):
    found, squares = solved(problem, "start_2", curved=False)
    assert digits(found, certified(problem)) >= DIGITS
    if problem != "Lanczos1":  # Its residuals are rounding.
        assert digits(squares, PROBLEMS.loc[problem, "sum_of_squares"]) >= DIGITS


@pytest.mark.parametrize("problem", FORMULAS)
def test_newton_steps_reach_nists_coefficients_from_the_near_start(problem):
    assert digits(solved(problem, "start_2", curved=True)[0], certified(problem)) >= DIGITS


@pytest.mark.parametrize("problem", FORMULAS)
def test_one_kind_of_step_reaches_nists_coefficients_from_the_far_start(problem):
    ends = [solved(problem, "start_1", curved=curved) for curved in (True, False)]
    found, _ = min(ends, key=lambda end: end[1])
    assert digits(found, certified(problem)) >= DIGITS


@pytest.mark.parametrize("problem", [name for name in FORMULAS if name != "Lanczos1"])
def test_slopes_at_nists_coefficients_give_nists_deviations(problem):
    (y, x), best = observed(problem), certified(problem)
    point = Curve(problem, x, best).at(np.ones((1, len(best))))
    slope, variance = point.slope[0], np.sum((y - point.predicted) ** 2) / (len(y) - len(best))
    deviation = np.abs(best) * np.sqrt(variance * np.diag(np.linalg.inv(slope @ slope.T)))
    assert digits(deviation, COEFFICIENTS.loc[problem, "deviation"].to_numpy()) >= DIGITS


def test_every_problem_has_a_formula_and_the_points_are_whole():
    assert set(FORMULAS) == set(PROBLEMS.index) == set(COEFFICIENTS.index) == set(POINTS.index)
    assert len(POINTS) == 2176
    assert len(COEFFICIENTS) == 120
