"""What a backend costs beside the training itself: equal runs of about five processor seconds, all cores busy.

    python tests/benchmarks/backends.py [--runs 10] [--seconds 5] [--repeats 3] [pool ray]

The yardstick is `serial`, once for each core, side by side. `runs` are those of each core. Start is the time until the
first run is recorded, less what a run takes; it is paid once for a sweep. From when as many runs are recorded as there
are cores, overhead is counted twice: by the clock, which other programs disturb, and in processor seconds of all
processes of the sweep, which they disturb less. Both are medians of interleaved repeats. The goal for `ray` is at most
10 %.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from experiments.ledger import Ledger
from experiments.machine import cores
from experiments.run_sweep import run_sweep
from experiments.sweeps import load_sweep
from tests.benchmarks.faults import written
from tests.experiments.chaos import family, recorded, start

SWEEP = """
title = "Equal runs"
context = 64
batch = 4
tokens = [{tokens}]
sizes = [{{ layers = 2, width = 64 }}]
learning_rate = 0.02
warmup_steps = 5
decay_share = 0.2
evaluation_windows = 32
seeds = {seeds}
"""

TRIAL_TOKENS = 64_000
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds per run and core by the clock, processor seconds per run, and seconds until the first run begins."""

    clock: float
    processor: float
    start: float


def swept(folder: Path, tokens: int, seeds: list[int]) -> Path:
    path = folder / f"sweep-{tokens}-{seeds[0]}-{len(seeds)}.toml"
    path.write_text(SWEEP.format(tokens=tokens, seeds=seeds))
    return path


def cost(folder: Path, text: Path, tokens: int, runs: int, backend: str) -> Cost:
    """What `backend` takes for `runs` runs on each core."""
    shares = [runs] * cores() if backend == "serial" else [runs * cores()]
    begun, processes, outs = time.time(), [], []
    for number, share in enumerate(shares):
        outs.append(Path(tempfile.mkdtemp(dir=folder)))
        seeds = list(range(number * share, (number + 1) * share))
        processes.append(start(swept(folder, tokens, seeds), text, outs[-1], backend, workers=cores()))
    spent = watched(processes, outs)
    moments = sorted(moment / 1e9 for out in outs for moment in recorded(out).values())
    assert len(moments) == runs * cores()
    took = statistics.median(record.seconds for out in outs for record in Ledger(out).records())
    clock = (moments[-1] - moments[cores() - 1]) / (runs - 1)
    return Cost(clock, spent / (len(moments) - cores()), moments[0] - begun - took)


def watched(processes: list[subprocess.Popen[str]], outs: list[Path]) -> float:
    """Processor seconds of all members of the families of `processes` from the first records on to their end."""
    seen: dict[int, float] = {}
    started = None
    while any(process.poll() is None for process in processes):
        for member in (member for process in processes for member in family(process)):
            with suppress(psutil.NoSuchProcess):
                times = member.cpu_times()
                seen[member.pid] = times.user + times.system
        if started is None and sum(len(recorded(out)) for out in outs) >= cores():
            started = sum(seen.values())
        time.sleep(LOOK_SECONDS)
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said
    assert started is not None
    return sum(seen.values()) - started


def tokens_for(folder: Path, text: Path, seconds: float) -> int:
    """How many tokens train for about so many processor seconds."""
    for seed in (0, 1):  # The first one imports torch.
        started = time.process_time()
        sweep = load_sweep(str(swept(folder, TRIAL_TOKENS, [seed])))
        run_sweep(sweep, text, out=folder / "trial", backend="serial", allow_repeats=True)
    return round(TRIAL_TOKENS * seconds / (time.process_time() - started) / 1000) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", default=["pool", "ray"], metavar="BACKEND")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    backends = ["serial", *asked.backends]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _, text = written(folder)
        tokens = tokens_for(folder, text, asked.seconds)
        print(f"{tokens:,} tokens a run, {asked.runs} runs on each of {cores()} cores, {asked.repeats} repeats")
        costs: dict[str, list[Cost]] = {backend: [] for backend in backends}
        for _ in range(asked.repeats):
            for backend in backends:
                costs[backend].append(cost(folder, text, tokens, asked.runs, backend))
    print("backend  s a run, clock  overhead  s a run, processor  overhead  start, s")
    yardstick = median(costs["serial"])
    for backend in backends:
        mine = median(costs[backend])
        print(
            f"{backend:7}  {mine.clock:14.2f}  {mine.clock / yardstick.clock - 1:8.1%}  {mine.processor:18.2f}  "
            f"{mine.processor / yardstick.processor - 1:8.1%}  {mine.start:8.1f}"
        )


def median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in Cost.__slots__))


if __name__ == "__main__":
    main()
