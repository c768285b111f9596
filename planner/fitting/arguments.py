"""Arguments: numbers and arrays as callers of a fit give them, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.laws import Numbers


def refuse_level(level: Any) -> None:
    if not isinstance(level, float | int) or not 0 < level < 1:
        raise InputError(f"level is {level!r}.", mend="Give one probability between 0 and 1, such as 0.9.")


def array_of(values: Any, name: str) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{name} is no number or array of numbers.", mend=f"Give {name} as floats.") from None
    if not (np.isfinite(numbers) & (numbers > 0)).all():
        raise InputError(f"{name} must be positive and finite.", mend=f"Check the {name} given.")
    return numbers


def arrays_of(params: Any, tokens: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sizes = array_of(params, "params"), array_of(tokens, "tokens")
    try:
        np.broadcast_shapes(*(size.shape for size in sizes))
    except ValueError:
        shapes = " and ".join(str(size.shape) for size in sizes)
        raise InputError(f"params and tokens have shapes {shapes}.", mend="Give shapes that broadcast.") from None
    return sizes


def unboxed(values: Numbers) -> Any:
    array = np.asarray(values)
    return float(array) if array.ndim == 0 else array
