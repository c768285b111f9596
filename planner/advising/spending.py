"""ranking(assessment) -> what each option costs, once and per month, how long it takes, and why it is not advised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.advising.assessing import Assessment
from planner.advising.assuming import Draws, Reason, estimated, plain
from planner.advising.bases import serving_limit
from planner.advising.gates import EXAMPLES, blocked
from planner.advising.needs import ANSWERS, needs
from planner.advising.objecting import why_not
from planner.advising.pasting import pasted_tokens, pasted_usd_month
from planner.advising.predicting import domain_loss
from planner.advising.requesting import large_usd, small_usd
from planner.advising.scratching import scratch_flops, scratch_usd
from planner.advising.views import options
from planner.advising.waiting import wait_ms
from planner.estimate import Estimate
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.units import HOURS_PER_MONTH

SERVED_BYTES_PER_PARAM = 2.4
"""16-bit weights and a fifth on top for the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to go. Dollars are rent and services; the time of your own people is in `weeks`, not in the dollars.

    What is paid once is compute with services, labels that are missing, and set-up; `total_usd` adds the months for
    which the answer should hold. `against` is None where it is advised. `meets` names the needs of the case that it
    meets beside answering at all; `domain_loss` is predicted, in nats per token; `wait_ms` is until an answer begins.
    """

    option: str
    label: str
    chosen: bool
    one_off_usd: Estimate
    compute_usd: Estimate
    labels_usd: Estimate
    setup_usd: Estimate
    monthly_usd: Estimate
    total_usd: Estimate
    weeks: Estimate
    wait_ms: Estimate
    domain_loss: Estimate | None
    meets: tuple[str, ...]
    against: Reason | None
    risk: str

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        amounts = {name: plain(getattr(self, name)) for name in (*AMOUNTS, "domain_loss")}
        source = None if self.against is None else self.against.source
        texts = {"label": self.label, "chosen": self.chosen, "why_not": self.why_not, "risk": self.risk}
        return {"option": self.option, **texts, "why_not_source": source, "meets": list(self.meets), **amounts}

    @property
    def why_not(self) -> str:
        """What speaks against it, or '' where it is advised."""
        return "" if self.against is None else self.against.text

    @property
    def remark(self) -> str:
        """What speaks against it; where it is advised, its main risk."""
        return self.why_not or f"Risk: {self.risk[:1].lower()}{self.risk[1:]}."


AMOUNTS = ("one_off_usd", "compute_usd", "labels_usd", "setup_usd", "monthly_usd", "total_usd", "weeks", "wait_ms")


def ranking(assessment: Assessment) -> tuple[Option, ...]:
    """Every option: the advice first, then what could be done, then what could not."""
    view, parts = assessment.view, assessment.choice.components

    def place(option: str) -> tuple[int, int]:
        return (0, parts.index(option)) if option in parts else (2 if blocked(view, option) else 1, 0)

    return tuple(_option(option, assessment) for option in sorted(options(), key=place))


def _option(option: str, assessment: Assessment) -> Option:
    row, chosen = options()[option], option in assessment.choice.components
    against = None if chosen else why_not(option, assessment.view)
    parts, month = one_off_parts(option, assessment), MONTHLY[option](assessment)
    once = np.asarray(sum(parts.values()))
    low, high = float(row["weeks"]), float(row["weeks_high"])
    return Option(
        option=option,
        label=row["label"],
        chosen=chosen,
        one_off_usd=_estimate(once, assessment),
        compute_usd=_estimate(parts["compute"], assessment),
        labels_usd=_estimate(parts["labels"], assessment),
        setup_usd=_estimate(parts["setup"], assessment),
        monthly_usd=_estimate(month, assessment),
        total_usd=_estimate(once + assessment.case.horizon_months * month, assessment),
        weeks=Estimate((low + high) / 2, low, high),
        wait_ms=wait_ms(option, assessment),
        domain_loss=domain_loss(option, assessment),
        meets=tuple(need.label for need in needs(assessment.view) if option in need.options and need.name != ANSWERS),
        against=against,
        risk=row["risk"],
    )


def _estimate(usd: Draws | float, assessment: Assessment) -> Estimate:
    return estimated(_rough(np.broadcast_to(np.asarray(usd, dtype=float), (assessment.count + 1,))))


def _rough(usd: Draws) -> Draws:
    """Sums under a thousand dollars at two significant digits: more would be false precision."""
    digit = 10.0 ** (np.floor(np.log10(np.maximum(usd, 1e-9))) - 1)
    return np.where(usd < 1000, np.round(usd / digit) * digit, usd)


def one_off_parts(option: str, assessment: Assessment) -> dict[str, Draws]:
    """Dollars paid once for `option`: compute and services, labels that are missing, and set-up."""
    nothing = np.zeros(assessment.count + 1)
    setup = float(options()[option]["usd"]) * assessment.guesses["effort"]
    return {
        "compute": nothing + (COMPUTE[option](assessment) if option in COMPUTE else 0.0),
        "labels": nothing + (_labels(EXAMPLES[option], assessment) if option in EXAMPLES else 0.0),
        "setup": nothing if option == "pretrain" else nothing + setup,
    }


def _index(assessment: Assessment) -> Draws:
    return assessment.case.corpus_tokens * assessment.guesses["usd_per_mtok_embedding"] / 1e6


def _labels(needed: str, assessment: Assessment) -> Draws:
    missing = np.maximum(assessment.guesses[needed] - assessment.case.n_labeled, 0)
    return np.asarray(missing * assessment.guesses["usd_per_label"])


def _tune(assessment: Assessment) -> Draws:
    examples = np.maximum(assessment.case.n_labeled, assessment.guesses["tune_examples"])
    return _tuning_rent(examples, assessment)


def _tuning_rent(examples: Draws, assessment: Assessment) -> Draws:
    case, guesses = assessment.case, assessment.guesses
    tokens = examples * (case.tok_in + case.tok_out) * case.stretch * guesses["tuning_epochs"]
    flops = FLOPS_PER_PARAM_TOKEN * assessment.tuned_params * tokens
    return np.asarray(flops * assessment.usd_per_flop * guesses["programme_tune"])


def _distil(assessment: Assessment) -> Draws:
    examples = assessment.guesses["distil_examples"]
    return large_usd(examples, assessment.case, assessment.guesses) + _tuning_rent(examples, assessment)


def _continue(assessment: Assessment) -> Draws:
    """The programme of reading the own text as often as helps, within the budget where that is enough to start."""
    case, guesses = assessment.case, assessment.guesses
    base = assessment.specialist
    if case.is_language and assessment.landscape.bases:
        base = assessment.landscape.best_base(assessment.adaptation_flops)
    if base is None:
        return np.zeros(assessment.count + 1)
    params = base.active_params
    tokens = np.maximum(case.unlabeled_tokens, guesses["continue_tokens"]) * guesses["epochs"] / (1 - guesses["replay"])
    usd = FLOPS_PER_PARAM_TOKEN * params * tokens * assessment.usd_per_flop * guesses["programme_continue"]
    floor = float(options()["cpt"]["usd"])
    return np.minimum(usd, case.budget_usd) if case.budget_usd > floor else usd


def _tuned(assessment: Assessment) -> Draws:
    """A month of a small tuned model: hosted by the token, on own machines by the hour, on a device for free."""
    case, guesses = assessment.case, assessment.guesses
    if not case.may_be_hosted:
        return own_host(assessment, assessment.tuned_params)
    return small_usd(case.queries_month, case, guesses)


def _served(assessment: Assessment, more_tokens: Draws | float = 0.0) -> Draws:
    """A month of a model as it comes: hosted by the token, on own machines by the hour, on a device for free."""
    case, guesses = assessment.case, assessment.guesses
    if case.may_be_hosted:
        return large_usd(case.queries_month, case, guesses, more_tokens)
    return own_host(assessment, assessment.tuned_params)


def own_host(assessment: Assessment, params: Draws | float) -> Draws:
    """Dollars of a month of the accelerators that hold a model of `params`; a device of the user costs nothing."""
    if assessment.case.deploy == "on_device":
        return np.zeros(assessment.count + 1)
    return np.asarray(gpus_for(params, assessment) * assessment.usd_per_gpu_hour * HOURS_PER_MONTH)


def gpus_for(params: Draws | float, assessment: Assessment) -> Draws:
    """Accelerators that hold a model of `params`, as far as it may be served."""
    served = np.minimum(params, serving_limit(assessment.case)) * SERVED_BYTES_PER_PARAM
    return np.asarray(np.ceil(served / assessment.cluster.accelerator.memory_bytes))


def _pasted(assessment: Assessment) -> Draws:
    """A month of a model that reads all documents in every prompt; machines paid by the hour read them as well."""
    case, guesses = assessment.case, assessment.guesses
    if not case.may_be_hosted:
        return _served(assessment)
    return _served(assessment) + pasted_usd_month(pasted_tokens(case, guesses), case.queries_month, guesses)


def _specialist(assessment: Assessment) -> Draws:
    """A month of the specialist; of a small program where there is none."""
    if assessment.specialist is None:
        return _small(assessment)
    return _by_size(assessment, assessment.specialist.params)


def _by_size(assessment: Assessment, params: Draws | float) -> Draws:
    """A month of a model of other data: a small server where a laptop could run it, else accelerators."""
    small = params <= assessment.guesses["device_params"]
    return np.where(small, _small(assessment), own_host(assessment, params))


def _continued(assessment: Assessment) -> Draws:
    return _own_model(assessment) if assessment.case.is_language else _specialist(assessment)


def _pretrained(assessment: Assessment) -> Draws:
    if assessment.case.is_language:
        return _own_model(assessment)
    return _by_size(assessment, np.asarray(assessment.landscape.law.optimum(scratch_flops(assessment))[0]))


def _own_model(assessment: Assessment) -> Draws:
    bases = assessment.landscape.bases
    params = assessment.landscape.best_base(assessment.adaptation_flops).params if bases else 1e9
    return own_host(assessment, params)


def _small(assessment: Assessment) -> Draws:
    return assessment.guesses["small_host_usd"] * (assessment.case.deploy != "on_device")


COMPUTE: dict[str, Callable[[Assessment], Draws]] = {
    "rag": _index, "ft": _tune, "distill": _distil, "cpt": _continue, "pretrain": scratch_usd,
}  # fmt: skip
"""Dollars of compute and services, once."""

MONTHLY: dict[str, Callable[[Assessment], Draws]] = {
    "prompt": _served,
    "long_context": _pasted,
    "rag": lambda assessment: _served(assessment, assessment.guesses["retrieved_tokens"]),
    "tools": lambda assessment: _served(assessment, assessment.guesses["tool_tokens"]),
    "classifier": _small,
    "ft": _tuned,
    "distill": lambda assessment: own_host(assessment, assessment.tuned_params),
    "cpt": _continued,
    "pretrain": _pretrained,
    "specialist": _specialist,
    "classical": _small,
}
