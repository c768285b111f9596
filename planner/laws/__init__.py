"""Laws: what loss a model of N parameters reaches on D tokens, how sure that is, and who published it."""

from planner.laws.calibrations import DRIFT, Calibrated, Calibration, calibration_of, published, repeats_of_text
from planner.laws.formulas import (
    FLOPS_PER_PARAM_TOKEN,
    Additive,
    Array,
    DataConstrained,
    Kaplan,
    Law,
    Numbers,
    argmin,
    kaplan_allocation,
)

__all__ = [
    "DRIFT", "FLOPS_PER_PARAM_TOKEN", "Additive", "Array", "Calibrated", "Calibration", "DataConstrained", "Kaplan",
    "Law", "Numbers", "argmin", "calibration_of", "kaplan_allocation", "published", "repeats_of_text",
]  # fmt: skip
