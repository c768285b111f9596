"""Tokens per second of our training beside nanoGPT-style eager training of equal shapes: medians of interleaved runs.

    python tests/benchmarks/training.py [--repeats 7]

The nanoGPT-style model is what most people would write: a module for every matrix, LayerNorm, GELU, learned positions,
scaled_dot_product_attention, AdamW, gradients clipped. Ours has as many parameters to within a few percent, and is
measured with all that a run does in a step. Both draw the same batches from a memory-mapped corpus of random tokens.

On a CPU a script like nanoGPT's trains one model with all cores, while the sweep machine trains a model on each core:
`machine` compares what both get out of all cores by the clock, so let nothing else run meanwhile; the goal is 1.3 times
as many tokens. `core` compares one thread with one thread in seconds of the processor. Where torch finds a GPU, larger
sizes follow, by the clock and with products in bfloat16: the goals are 2 times as many tokens below 10M parameters,
and 40 % of the bf16 peak from 100M on.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from experiments.config import Config, Shape
from experiments.corpus import Order, Windows
from experiments.machine import cores, peak
from experiments.train import Pupil

Draw, Step, Measure = Callable[[int], np.ndarray], Callable[[int], None], Callable[[], float]
Make = Callable[[Config, str, Draw], Step]
Setting = tuple[int, int, int, int, int]
"""Layers, width, context, batch and vocabulary."""

CPU_SIZES = [(2, 16), (2, 24), (2, 40), (3, 48), (3, 72), (4, 80), (4, 112)]
"""Layers and width of the sweep `cpu`."""
CPU = [(layers, width, 128, 4, 256) for layers, width in CPU_SIZES]
GPU = [(4, 192, 256, 128, 4096), (6, 320, 512, 64, 8192), (12, 768, 1024, 32, 32_768), (24, 1024, 1024, 32, 32_768)]
RATE, WARM_UP_STEPS = 6e-4, 3
SECONDS = {"cpu": 0.5, "cuda": 2.0}
"""How long one repeat of one side is, roughly."""


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.pairs_and_values = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, stream: Tensor) -> Tensor:
        batch, time_, width = stream.shape
        parts = self.pairs_and_values(stream).split(width, dim=2)
        query, key, value = (part.view(batch, time_, self.heads, -1).transpose(1, 2) for part in parts)
        heard = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(heard.transpose(1, 2).contiguous().view(batch, time_, width))


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(width, bias=False)
        self.attention = Attention(width, heads)
        self.before_mlp = nn.LayerNorm(width, bias=False)
        self.rise = nn.Linear(width, 4 * width, bias=False)
        self.fall = nn.Linear(4 * width, width, bias=False)

    def forward(self, stream: Tensor) -> Tensor:
        stream = stream + self.attention(self.before_attention(stream))
        return stream + self.fall(F.gelu(self.rise(self.before_mlp(stream))))


class Plain(nn.Module):
    """A small GPT with a module for every matrix."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(Block(shape.width, shape.heads) for _ in range(shape.layers))
        self.last = nn.LayerNorm(shape.width, bias=False)
        self.head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor, wanted: Tensor) -> Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        stream = self.embedding(tokens) + self.positions(places)
        for block in self.blocks:
            stream = block(stream)
        logits = self.head(self.last(stream))
        return F.cross_entropy(logits.view(-1, logits.size(-1)), wanted.reshape(-1))


def config_of(setting: Setting) -> Config:
    layers, width, context, batch, vocabulary = setting
    return Config(
        shape=Shape(layers=layers, width=width, context=context, vocabulary=vocabulary),
        tokens=10**9 // (batch * context) * batch * context,
        batch=batch,
        learning_rate=0.02,
        warmup_steps=20,
        decay_share=0.2,
        evaluation_windows=1,
        seed=0,
    )


def drawing(config: Config, path: Path) -> Draw:
    """A function that gives the batch of a step."""
    text = Windows(np.memmap(path, dtype=np.uint16, mode="r"), config.shape.context)
    order = Order(len(text), 0)
    return lambda step: text.take(order.batch(step, config.batch)) % config.shape.vocabulary


def ours(config: Config, device: str, draw: Draw) -> Step:
    """A function that takes our steps."""
    pupil = Pupil(config, device=device)

    def step(number: int) -> None:
        loss = pupil.learn(draw(number), rate=config.rate(number))
        if number % 10 == 0:
            loss.item()

    return step


def theirs(config: Config, device: str, draw: Draw) -> Step:
    """A function that takes the steps of a nanoGPT-style script."""
    torch.manual_seed(0)
    model = Plain(config.shape).to(device)
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    gains = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.95), fused=device == "cuda")

    def step(number: int) -> None:
        windows = torch.from_numpy(draw(number)).to(device)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            loss = model(windows[:, :-1], windows[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if number % 10 == 0:
            loss.item()

    return step


def seconds_of(step: Step, steps: int, clock: Callable[[], float]) -> float:
    start = clock()
    for number in range(steps):
        step(number)
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return clock() - start


def side_by_side(setting: Setting, path: Path, device: str, repeats: int) -> tuple[list[float], int]:
    """Tokens per second of ours and theirs in this process, and the steps of a repeat."""
    config = config_of(setting)
    clock = time.process_time if device == "cpu" else time.perf_counter
    pair = [make(config, device, drawing(config, path)) for make in (ours, theirs)]
    once = max(seconds_of(step, WARM_UP_STEPS, clock) for step in pair) / WARM_UP_STEPS
    steps = max(10, round(SECONDS[device] / once))
    times = [[seconds_of(step, steps, clock) for step in pair] for _ in range(repeats)]
    return [steps * config.tokens_per_step / statistics.median(column) for column in zip(*times, strict=True)], steps


def member(make: Make, setting: Setting, path: Path, threads: int, steps: int, start: Barrier, end: Barrier) -> None:
    """One process of a crew: takes its steps whenever the barrier `start` opens, until it is ended."""
    torch.set_num_threads(threads)
    config = config_of(setting)
    step = make(config, "cpu", drawing(config, path))
    seconds_of(step, WARM_UP_STEPS, time.perf_counter)
    while True:
        start.wait()
        seconds_of(step, steps, time.perf_counter)
        end.wait()


@contextmanager
def crew(make: Make, setting: Setting, path: Path, *, workers: int, threads: int, steps: int) -> Iterator[Measure]:
    """A function that measures the tokens per second of `workers` processes of `threads` threads by the clock."""
    context = get_context("spawn")
    start, end = context.Barrier(workers + 1), context.Barrier(workers + 1)
    people = [
        context.Process(target=member, args=(make, setting, path, threads, steps, start, end), daemon=True)
        for _ in range(workers)
    ]
    for person in people:
        person.start()

    def measure() -> float:
        start.wait()
        begun = time.perf_counter()
        end.wait()
        return workers * steps * config_of(setting).tokens_per_step / (time.perf_counter() - begun)

    yield measure
    for person in people:
        person.terminate()
        person.join()


def whole_machine(setting: Setting, path: Path, repeats: int, steps: int) -> list[float]:
    """Tokens per second that ours and theirs get out of all cores."""
    count = cores()
    with (
        crew(ours, setting, path, workers=count, threads=1, steps=steps) as we,
        crew(theirs, setting, path, workers=1, threads=count, steps=steps) as they,
    ):
        pairs = [(we(), they()) for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*pairs, strict=True)]


def columns_of(speeds: list[float]) -> str:
    return f"{speeds[0]:11,.0f}{speeds[1]:11,.0f}{speeds[0] / speeds[1]:7.2f}"


def report_cpu(path: Path, repeats: int) -> None:
    print(f"CPU, {cores()} cores, torch {torch.__version__}; tokens per second of ours, of theirs, and the ratio")
    print(f"{'layers, width, context, batch, words':38}{'params':>10}{'core':>29}{'machine':>29}{'GFLOP/s':>9}")
    for setting in CPU:
        params = config_of(setting).shape.params
        core, steps = side_by_side(setting, path, "cpu", repeats)
        machine = whole_machine(setting, path, repeats, steps)
        flops = f"{6e-9 * params * core[0]:9.1f}"
        name = ", ".join(map(str, setting))
        print(f"{name:38}{params:10,}{columns_of(core)}{columns_of(machine)}{flops}", flush=True)


def report_gpu(path: Path, repeats: int) -> None:
    name = torch.cuda.get_device_name()
    chip = peak(name)
    print(f"\n{name}, torch {torch.__version__}; tokens per second of ours, theirs, the ratio, our MFU in percent")
    for setting in GPU:
        params = config_of(setting).shape.params
        speeds, _ = side_by_side(setting, path, "cuda", repeats)
        share = f"{600 * params * speeds[0] / chip.flops_per_second:7.1f}" if chip else ""
        print(f"{', '.join(map(str, setting)):38}{params:13,}{columns_of(speeds)}{share}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokens"
        np.random.default_rng(0).integers(0, 1 << 15, 1 << 23).astype(np.uint16).tofile(path)
        report_cpu(path, repeats)
        if torch.cuda.is_available():
            report_gpu(path, repeats)


if __name__ == "__main__":
    main()
