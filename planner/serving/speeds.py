"""Speeds: how fast one copy of a model reads prompts and writes answers on so many GPUs."""

from __future__ import annotations

from dataclasses import dataclass

from planner.constants import constant
from planner.estimate import Estimate
from planner.hardware import Accelerator
from planner.transformer import Transformer


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What is served on which chip: prompts and answers of a usual length, weights and cache at so many bytes."""

    shape: Transformer
    chip: Accelerator
    prompt_tokens: int
    answer_tokens: int
    bytes_per_param: float

    @property
    def flops_per_second(self) -> float:
        """Dense peak at the precision of the weights."""
        if self.bytes_per_param <= 1 and self.chip.fp8_flops_per_second is not None:
            return self.chip.fp8_flops_per_second
        return self.chip.flops_per_second

    @property
    def cache_bytes(self) -> float:
        """Bytes of cache that one token leaves, at the precision of the weights but in no less than 8 bits."""
        return self.shape.kv_cache_bytes_per_token(max(1.0, min(2.0, self.bytes_per_param)))

    @property
    def longest(self) -> int:
        """Tokens of a request when its answer is complete."""
        return self.prompt_tokens + self.answer_tokens

    @property
    def usual_context(self) -> int:
        """Tokens of a request when half of its answer is written."""
        return self.prompt_tokens + max(1, self.answer_tokens // 2)

    def batch(self, gpus: int) -> int:
        """Requests that `gpus` hold at once beside the weights; 0 where not even one fits."""
        free = gpus * self.chip.memory_bytes * constant("serving", "memory_share").value
        free -= self.shape.weight_bytes(self.bytes_per_param)
        at_once = int(free / (self.longest * self.cache_bytes)) if free > 0 else 0
        return min(at_once, gpus * int(constant("serving", "most_sequences").value))

    def reading(self, gpus: int) -> Estimate:
        """Prompt tokens per second of `gpus`: 2 FLOPs per active weight and those of attention, at a share of peak."""
        rate = gpus * self.flops_per_second / self.shape.prefill_flops_per_token(self.prompt_tokens)
        return self._reached("prefill_utilisation").scaled(rate)

    def writing(self, gpus: int) -> Estimate:
        """Answer tokens per second of `gpus`, over all requests at once.

        A step takes as long as its arithmetic or as reading weights and cache once, whichever is longer (Pope et al.
        2022, arXiv 2211.05102, section 2).
        """
        return self.steps_per_second(gpus).scaled(self.batch(gpus))

    def steps_per_second(self, gpus: int) -> Estimate:
        """Answer tokens per second of one request among a full batch."""
        batch = self.batch(gpus)
        arithmetic = gpus * self.flops_per_second / (batch * self.shape.decode_flops_per_token(self.usual_context))
        touched = self._weights_read(batch) * self.bytes_per_param + batch * self.usual_context * self.cache_bytes
        reading = gpus * self.chip.memory_bytes_per_second / touched
        by_work = self._reached("decode_utilisation").scaled(arithmetic)
        by_memory = self._reached("bandwidth_utilisation").scaled(reading)
        return Estimate(min(by_work, by_memory), min(by_work.low, by_memory.low), min(by_work.high, by_memory.high))

    def _reached(self, key: str) -> Estimate:
        """The share of a rate that engines reach; less with experts, which wait for each other."""
        share = constant("serving", key).value
        return share if self.shape.experts is None else share.times(constant("serving", "experts_share").value)

    def _weights_read(self, batch: int) -> float:
        """Weights that a step of `batch` tokens touches: of the experts those that any token chose, if at random."""
        shape = self.shape
        if shape.experts is None:
            return float(shape.params)
        chosen = shape.experts.active / shape.experts.total
        beyond_one = 1 - (1 - chosen) ** (batch - 1)
        return shape.params_active + beyond_one * (shape.params - shape.params_active)
