"""Stating: the utilisation that a user measured or assumes, as a whole or by its factors, where it is not predicted."""

from __future__ import annotations

from planner.errors import InputError
from planner.estimate import Estimate
from planner.hardware.accelerators import Accelerator
from planner.hardware.utilisation.predicting import predicted
from planner.hardware.utilisation.published import highest_published
from planner.hardware.utilisation.terms import LOW_PRECISION, Facts
from planner.hardware.utilisation.values import KINDS, PRECISIONS, Factor, Utilisation
from planner.units import read, show

AS_GIVEN = "as given"


def stated(
    facts: Facts, whole: float | str | None, mfu: float | str | None, goodput: float | str | None
) -> Utilisation:
    """The utilisation that is given as a whole, else the product of its factors, each as given or predicted.

    Raises:
        InputError: the whole and a factor are both given, or one is no fraction above 0 and up to 1.
    """
    if whole is None:
        return _of_factors(predicted(facts), mfu, goodput)
    if mfu is not None or goodput is not None:
        factor = "mfu" if mfu is not None else "goodput"
        raise InputError(
            f"utilisation and {factor} both say how well the hardware is used.",
            mend="Give the utilisation of the whole run, or its factors mfu and goodput.",
        )
    return Utilisation(_fraction(whole, "utilisation"), AS_GIVEN)


def refuse_unknown(chip: Accelerator, kind: str, precision: str | None) -> None:
    """Raise InputError for a kind of model or a precision that there is not, or not on this chip."""
    if kind not in KINDS:
        raise InputError(f"kind must be 'dense' or 'moe', not {kind!r}.", mend="Leave it out for a dense model.")
    if precision is not None and precision not in PRECISIONS:
        raise InputError(
            f"precision must be 'bf16', 'fp16' or 'fp8', not {precision!r}.", mend="Leave it out for what is usual."
        )
    if precision == LOW_PRECISION and chip.fp8_flops_per_second is None:
        raise InputError(f"The {chip} does not compute in FP8.", mend="Leave precision out, or choose another chip.")


def _of_factors(guess: Utilisation, mfu: float | str | None, goodput: float | str | None) -> Utilisation:
    """`guess` with one or both factors replaced."""
    steady = guess.mfu if mfu is None else Factor(_fraction(mfu, "mfu"), AS_GIVEN)
    productive = guess.goodput if goodput is None else Factor(_fraction(goodput, "goodput"), AS_GIVEN)
    if steady is None or productive is None or (mfu is None and goodput is None):
        return guess
    whole = steady.value.times(productive.value)
    basis = f"MFU {steady.basis} x goodput {productive.basis}"
    return Utilisation(Estimate(whole, whole.low, min(whole.high, 1.0), whole.level), basis, steady, productive)


def _fraction(value: float | str, name: str) -> Estimate:
    estimate = value if isinstance(value, Estimate) else Estimate.exact(read(value, "fraction", name=name))
    if not (estimate.low > 0 and estimate.high <= 1):
        record = show(highest_published().utilisation, "fraction")
        whole = "" if name == "goodput" else f"; the highest published of a whole run is {record}"
        raise InputError(
            f"{name} must be above 0 and at most 1, not {value}.",
            mend=f"Give a fraction such as 0.4 or '40 %'{whole}.",
        )
    return estimate
