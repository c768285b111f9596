"""How long advise() takes with its 200 variations, and how the time and the ranges depend on the number of them.

    python tests/benchmarks/advice.py

CPU seconds of one process after a warm-up, medians of seven; the cases are the open scenarios where they lie beside the
checkout, else a handful of our own. The limit is 0.3 s a case.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from planner import UseCase, advise
from planner.advising import Advice
from planner.advising.deciding import DRAWS

REPEATS = 7
LIMIT = 0.3
SCENARIOS = Path(__file__).resolve().parents[3] / "shared" / "advice" / "scenarios.yaml"
OURS = {
    "default": UseCase(),
    "style": UseCase(task="style", behaviour="hard", n_labeled=400),
    "assistant": UseCase(task="qa", knowledge="private_changing", corpus_tokens=2e9, citations=True, n_labeled=2000),
    "domain": UseCase(task="general", domain_gap="nonstandard", unlabeled_tokens=3e10, budget_usd=9e5, team="infra"),
}


def cases() -> dict[str, UseCase]:
    """The open scenarios, or ours."""
    if not SCENARIOS.is_file():
        return OURS
    import yaml

    found = yaml.safe_load(SCENARIOS.read_text(encoding="utf-8"))["scenarios"]
    return {entry["id"]: UseCase.from_dict({"as_of": "2026-11-20", **entry["inputs"]}) for entry in found}


def cpu_seconds(function: Callable[[], Advice]) -> float:
    function()
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        function()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> None:
    found = {name: cpu_seconds(lambda case=case: advise(case)) for name, case in cases().items()}
    slowest = max(found, key=lambda name: found[name])
    print(f"{len(found)} cases, {DRAWS} variations: median {statistics.median(found.values()):.3f} CPU s")
    print(
        f"slowest: {slowest}, {found[slowest]:.3f} CPU s ({'within' if found[slowest] < LIMIT else 'OVER'} {LIMIT} s)"
    )
    alike = all(advise(case).to_dict() == advise(case).to_dict() for case in cases().values())
    print(f"same case and seed, same answer: {'yes' if alike else 'NO'}")


if __name__ == "__main__":
    main()
