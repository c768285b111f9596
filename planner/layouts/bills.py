"""Layout: how a model is trained on a cluster, with the memory of one GPU part by part. It only draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.constants import constant
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.layouts.memory import Memory
from planner.layouts.splits import RECOMPUTATION, Split
from planner.layouts.timing import Timing
from planner.sheet import Finding, Row, Sheet
from planner.transformer import Transformer
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHARED = ("nothing", "the optimiser (ZeRO-1)", "optimiser and gradients (ZeRO-2)", "weights too (ZeRO-3)")
_AGAIN = {
    "none": "every input is stored",
    "selective": "attention scores are computed twice, or never stored by a fused kernel",
    "full": "every layer is computed twice: a third more work",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout(Sheet):
    """A workable way to train `shape` on `cluster`: the split, the memory of its fullest GPU, and what bounds it.

    Attributes:
        context: tokens per sequence.
        tokens: training tokens of the run.
        split: who computes what; `split.sequences` are those of one step.
        memory: bytes of the fullest GPU without the runtime.
        timing: seconds of one step; they rank splits and forecast nothing.
        fewest_gpus: the smallest number of these GPUs that holds the model.
        critical_batch: tokens per step beyond which more bring little.
        batch_basis: where the tokens per step come from.
    """

    shape: Transformer
    cluster: Cluster
    context: int
    tokens: float
    split: Split
    memory: Memory
    timing: Timing
    fewest_gpus: int
    critical_batch: Estimate
    batch_basis: str
    findings: tuple[Finding, ...] = ()

    @property
    def title(self) -> str:  # type: ignore[override]
        """The split in one sentence."""
        split = self.split
        return (
            f"{show(self.shape.params, 'params')} on {self.cluster}: {split.data} copies, each on"
            f" {split.tensor * split.pipeline} GPUs ({split.tensor} tensor x {split.pipeline} pipeline)."
        )

    @property
    def tokens_per_batch(self) -> float:
        """Tokens of one step of all copies."""
        return float(self.split.sequences * self.context)

    @property
    def steps(self) -> float:
        """Steps of the run."""
        return self.tokens / self.tokens_per_batch

    @property
    def runtime_bytes(self) -> Estimate:
        """What the runtime takes on a GPU beside all tensors."""
        return constant("layouts", "runtime_bytes").value

    @property
    def memory_bytes(self) -> Estimate:
        """Memory of the fullest GPU, runtime included."""
        held, runtime = float(self.memory.total), self.runtime_bytes
        return Estimate(held + runtime, held + runtime.low, held + runtime.high)

    @property
    def recomputation(self) -> str:
        """What is computed again instead of being stored."""
        return RECOMPUTATION[self.split.recomputation]

    @property
    def helpful_gpus(self) -> Estimate:
        """GPUs that the critical batch feeds in this split, one sequence per copy."""
        return self.critical_batch.scaled(self.split.tensor * self.split.pipeline / self.context)

    def rows(self) -> Iterator[Row]:
        """The layout in reading order: the model, who computes what, the memory, the bounds."""
        yield Row("shape", "Model", str(self.shape))
        yield Row("params", "Parameters", float(self.shape.params), "params")
        yield Row("cluster", "Cluster", str(self.cluster))
        yield Row("tokens", "Training tokens", self.tokens, "tokens")
        yield Row("context", "Tokens per sequence", float(self.context), "tokens")
        yield from self._split_rows()
        yield from self._memory_rows()
        yield from self._bounds()

    def _split_rows(self) -> Iterator[Row]:
        split, timing = self.split, self.timing
        lost = "of a step; our reckoning, to rank layouts"
        yield Row("data", "Copies of the model", float(split.data), "count", "data parallel")
        yield Row("tensor", "GPUs that share a layer", float(split.tensor), "count", "tensor parallel, over fast links")
        yield Row("pipeline", "Stages in a row", float(split.pipeline), "count", "pipeline parallel")
        yield Row("chunks", "Parts of each stage", float(split.chunks), "count", "more than 1: interleaved pipeline")
        yield Row("sharding", "Shared among copies", _SHARED[split.sharding], "", "arXiv 1910.02054")
        yield Row("micro_batch", "Sequences at once", float(split.micro_batch), "count", "micro-batch")
        yield Row("micro_batches", "Times per step", float(split.micro_batches), "count", "gradient accumulation")
        yield Row("recomputation", "Recomputation", self.recomputation, "", _AGAIN[self.recomputation])
        yield Row("batch", "Tokens per step", self.tokens_per_batch, "tokens", self.batch_basis)
        yield Row("steps", "Steps", self.steps, "count")
        yield Row("bubble", "Lost to the pipeline", timing.bubble / timing.seconds, "fraction", lost)
        yield Row("links", "Lost to links", timing.links / timing.seconds, "fraction", lost)

    def _memory_rows(self) -> Iterator[Row]:
        held = self.memory
        yield Row("weights", "Weights", held.weights, "bytes", "bf16: 2 bytes each")
        yield Row("gradients", "Gradients", held.gradients, "bytes", "fp32: 4 bytes each; 2 where kept in bf16")
        yield Row("optimiser", "Optimiser", held.optimiser, "bytes", "fp32 weights and Adam's moments: 12 bytes each")
        yield Row("activations", "Activations", held.activations, "bytes", "arXiv 2205.05198")
        yield Row("logits", "Logits", held.logits, "bytes", "bf16 and fp32: 6 bytes each")
        yield Row("runtime", "Runtime", self.runtime_bytes, "bytes", constant("layouts", "runtime_bytes").basis)
        yield Row("memory", "Memory of the fullest GPU", self.memory_bytes, "bytes", "all of these")
        yield Row("gpu_memory", "Memory of a GPU", self.cluster.accelerator.memory_bytes, "bytes")

    def _bounds(self) -> Iterator[Row]:
        basis = constant("layouts", "critical_batch_factor").basis
        yield Row("fewest_gpus", "Fewest GPUs that hold it", float(self.fewest_gpus), "gpus", "1, 2, 4 or servers of 8")
        yield Row("critical_batch", "Critical batch", self.critical_batch, "tokens", basis)
        yield Row("helpful_gpus", "GPUs that it feeds", self.helpful_gpus, "gpus", "one sequence per copy, this split")
