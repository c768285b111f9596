"""ranking(assessment) -> what each option costs, once and per month, how long it takes, and why it is not advised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.advising.assessing import Assessment
from planner.advising.assuming import Draws
from planner.advising.views import View, options
from planner.estimate import Estimate
from planner.laws import FLOPS_PER_PARAM_TOKEN
from planner.units import show

HOURS_PER_MONTH = 730.5
SERVED_BYTES_PER_PARAM = 2.4
"""16-bit weights and a fifth on top for the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to go. Dollars are rent and services; the time of your own people is in `weeks`, not in the dollars."""

    option: str
    label: str
    chosen: bool
    one_off_usd: Estimate
    monthly_usd: Estimate
    weeks: Estimate
    why_not: str
    risk: str

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        amounts = {name: getattr(self, name).to_dict() for name in ("one_off_usd", "monthly_usd", "weeks")}
        texts = {"label": self.label, "chosen": self.chosen, "why_not": self.why_not, "risk": self.risk}
        return {"option": self.option, **texts, **amounts}


def ranking(assessment: Assessment) -> tuple[Option, ...]:
    """Every option: the advice first, then what could be done, then what could not."""
    view, parts = assessment.view, assessment.choice.components

    def place(option: str) -> tuple[int, int]:
        return (0, parts.index(option)) if option in parts else (2 if view.blocked(option) else 1, 0)

    return tuple(_option(option, assessment) for option in sorted(options(), key=place))


def _option(option: str, assessment: Assessment) -> Option:
    row, chosen = options()[option], option in assessment.choice.components
    one_off = ONE_OFF[option](assessment) if option in ONE_OFF else 0.0
    setup = float(row["usd"]) * assessment.guesses["effort"] if option != "pretrain" else 0.0
    low, high = float(row["weeks"]), float(row["weeks_high"])
    return Option(
        option=option,
        label=row["label"],
        chosen=chosen,
        one_off_usd=_estimate(one_off + setup, assessment),
        monthly_usd=_estimate(MONTHLY[option](assessment), assessment),
        weeks=Estimate((low + high) / 2, low, high),
        why_not="" if chosen else _why_not(option, assessment.view),
        risk=row["risk"],
    )


def _estimate(usd: Draws | float, assessment: Assessment) -> Estimate:
    draws = _rough(np.broadcast_to(np.asarray(usd, dtype=float), (assessment.count + 1,)))
    return Estimate.of_draws(draws[0], draws[1:]) if assessment.count else Estimate.exact(draws[0])


def _rough(usd: Draws) -> Draws:
    """Sums under a thousand dollars at two significant digits: more would be false precision."""
    digit = 10.0 ** (np.floor(np.log10(np.maximum(usd, 1e-9))) - 1)
    return np.where(usd < 1000, np.round(usd / digit) * digit, usd)


def _index(assessment: Assessment) -> Draws:
    return assessment.case.corpus_tokens * assessment.guesses["usd_per_mtok_embedding"] / 1e6


def _labels(needed: str) -> Callable[[Assessment], Draws]:
    def usd(assessment: Assessment) -> Draws:
        missing = np.maximum(assessment.guesses[needed] - assessment.case.n_labeled, 0)
        return np.asarray(missing * assessment.guesses["usd_per_label"])

    return usd


def _tune(assessment: Assessment) -> Draws:
    case, guesses = assessment.case, assessment.guesses
    examples = np.maximum(case.n_labeled, guesses["tune_examples"])
    return _labels("tune_examples")(assessment) + _tuning_rent(examples, assessment)


def _tuning_rent(examples: Draws, assessment: Assessment) -> Draws:
    case, guesses = assessment.case, assessment.guesses
    tokens = examples * (case.tok_in + case.tok_out) * guesses["tuning_epochs"]
    flops = FLOPS_PER_PARAM_TOKEN * np.minimum(guesses["tuned_params"], case.n_serve_max) * tokens
    return np.asarray(flops * assessment.usd_per_flop * guesses["programme_tune"])


def _distil(assessment: Assessment) -> Draws:
    examples = assessment.guesses["distil_examples"]
    return examples * _usd_per_query(assessment) + _tuning_rent(examples, assessment)


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


def _pretrain(assessment: Assessment) -> Draws:
    """The programme of the break-even run; with a hard reason, of what the budget buys up to there.

    The smallest useful run is the least, and all that is priced where there is no break-even.
    """
    view, smallest, wins = assessment.view, _smallest(assessment), assessment.landscape.equal_break_even
    if not view.is_language:
        wanted = smallest
    elif view.hard_reason:
        wanted = np.clip(assessment.run_flops, smallest, np.maximum(wins, smallest))
    else:
        wanted = np.where(np.isfinite(wins), wins, smallest)
    return np.asarray(wanted * assessment.usd_per_flop * assessment.guesses["programme_pretrain"])


def _smallest(assessment: Assessment) -> Draws:
    """FLOPs of the smallest useful final run."""
    return assessment.guesses["useful_run_flops" if assessment.view.is_language else "useful_modality_flops"]


def _usd_per_query(assessment: Assessment, more_tokens: Draws | float = 0.0) -> Draws:
    case, guesses = assessment.case, assessment.guesses
    prompt = (case.tok_in + more_tokens) * guesses["usd_per_mtok_in"]
    return np.asarray((prompt + case.tok_out * guesses["usd_per_mtok_out"]) / 1e6)


def _served(assessment: Assessment, more_tokens: Draws | float = 0.0) -> Draws:
    """A month of a model as it comes: hosted by the token, on own machines by the hour, on a device for free."""
    if assessment.case.deploy in {"api", "vpc"}:
        return np.asarray(assessment.case.queries_month * _usd_per_query(assessment, more_tokens))
    return _own_host(assessment, assessment.guesses["tuned_params"])


def _own_host(assessment: Assessment, params: Draws | float) -> Draws:
    if assessment.case.deploy == "on_device":
        return np.zeros(assessment.count + 1)
    cluster = assessment.cluster
    served = np.minimum(params, assessment.case.n_serve_max) * SERVED_BYTES_PER_PARAM
    gpus = np.ceil(served / cluster.accelerator.memory_bytes)
    return np.asarray(gpus * assessment.usd_per_gpu_hour * HOURS_PER_MONTH)


def _pasted(assessment: Assessment) -> Draws:
    reread = assessment.case.corpus_tokens * assessment.guesses["usd_per_mtok_cached"] / 1e6
    return _served(assessment) + assessment.case.queries_month * reread


def _specialist(assessment: Assessment) -> Draws:
    """A month of the specialist by its own size: a small server where a laptop could run it, else accelerators."""
    if assessment.specialist is None:
        return _small(assessment)
    return _hosted(assessment, assessment.specialist.params)


def _hosted(assessment: Assessment, params: Draws | float) -> Draws:
    small = params <= assessment.guesses["device_params"]
    return np.where(small, _small(assessment), _own_host(assessment, params))


def _other_continued(assessment: Assessment) -> Draws:
    return _own_model(assessment) if assessment.case.is_language else _specialist(assessment)


def _pretrained(assessment: Assessment) -> Draws:
    if assessment.case.is_language:
        return _own_model(assessment)
    return _hosted(assessment, np.asarray(assessment.landscape.law.optimum(_smallest(assessment))[0]))


def _own_model(assessment: Assessment) -> Draws:
    bases = assessment.landscape.bases
    params = assessment.landscape.best_base(assessment.adaptation_flops).params if bases else 1e9
    return _own_host(assessment, params)


def _small(assessment: Assessment) -> Draws:
    return assessment.guesses["small_host_usd"] * (assessment.case.deploy != "on_device")


ONE_OFF: dict[str, Callable[[Assessment], Draws]] = {
    "rag": _index, "classifier": _labels("classifier_labels"), "ft": _tune, "distill": _distil, "cpt": _continue,
    "pretrain": _pretrain,
}  # fmt: skip

MONTHLY: dict[str, Callable[[Assessment], Draws]] = {
    "prompt": _served,
    "long_context": _pasted,
    "rag": lambda assessment: _served(assessment, assessment.guesses["retrieved_tokens"]),
    "tools": lambda assessment: _served(assessment, assessment.guesses["tool_tokens"]),
    "classifier": _small,
    "ft": _served,
    "distill": lambda assessment: _own_host(assessment, assessment.guesses["tuned_params"]),
    "cpt": _other_continued,
    "pretrain": _pretrained,
    "specialist": _specialist,
    "classical": _small,
}


def _why_not(option: str, view: View) -> str:
    against = view.against_pretraining if option == "pretrain" else view.blocked(option)
    return against or not_needed(option, view)


def not_needed(option: str, view: View) -> str:
    """Why an option that could be done is not advised."""
    match option:
        case "prompt" if view.needs_retrieval:
            return "Instructions alone bring neither private facts nor sources."
        case "prompt" if view.is_hard_to_prompt:
            return "The wanted manner cannot be written down as instructions."
        case "prompt":
            return _why_not_prompted(view)
        case "ft" | "distill" | "long_context" if not view.is_language:
            return "Language models read this kind of data poorly."
        case "classical" if not view.is_language:
            return "A model that has learned from such data already is the better start."
        case "long_context" if view.needs_retrieval:
            return _why_not_pasted(view)
        case "rag" | "tools" | "long_context" if not view.needs_retrieval:
            return "The answers need no facts from outside."
        case "rag":
            return "The documents fit into the prompt." if view.fits_in_prompt else "The facts come from live systems."
        case "tools":
            return "An index of the documents is fresh enough."
        case "ft":
            return "The wanted manner can be written down: tune only if prompts fail a test."
        case "distill":
            return "A hosted model does it at this volume and place."
        case "classical":
            return "The input is language, which it reads poorly."
    return "Nothing in the case calls for it."


def _why_not_prompted(view: View) -> str:
    """What a prompt alone lacks where no facts and no manner are missing."""
    if not view.is_language:
        return "Language models read this kind of data poorly."
    if view.hard_reason:
        return f"It is no model of your own, and {view.hard_reason}."
    if view.needs_small_model:
        return "A hosted model does not fit the place, or its monthly bill the budget."
    if view.judges:
        return "A classifier trained on your labels is cheaper, and better in published comparisons."
    if view.reads_unusual_text:
        return "Open models read this kind of text poorly: instructions do not close that gap."
    if not view.blocked("cpt"):
        return f"It leaves out your own text, whose reading gains about {show(view.gain, 'nats/token')}."
    if not view.blocked("ft"):
        return "Your examples let a small tune do this task better than instructions."
    return "A model of your own is predicted to be better for this money."


def _why_not_pasted(view: View) -> str:
    if view.case.access_control:
        return "What a user may see depends on the user, so no prompt may hold it all."
    if not view.case.corpus_tokens:
        return "How long the documents are is not said."
    if view.needs_live:
        return "The facts change too fast to be pasted."
    if view.case.corpus_tokens > min(view.guess["long_context_tokens"], view.window / 2):
        return f"The documents, {show(view.case.corpus_tokens, 'tokens')}, are too long for a prompt."
    return "Reading all documents for every question costs more than the monthly budget allows."
