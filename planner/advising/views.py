"""View: one case under one set of assumptions, with the questions that the rules ask about it.

It turns answers into plain questions ("must the facts be looked up?"); it chooses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from planner.advising.landscape import gap_of
from planner.advising.pasting import pasted_usd_month, prompt_limit
from planner.advising.requesting import large_usd, small_usd
from planner.advising.usecase import NUMBERS, UseCase
from planner.catalog import Record, records
from planner.units import show

AS_IT_COMES = frozenset({"prompt", "long_context", "rag", "tools"})
"""Options with a language model that nobody trains further."""

LANGUAGE_MODELS = AS_IT_COMES | {"ft", "distill", "cpt", "pretrain"}
"""Options in which a language model answers."""


def have(case: UseCase, name: str) -> str:
    """How much of the number `name` there is, and whether that was said or is our default."""
    value = getattr(case, name)
    amount = show(value, NUMBERS[name][0])
    if case.leaves_open(name):
        return f"we assumed {amount}" if value else "you named none"
    return f"you have {amount}"


@cache
def options() -> dict[str, Record]:
    """The rows of advice_options.csv by name, in order of effort."""
    return {row["option"]: row for row in records("advice_options")}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A case, the assumptions of one perturbation, and what the landscape says under them.

    Args:
        guess: assumptions by name.
        window: tokens that the longest prompt takes.
        has_base: whether an open language model fits the case.
        has_specialist: whether an open model of another modality does.
        gain: nats that continued pretraining within the budget gains over a small tune.
        run_flops: final pretraining run that the budget buys, its programme included.
        break_even_flops: final run from which a new model wins at equal serving size.
        useful_flops: final run of the smallest useful model of one's own.
        useful_tokens: training tokens of that run.
        usd_per_flop: rent of one training FLOP.
    """

    case: UseCase
    guess: Mapping[str, float]
    window: float
    has_base: bool
    has_specialist: bool
    gain: float
    run_flops: float
    break_even_flops: float
    useful_flops: float
    useful_tokens: float
    usd_per_flop: float

    @property
    def is_language(self) -> bool:
        return self.case.is_language

    @property
    def bound_to_own_model(self) -> bool:
        """Whether a rule forbids every model of others that exists."""
        undocumented = self.case.provenance == "open_data" and self.is_language and not self.has_base
        return self.case.provenance == "own_data" or self.case.mandate_from_scratch or undocumented

    @property
    def needs_facts(self) -> bool:
        private = self.case.knowledge in {"private_static", "private_changing", "live"}
        return private or self.case.prompt_tried == "fails_knowledge"

    @property
    def needs_live(self) -> bool:
        """Whether the facts change faster than an index can follow."""
        changing = self.case.knowledge == "private_changing" and self.case.update_hours < self.guess["reindex_hours"]
        return self.case.knowledge == "live" or changing

    @property
    def changes_within_a_day(self) -> bool:
        return self.needs_live or (self.case.knowledge == "private_changing" and self.case.update_hours <= 24)

    @property
    def needs_retrieval(self) -> bool:
        return self.needs_facts or self.case.citations or self.case.access_control

    @property
    def is_hard_to_prompt(self) -> bool:
        if self.case.prompt_tried == "works":
            return False
        return self.case.behaviour == "hard" or self.case.prompt_tried == "fails_behaviour"

    @property
    def judges(self) -> bool:
        """Whether the answer is one of a few labels."""
        return self.case.task == "classification"

    @property
    def reads_unusual_text(self) -> bool:
        return gap_of(self.case) in {"nonstandard", "language", "lowres_language"}

    @property
    def is_offline(self) -> bool:
        return self.case.deploy in {"air_gapped", "on_device"}

    @property
    def prompt_usd_month(self) -> float:
        """A month of plain prompting on a hosted model."""
        return large_usd(self.case.queries_month, self.case, self.guess)

    @property
    def tune_usd_month(self) -> float:
        """A month of a small tuned model that is hosted by the token."""
        return small_usd(self.case.queries_month, self.case, self.guess)

    @property
    def needs_haste(self) -> bool:
        """Whether answers must begin sooner than a hosted large model reliably does."""
        return self.case.latency_ms < self.guess["hosted_wait_ms"]

    @property
    def exceeds_monthly_budget(self) -> bool:
        """Whether the volume costs more on a hosted model than there is a month."""
        return self.prompt_usd_month > self.case.monthly_usd

    @property
    def needs_small_model(self) -> bool:
        """Whether the device, the wait, or the volume against the budget, rules a large hosted model out."""
        return self.case.deploy == "on_device" or self.needs_haste or self.exceeds_monthly_budget

    @property
    def fits_in_prompt(self) -> bool:
        """Whether the documents can be pasted into every prompt, in size, money and rights."""
        case, guess = self.case, self.guess
        usd_month = pasted_usd_month(case.corpus_tokens, case.queries_month, guess)
        affordable = usd_month <= guess["long_context_share"] * case.monthly_usd
        small = 0 < case.corpus_tokens <= self.most_pasted
        return small and affordable and not case.access_control

    @property
    def most_pasted(self) -> float:
        """Tokens of documents that fit beside a question: our assumption, and half of the longest prompt at most."""
        return min(prompt_limit(self.case, self.guess), self.window / 2)

    @property
    def wants_own_model(self) -> bool:
        """Whether somebody asks for a model of one's own, by a rule or as the aim; that none exists is no such wish."""
        return bool(self.hard_reason) and (self.bound_to_own_model or self.case.goal != "application")

    @property
    def hard_reason(self) -> str:
        """Why to pretrain even where a free model is better, or ''."""
        if self.case.provenance == "own_data":
            return "the base may have read nothing but your own data"
        if self.case.mandate_from_scratch:
            return "a rule demands a model trained from scratch"
        if self.bound_to_own_model:
            return "no open model of that size documents its training data"
        if self.case.goal == "public_good":
            return "the model itself is your contribution"
        if self.case.goal == "sell_model" and not self.lacks_own_text:
            return "the model itself is what you sell"
        if not self.is_language and not self.has_specialist and self.case.modality != "tabular":
            return "no open model reads this kind of data"
        return ""

    @property
    def from_scratch_wins(self) -> bool:
        """Whether the budget reaches the break-even, and the own text is enough to make the model differ."""
        reaches = self.run_flops >= (self.useful_flops if self.has_no_rival else self.break_even_flops)
        return reaches and not self.lacks_own_text

    @property
    def has_no_rival(self) -> bool:
        """Whether no open model fits what may be served, for text that is unusual and may not be sent away."""
        return self.is_language and not self.has_base and not self.case.may_be_hosted and self.reads_unusual_text

    @property
    def lacks_own_text(self) -> bool:
        """Whether the own text, read as often as helps, is less than half of what the smallest useful model reads."""
        return self.case.unlabeled_tokens < self.least_own_tokens

    @property
    def least_own_tokens(self) -> float:
        """Own text from which a new model differs enough from the free ones."""
        return self.useful_tokens / (2 * self.guess["epochs"])

    @property
    def own_text(self) -> float:
        """Own raw text in tokens of English of the same length: shattered words carry no more."""
        return self.case.unlabeled_tokens / max(self.case.stretch, 1.0)

    @property
    def least_programme_usd(self) -> float:
        """Dollars of the whole programme around the smallest useful model of one's own, or what it takes to set up."""
        programme = self.useful_flops * self.usd_per_flop * self.guess["programme_pretrain"]
        return max(programme, float(options()["pretrain"]["usd"]) * self.guess["effort"])
