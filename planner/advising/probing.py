"""next_tests(assessment) -> the cheapest measurements that could change or settle the advice, each under 200 dollars.

Each is one small function of the assessment that gives a `NextTest`, or None where it would tell nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.advising.assessing import Assessment
from planner.advising.gates import blocked
from planner.advising.measuring import is_own
from planner.advising.requesting import large_usd
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.units import show

MOST_USD = 200.0
MOST_TESTS = 3
_CASES = 50
_SAMPLE_TOKENS = 2e5
_PILOT_SHARE, _PILOT_TOKENS = 0.01, 1e7
_LEAST_USD = 1.0


@dataclass(frozen=True, slots=True)
class NextTest:
    """Something cheap to measure before money is spent; `usd` is what the machines cost, our estimate."""

    text: str
    usd: float
    command: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"text": self.text, "usd": self.usd, "command": self.command}

    def __str__(self) -> str:
        how = f" Then: {self.command}" if self.command else ""
        return f"{self.text} About {show(self.usd, 'usd').removesuffix('.00')}.{how}"


def next_tests(assessment: Assessment) -> tuple[NextTest, ...]:
    """At most `MOST_TESTS`, the most telling first, none dearer than `MOST_USD`."""
    found = [test for rule in TESTS if (test := rule(assessment)) is not None and test.usd <= MOST_USD]
    return tuple(found[:MOST_TESTS])


def baseline(assessment: Assessment) -> NextTest | None:
    """Simple methods for data other than language."""
    if assessment.view.is_language:
        return None
    text = (
        "Fit gradient-boosted trees or a seasonal forecast to the data, and keep a part aside to judge everything by."
    )
    return NextTest(text, _LEAST_USD)


def zero_shot(assessment: Assessment) -> NextTest | None:
    """The loss of an open model on the own text, where a law of that text waits for it."""
    view = assessment.view
    known = any(pilot.kind == "zero_shot" for pilot in assessment.pilots)
    if not (view.is_language and view.has_base and is_own(assessment.calibration)) or known:
        return None
    base = assessment.landscape.best_start(assessment.adaptation_flops)
    flops = FLOPS_PER_PARAM_TOKEN / 3 * base.active_params * _SAMPLE_TOKENS
    text = f"Measure the bits per byte of {base.title} on 1 MB of your text that it cannot have read."
    return NextTest(text, _usd(assessment, flops), f"planner advise --pilot zero_shot:{base.name}=BITS")


def trial_of_continued_pretraining(assessment: Assessment) -> NextTest | None:
    """One percent of the own text, read by an open model."""
    view, case = assessment.view, assessment.case
    special = case.domain_gap != "general" and not blocked(view, "cpt")
    matters = special or case.wish == "pretrain" or "pretrain" in assessment.choice.components
    known = any(pilot.kind == "cpt" for pilot in assessment.pilots)
    if not (view.is_language and view.has_base and matters) or known or case.unlabeled_tokens < _PILOT_TOKENS:
        return None
    base = assessment.landscape.best_start(assessment.adaptation_flops)
    affordable = MOST_USD / float(assessment.usd_per_flop[0]) / (FLOPS_PER_PARAM_TOKEN * base.active_params)
    tokens = min(max(_PILOT_SHARE * case.unlabeled_tokens, _PILOT_TOKENS), 0.9 * affordable)
    if tokens < _PILOT_TOKENS / 10:
        return None
    amount = show(float(f"{tokens:.1g}"), "tokens")
    usd = _usd(assessment, FLOPS_PER_PARAM_TOKEN * base.active_params * tokens)
    text = f"Train {base.title} on {amount} of your text; measure its bits per byte on held-out text before and after."
    compact = amount.removesuffix(" tokens").replace(".00", "").replace(".0", "")
    before, after = f"zero_shot:{base.name}=BEFORE", f"cpt:{base.name}@{compact}=AFTER"
    return NextTest(text, usd, f"planner advise --pilot {before} --pilot {after}")


def own_sweep(assessment: Assessment) -> NextTest | None:
    """A small sweep on the own text, where pretraining is in question."""
    case = assessment.case
    wanted = "pretrain" in assessment.choice.components or case.wish == "pretrain"
    if not wanted or is_own(assessment.calibration) or case.unlabeled_tokens < _PILOT_TOKENS:
        return None
    text = "Train a dozen tiny models on your data, and fit your own law to them: every number here then speaks of it."
    return NextTest(text, MOST_USD / 2, "planner design --budget-flops 1e18 --for-flops 1e21")


def retrieval_check(assessment: Assessment) -> NextTest | None:
    """Whether search finds the passages."""
    if not {"rag", "long_context"} & set(assessment.choice.components):
        return None
    text = f"Write {_CASES} real questions with the passage that answers each, and count how often search finds it."
    return NextTest(text, _ask(assessment))


def fifty_cases(assessment: Assessment) -> NextTest | None:
    """A prompt on real cases, before anything else is built."""
    if not assessment.view.is_language or assessment.view.bound_to_own_model:
        return None
    judge = "by their labels" if assessment.view.judges else "blind, beside an answer of your own"
    text = f"Prompt {_first_model(assessment)} with {_CASES} of your own cases, and judge the answers {judge}."
    return NextTest(text, _ask(assessment))


def terms_probe(assessment: Assessment) -> NextTest | None:
    """How a tokenizer cuts the words of the field."""
    if assessment.case.domain_gap == "general" or not assessment.view.is_language:
        return None
    text = "Count how many tokens your text takes, and which of its terms shatter."
    return NextTest(text, _LEAST_USD, "planner vocabulary sample.txt")


def _first_model(assessment: Assessment) -> str:
    """What to prompt first: a hosted model, or an open one where the case says that it must run."""
    if assessment.case.may_be_hosted:
        return "a hosted model"
    where = PLACES[assessment.case.deploy]
    if not assessment.view.has_base:
        return f"an open model {where}"
    return f"{assessment.landscape.bases[int(np.argmin(assessment.landscape.untuned_losses()[:, 0]))].title} {where}"


PLACES = {
    "on_prem": "on your own machines",
    "air_gapped": "on a machine without a connection",
    "on_device": "on the device",
}
"""Where a model runs that nobody else may host, in words."""


def _ask(assessment: Assessment) -> float:
    if not assessment.case.may_be_hosted:
        return _LEAST_USD
    return max(round(float(large_usd(_CASES, assessment.case, assessment.guesses)[0])), _LEAST_USD)


def _usd(assessment: Assessment, flops: float) -> float:
    return max(float(np.ceil(flops * assessment.usd_per_flop[0])), _LEAST_USD)


TESTS: tuple[Callable[[Assessment], NextTest | None], ...] = (
    baseline, zero_shot, trial_of_continued_pretraining, own_sweep, retrieval_check, fifty_cases, terms_probe,
)  # fmt: skip
