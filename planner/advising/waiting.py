"""Waiting: how fast a model of some size answers on a device, and how long people wait for each option.

Decoding reads the whole model once per token: tokens per second = memory bandwidth / (0.55 bytes per parameter x
parameters), for weights of 4 bits with a tenth on top. Devices are those of devices.csv.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.advising.assessing import Assessment
from planner.advising.assuming import Draws, estimated
from planner.advising.pasting import pasted_tokens
from planner.advising.views import LANGUAGE_MODELS, options
from planner.catalog import record, records
from planner.estimate import Estimate

DECODED_BYTES_PER_PARAM = 0.55
_MEMORY_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Device:
    """Something that a model runs on: its memory, and how fast that is read."""

    name: str
    title: str
    memory_bytes_per_second: float
    memory_bytes: float

    @classmethod
    def of(cls, name: str) -> Device:
        """The device called `name`.

        Raises:
            UnknownName: there is none; the message offers the closest.
        """
        row = record("devices", "device", name, kind="device")
        return cls(row["device"], row["title"], float(row["memory_bytes_per_second"]), float(row["memory_bytes"]))

    def tokens_per_second(self, params: float) -> float:
        """Answer tokens per second of a dense model in 4 bits; 0 where it does not fit into the memory."""
        size = DECODED_BYTES_PER_PARAM * params
        return self.memory_bytes_per_second / size if size <= _MEMORY_SHARE * self.memory_bytes else 0.0


def devices() -> tuple[Device, ...]:
    """Every device of the table, the smallest first."""
    return tuple(Device.of(row["device"]) for row in records("devices"))


def wait_ms(option: str, assessment: Assessment) -> Estimate:
    """Milliseconds until an answer begins: our assumption per option; on a device, reading the prompt counts too."""
    row = options()[option]
    wait = Estimate(float(row["wait_ms"]), float(row["wait_ms_low"]), float(row["wait_ms_high"]))
    if assessment.case.deploy != "on_device" or option not in LANGUAGE_MODELS:
        return wait
    return estimated(_reading_ms(option, assessment))


def _reading_ms(option: str, assessment: Assessment) -> Draws:
    """Milliseconds in which a device reads a prompt: 2 FLOPs per parameter and token."""
    case, guesses = assessment.case, assessment.guesses
    added: dict[str, Draws | float] = {
        "rag": guesses["retrieved_tokens"],
        "tools": guesses["tool_tokens"],
        "long_context": pasted_tokens(case, guesses),
    }
    params = np.minimum(guesses["device_params"], case.n_serve_max)
    tokens = (case.tok_in + added.get(option, 0.0)) * case.stretch
    return np.asarray(2000 * params * tokens / guesses["device_flops_per_second"])
