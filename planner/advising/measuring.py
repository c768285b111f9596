"""Measured: what pilots say instead of our assumptions, as one entry per perturbation, in the unit of the law.

Two things can be measured. `level` is the loss of models as they come; it is comparable with a law only where that law
was fitted on the same text. The closing curve L(0) - L(D) = fall (1 - (1 + D / tokens)^-decay) of continued pretraining
needs no law, because it is a difference on one text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.advising.assuming import Draws
from planner.advising.halving import least
from planner.advising.piloting import Pilot
from planner.catalog import records
from planner.errors import InputError
from planner.laws import Calibration

BYTES_PER_TOKEN = 4.2
"""English text in a common tokenizer: our assumption, between nats per token of a published law and bits per byte."""
_LEAST_TOKENS, _MOST_TOKENS = 1e4, 1e14
_STEPS = 40
_LEAST_MARGIN = 0.02


NATS_PER_BIT = float(np.log(2) * BYTES_PER_TOKEN)
"""Nats per token in one bit per byte."""


def nats_per_unit(calibration: Calibration) -> float:
    """Nats per token in one unit of the law's loss."""
    return 1.0 if calibration.loss_unit == "nats/token" else NATS_PER_BIT


def is_own(calibration: Calibration) -> bool:
    """Whether the law is none of the published ones: then it speaks about the user's own text."""
    return calibration.name not in {row["name"] for row in records("laws")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the pilots replace; None where they say nothing.

    Args:
        level: measured losses of models as they come, by name.
        curve: fall, tokens and decay of the closing curve.
    """

    level: dict[str, float] | None = None
    curve: tuple[Draws, Draws, Draws] | None = None

    @property
    def names(self) -> frozenset[str]:
        """The models whose level is measured."""
        return frozenset(self.level or ())


def measured(pilots: tuple[Pilot, ...], calibration: Calibration, guesses: dict[str, Draws]) -> Measured:
    """What `pilots` replace under `calibration`.

    Raises:
        InputError: an own law is in nats per token, which no pilot can be compared with.
    """
    if not pilots:
        return Measured()
    own = is_own(calibration)
    if own and calibration.loss_unit != "bits/byte":
        raise InputError(
            f"The law {calibration.name} is in {calibration.loss_unit}, the pilots in bits per byte.",
            mend='Convert the runs before the fit: --in-unit bits/byte, or load_runs(...).in_unit("bits/byte").',
        )
    bits = 1.0 if calibration.loss_unit == "bits/byte" else NATS_PER_BIT
    before = {pilot.model: pilot.bits_per_byte * bits for pilot in pilots if pilot.kind == "zero_shot"}
    falls = sorted(
        (pilot.domain_tokens, before[pilot.model] - pilot.bits_per_byte * bits)
        for pilot in pilots
        if pilot.kind == "cpt"
    )
    level = before if own else None
    curve = _closing(falls, guesses["gap_tokens"], guesses["gap_decay"]) if falls else None
    return Measured(level=level, curve=curve)


def _closing(falls: list[tuple[float, float]], tokens: Draws, decay: Draws) -> tuple[Draws, Draws, Draws]:
    """Fall, tokens and decay of the curve through the pilots: one pilot sets the fall, two also the tokens."""
    read, fell = np.array(falls).T
    if fell[-1] <= 0:
        return np.zeros_like(tokens), tokens, decay
    if read[-1] > read[0]:
        tokens = _bent(read[0], read[-1], fell[0] / fell[-1], decay)
    shape = 1 - (1 + read[:, None] / tokens) ** -decay
    fall = (shape * fell[:, None]).sum(axis=0) / (shape**2).sum(axis=0)
    return fall, tokens, decay


def _bent(first: float, last: float, share: float, decay: Draws) -> Draws:
    """Tokens at which the curve has fallen at `first` by `share` of its fall at `last`; a share that no curve has is
    moved to the nearest one."""
    wanted = np.clip(share, first / last * (1 + _LEAST_MARGIN), 1 - _LEAST_MARGIN)

    def falls_late(tokens: Draws) -> NDArray[np.bool_]:
        shape = [1 - (1 + amount / tokens) ** -decay for amount in (first, last)]
        return np.asarray(shape[0] / shape[1] <= wanted)

    return least(falls_late, _LEAST_TOKENS, _MOST_TOKENS, size=decay.size, steps=_STEPS)
