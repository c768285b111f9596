"""Laws: what loss a model of N parameters reaches on D tokens, how sure that is, and who published it."""

from planner.laws.additive import Additive
from planner.laws.calibrations import DRIFT, FAMILY, Calibrated, Calibration, calibration_of, published, repeats_of_text
from planner.laws.coupled import Coupled
from planner.laws.data_constrained import DataConstrained
from planner.laws.farseer import Farseer
from planner.laws.kaplan import Kaplan, kaplan_allocation
from planner.laws.law import FLOPS_PER_PARAM_TOKEN, Array, Law, Numbers, argmin
from planner.laws.optima import optimum_under, valley

__all__ = [
    "DRIFT", "FAMILY", "FLOPS_PER_PARAM_TOKEN", "Additive", "Array", "Calibrated", "Calibration", "Coupled",
    "DataConstrained", "Farseer", "Kaplan", "Law", "Numbers", "argmin", "calibration_of", "kaplan_allocation",
    "optimum_under", "published", "repeats_of_text", "valley",
]  # fmt: skip
