"""Answering: what serving a model to its users costs, from the speeds of planner.serving."""

from __future__ import annotations

from dataclasses import dataclass

from planner.constants import constant
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.serving import serve
from planner.transformer import Transformer
from planner.units import show

MOST_GPUS = 512
"""The most GPUs that one copy of the model may take, however large the cluster that trained it."""


@dataclass(frozen=True, slots=True)
class Served:
    """GPU-hours that are paid for serving, and what they rest on."""

    gpu_hours: Estimate
    basis: str


def serving_hours(params: float, active_params: float, cluster: Cluster, tokens: float) -> Served:
    """What serving `tokens`, read and written together, takes on GPUs like those of `cluster`, idle hours included.

    A mixture of experts whose shape nobody gave takes between a dense model of its active parameters and one of all;
    the value is their geometric mean, which is our assumption.

    Raises:
        InfeasiblePlan: the model fits on no number of these GPUs.
    """
    least, requests = _dense(active_params, cluster, tokens)
    basis = f"{show(tokens, 'tokens')} in {requests}"
    if active_params == params:
        return Served(least, basis)
    most, _ = _dense(params, cluster, tokens)
    between = Estimate((least * most) ** 0.5, least.low, most.high)
    return Served(between, f"{basis}; between a dense model of the active and of all parameters (our assumption)")


def _dense(params: float, cluster: Cluster, tokens: float) -> tuple[Estimate, str]:
    """GPU-hours at the usual busy share, and the requests that were assumed."""
    service = serve(Transformer.near(params), cluster.at(gpus=MOST_GPUS))
    busy = constant("serving", "busy_share")
    hours = Estimate.exact(tokens).over(service.tokens_per_gpu_hour.times(busy.value))
    prompt, answer = show(service.prompt_tokens, "count"), show(service.answer_tokens, "count")
    share = show(busy.value, "fraction")
    return hours, f"requests of {prompt} and {answer} tokens, GPUs busy {share} of the hours (our assumptions)"
