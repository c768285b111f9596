"""serve(...) -> Serving: how fast a model is read and written with, on how many GPUs, at what price per token.

It knows memory, bandwidth and arithmetic; it schedules no requests and promises no latency.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.constants import constant
from planner.errors import InfeasiblePlan, InputError
from planner.hardware import Cluster
from planner.serving.sheets import Serving
from planner.serving.speeds import Service
from planner.sheet import Finding
from planner.transformer import Transformer
from planner.units import read, show

NEARLY_CHEAPEST = 0.9
"""A copy on fewer GPUs is preferred while it writes this share of what more GPUs would, per GPU."""
MOST_GPUS = 512
WIDEST = 4.0
"""Bytes per parameter of fp32."""


def serve(
    shape: Transformer,
    cluster: Cluster | str,
    *,
    prompt_tokens: float | str | None = None,
    answer_tokens: float | str | None = None,
    bytes_per_param: float = 2,
) -> Serving:
    """How fast `shape` is served on GPUs of `cluster`, and what a million tokens cost there.

    Args:
        cluster: a Cluster or text such as "8x h100": the most GPUs that one copy may take, and their price.
        prompt_tokens: tokens that a request reads; by default 1,000, our assumption.
        answer_tokens: tokens that it writes; by default 300, our assumption.
        bytes_per_param: 2 is bf16, 1 is fp8 (at the chip's fp8 rate where it has one), 0.5 is 4 bits.

    Raises:
        InputError: a value is malformed or out of range.
        InfeasiblePlan: the model and one request do not fit on the cluster.
    """
    chosen = Cluster.parse(cluster)
    size = read(bytes_per_param, "count", name="bytes_per_param")
    if not size <= WIDEST:
        raise InputError(f"bytes_per_param must be at most 4, not {bytes_per_param}.", mend="Give 2 for bf16.")
    service = Service(
        shape=shape,
        chip=chosen.accelerator,
        prompt_tokens=_tokens(prompt_tokens, "prompt_tokens"),
        answer_tokens=_tokens(answer_tokens, "answer_tokens"),
        bytes_per_param=size,
    )
    fewest = next((gpus for gpus in _sizes(MOST_GPUS) if service.batch(gpus)), None)
    if fewest is None or fewest > chosen.gpus:
        raise _too_small(service, chosen, fewest)
    gpus = _best_size(service, fewest, chosen.gpus)
    return Serving(
        shape=shape,
        cluster=chosen,
        prompt_tokens=service.prompt_tokens,
        answer_tokens=service.answer_tokens,
        bytes_per_param=size,
        gpus=gpus,
        fewest_gpus=fewest,
        batch=service.batch(gpus),
        input_rate=service.reading(gpus).scaled(1 / gpus),
        output_rate=service.writing(gpus).scaled(1 / gpus),
        user_rate=service.steps_per_second(gpus),
        findings=tuple(_findings(chosen, lengths_assumed=prompt_tokens is None or answer_tokens is None)),
    )


def _sizes(most: int) -> Iterator[int]:
    gpus = 1
    while gpus <= most:
        yield gpus
        gpus *= 2


def _best_size(service: Service, fewest: int, most: int) -> int:
    """The fewest GPUs per copy that write nearly as much per GPU as any number does."""
    rates = {gpus: service.writing(gpus) / gpus for gpus in _sizes(most) if gpus >= fewest}
    return next(gpus for gpus, rate in rates.items() if rate >= NEARLY_CHEAPEST * max(rates.values()))


def _too_small(service: Service, cluster: Cluster, fewest: int | None) -> InfeasiblePlan:
    weights = show(service.shape.weight_bytes(service.bytes_per_param), "bytes")
    request = show(service.longest * service.cache_bytes, "bytes")
    some = "a GPU with more memory" if fewest is None else f"{show(fewest, 'gpus')} or more"
    return InfeasiblePlan(
        f"Weights of {weights} and one request of {request} do not fit on {cluster}.",
        mend=f"Use {some}, fewer bytes per parameter, or shorter requests.",
    )


def _tokens(value: float | str | None, name: str) -> int:
    if value is None:
        return int(constant("serving", name).value)
    number = read(value, "tokens", name=name)
    if number < 1:
        raise InputError(f"{name} must be at least 1, not {value}.", mend="Give whole tokens, such as 1000.")
    return round(number)


def _findings(cluster: Cluster, *, lengths_assumed: bool) -> Iterator[Finding]:
    yield Finding(
        "note",
        "Speeds are reckoned from arithmetic and bandwidth, not measured.",
        "The shares of both that engines reach are our assumptions; links between GPUs are left out.",
        "A benchmark of your engine on your requests replaces them.",
    )
    if lengths_assumed:
        yield Finding(
            "note",
            "The length of prompts or answers is our assumption.",
            "None was given.",
            "Give prompt_tokens and answer_tokens: long prompts leave room for fewer requests at once.",
        )
    if cluster.price is None:
        yield Finding(
            "warning",
            f"No price of the {cluster.accelerator} is known, so no dollars are shown.",
            "The price snapshot does not list it.",
            "Give one in US dollars per GPU-hour.",
        )
