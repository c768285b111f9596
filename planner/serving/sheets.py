"""Serving: how fast a model is served on a kind of GPU and what a million tokens cost. It only draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.constants import constant
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.sheet import Finding, Row, Sheet
from planner.transformer import Transformer
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving(Sheet):
    """One copy of a model on `gpus` GPUs of a cluster, busy with requests of a usual length.

    Attributes:
        gpus: GPUs of one copy.
        fewest_gpus: the smallest number that holds the model and one request.
        batch: requests that one copy works on at once.
        input_rate: prompt tokens per second and GPU while it only reads.
        output_rate: answer tokens per second and GPU while it only writes.
        user_rate: answer tokens per second that one request sees.
    """

    shape: Transformer
    cluster: Cluster
    prompt_tokens: int
    answer_tokens: int
    bytes_per_param: float
    gpus: int
    fewest_gpus: int
    batch: int
    input_rate: Estimate
    output_rate: Estimate
    user_rate: Estimate
    findings: tuple[Finding, ...] = ()

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is served where."""
        where = f"{self.gpus}x {self.cluster.accelerator.name}"
        return f"Serving {show(self.shape.params, 'params')} on {where} per copy."

    @property
    def usd_per_mtok_in(self) -> Estimate | None:
        """US dollars per million prompt tokens; None where no price is known."""
        return self._usd_per_mtok(self.input_rate)

    @property
    def usd_per_mtok_out(self) -> Estimate | None:
        """US dollars per million answer tokens; None where no price is known."""
        return self._usd_per_mtok(self.output_rate)

    @property
    def tokens_per_gpu_hour(self) -> Estimate:
        """Prompt and answer tokens together that a busy GPU gets through in an hour, in the given proportion."""
        prompt, answer = self.prompt_tokens, self.answer_tokens
        hours = (prompt / self.input_rate + answer / self.output_rate) / SECONDS_PER_HOUR
        slowest = (prompt / self.input_rate.low + answer / self.output_rate.low) / SECONDS_PER_HOUR
        fastest = (prompt / self.input_rate.high + answer / self.output_rate.high) / SECONDS_PER_HOUR
        tokens = prompt + answer
        return Estimate(tokens / hours, tokens / slowest, tokens / fastest)

    def _usd_per_mtok(self, rate: Estimate) -> Estimate | None:
        if self.cluster.price is None:
            return None
        busy = constant("serving", "busy_share").value
        return self.cluster.price.over(rate.times(busy)).scaled(1e6 / SECONDS_PER_HOUR)

    def rows(self) -> Iterator[Row]:
        """The service in reading order: the requests, the GPUs, the speeds, the dollars."""
        price = f"{self.cluster.price_basis}; busy {show(constant('serving', 'busy_share').value, 'fraction')}"
        yield Row("params", "Parameters", float(self.shape.params), "params")
        yield Row("bytes_per_param", "Bytes per parameter", float(self.bytes_per_param), "", "2 is bf16, 1 is fp8")
        yield Row("prompt_tokens", "Prompt", float(self.prompt_tokens), "tokens")
        yield Row("answer_tokens", "Answer", float(self.answer_tokens), "tokens")
        yield Row("fewest_gpus", "Fewest GPUs that hold it", float(self.fewest_gpus), "gpus")
        yield Row("gpus", "GPUs of one copy", float(self.gpus), "gpus", "fewest within 10 % of the cheapest")
        yield Row("batch", "Requests at once", float(self.batch), "count", constant("serving", "memory_share").basis)
        yield Row(
            "input_rate",
            "Reads, per GPU",
            self.input_rate,
            "tokens/s",
            constant("serving", "prefill_utilisation").basis,
        )
        yield Row(
            "output_rate",
            "Writes, per GPU",
            self.output_rate,
            "tokens/s",
            constant("serving", "bandwidth_utilisation").basis,
        )
        yield Row("user_rate", "Writes, per request", self.user_rate, "tokens/s", "with all requests at once")
        yield Row(
            "busy_share",
            "Busy",
            constant("serving", "busy_share").value,
            "fraction",
            constant("serving", "busy_share").basis,
        )
        yield Row("price", "Price", self.cluster.price, "usd/gpu_hour", self.cluster.price_basis)
        yield Row("usd_per_mtok_in", "A million prompt tokens", self.usd_per_mtok_in, "usd", price)
        yield Row("usd_per_mtok_out", "A million answer tokens", self.usd_per_mtok_out, "usd", price)
