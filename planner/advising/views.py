"""View: one case under one set of assumptions, with the questions that the rules ask about it.

It turns answers into needs ("must the facts be looked up?") and gates ("can this team tune?"); it chooses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from planner.advising.landscape import gap_of
from planner.advising.usecase import NUMBERS, UseCase
from planner.catalog import Record, records
from planner.units import show

TEAMS = ("none", "app", "ml", "infra")
MODALITY_TEAM = "ml"


def count(number: float) -> str:
    """A whole number as it is, any other one shortened."""
    return f"{int(number):,}" if number == int(number) and number < 1e6 else show(number)


def have(case: UseCase, name: str) -> str:
    """How much of the number `name` there is, and whether that was said or is our default."""
    value, unit = getattr(case, name), NUMBERS[name][0]
    if case.leaves_open(name):
        return f"we assumed {_amount(value, unit)}" if value else "you named none"
    return f"you have {_amount(value, unit)}"


def _amount(value: float, unit: str) -> str:
    return count(value) if unit == "count" else show(value, unit)


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
        useful_tokens: training tokens of the smallest useful model.
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
        case, guess = self.case, self.guess
        each = case.tok_in * guess["usd_per_mtok_in"] + case.tok_out * guess["usd_per_mtok_out"]
        return case.queries_month * each / 1e6

    @property
    def needs_small_model(self) -> bool:
        """Whether the device, or the volume against the monthly budget, rules a large hosted model out."""
        return self.case.deploy == "on_device" or self.prompt_usd_month > self.case.monthly_usd

    @property
    def fits_in_prompt(self) -> bool:
        """Whether the documents can be pasted into every prompt, in size, money and rights."""
        case, guess = self.case, self.guess
        limit = guess["device_context_tokens" if case.deploy == "on_device" else "long_context_tokens"]
        usd_month = case.corpus_tokens * case.queries_month * guess["usd_per_mtok_cached"] / 1e6
        affordable = usd_month <= guess["long_context_share"] * case.monthly_usd
        small = 0 < case.corpus_tokens <= min(limit, self.window / 2)
        return small and affordable and not case.access_control

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
        if self.case.goal == "sell_model":
            return "the model itself is what you sell"
        if not self.is_language and not self.has_specialist:
            return "no open model reads this kind of data"
        return ""

    @property
    def from_scratch_wins(self) -> bool:
        """Whether the budget reaches the break-even, and the own text is enough to make the model differ."""
        return self.run_flops >= self.break_even_flops and not self.lacks_own_text

    @property
    def lacks_own_text(self) -> bool:
        """Whether the own text is less than half of what the smallest useful model reads."""
        return 2 * self.own_reading < self.useful_tokens

    @property
    def least_own_tokens(self) -> float:
        """Own text from which a new model differs enough from the free ones."""
        return self.useful_tokens / (2 * self.guess["epochs"])

    @property
    def against_pretraining(self) -> str:
        """Why not to pretrain, quality for the money first; for cases without a hard reason."""
        wished_for_quality = self.is_language and self.has_base and not self.hard_reason
        if wished_for_quality and self.run_flops < self.break_even_flops:
            return "A free model of the same size, adapted, is predicted to be better for this money."
        if not self.blocked("pretrain") and wished_for_quality and not self.from_scratch_wins:
            return "You have too little text of your own to make a model that differs from the free ones."
        return f"{self._simpler_way} {self.blocked('pretrain')}".strip()

    @property
    def _simpler_way(self) -> str:
        """What to try before pretraining on data other than language."""
        if self.case.modality == "tabular":
            return "Tables need no such model: simpler methods are at least as good."
        if not self.is_language and self.has_specialist and not self.hard_reason:
            return "An open model has learned from this kind of data already: try it first."
        return ""

    @property
    def own_reading(self) -> float:
        """Own tokens, repeated as often as repeating helps."""
        return self.case.unlabeled_tokens * self.guess["epochs"]

    @property
    def useful_flops(self) -> float:
        return self.guess["useful_run_flops" if self.is_language else "useful_modality_flops"]

    def blocked(self, option: str) -> str:
        """Why `option` cannot be done here, in a sentence, or ''."""
        for gate in GATES:
            if reason := gate(self, option):
                return reason
        return ""


def forbidden(view: View, option: str) -> str:
    """Rules on whose model may be used, and on learning from a larger model."""
    if option == "distill" and not view.case.teacher_allowed:
        return "The larger model's licence forbids learning from its outputs."
    if view.bound_to_own_model and option not in {"pretrain", "classical"}:
        return f"It builds on a model of others, and {view.hard_reason}."
    if option in {"ft", "cpt", "distill"} and not view.has_base:
        return "No open model fits the size, date and training-data rules."
    if option == "specialist" and not view.has_specialist and not view.is_language:
        return "No open model for this kind of data exists at this date."
    return ""


def lacks_people(view: View, option: str) -> str:
    """The least skilled team that can do it."""
    needed = options()[option]["team"]
    if option == "pretrain" and not view.is_language:
        needed = MODALITY_TEAM
    if TEAMS.index(view.case.team) >= TEAMS.index(needed):
        return ""
    return f"It needs {_PEOPLE[needed]}."


_PEOPLE = {
    "app": "application engineers",
    "ml": "machine-learning engineers",
    "infra": "engineers who have trained on large clusters",
}


def lacks_time(view: View, option: str) -> str:
    """The fewest weeks that it takes."""
    weeks = float(options()[option]["weeks"])
    factor = view.guess["effort"] if weeks > 1 else 1.0
    if view.case.weeks >= weeks * factor:
        return ""
    return f"It takes {count(weeks)} weeks or more; {have(view.case, 'weeks')}."


def lacks_money(view: View, option: str) -> str:
    """The fewest dollars that it takes; for pretraining, the programme of the smallest useful model."""
    if option == "pretrain":
        programme = view.guess["programme_pretrain"] * view.usd_per_flop
        least = view.useful_flops * programme
        if view.run_flops >= view.useful_flops:
            return ""
    else:
        least = float(options()[option]["usd"])
        if view.case.budget_usd >= least * view.guess["effort"]:
            return ""
    return f"It takes about {show(least, 'usd')} or more; {have(view.case, 'budget_usd')}."


def lacks_examples(view: View, option: str) -> str:
    """Labelled examples that training to a task needs."""
    needed = {"classifier": "classifier_labels", "ft": "tune_examples"}.get(option)
    if needed is None or view.case.n_labeled >= view.guess[needed]:
        return ""
    return f"It needs about {count(view.guess[needed])} examples; {have(view.case, 'n_labeled')}."


def lacks_text(view: View, option: str) -> str:
    """Raw text that continued pretraining and pretraining need; general open text counts where it is allowed."""
    given = have(view.case, "unlabeled_tokens")
    if option == "cpt" and view.case.unlabeled_tokens < view.guess["continue_tokens"]:
        kind = "text" if view.is_language else "data"
        return f"It needs about {show(view.guess['continue_tokens'], 'tokens')} of your own {kind}; {given}."
    own_only = view.case.provenance == "own_data" or not view.is_language
    if option == "pretrain" and own_only and view.lacks_own_text:
        return f"It needs about {show(view.least_own_tokens, 'tokens')} of your own data; {given}."
    return ""


def serves_no_purpose(view: View, option: str) -> str:
    """Options that do no harm but no good in this case."""
    if option == "classifier" and not view.judges:
        return "The answers are no fixed set of labels."
    if option == "cpt" and not view.is_language:
        if view.has_specialist:
            return "Test the existing model for this kind of data first, as it is."
        return "No open model has learned from this kind of data."
    if option == "specialist" and view.is_language:
        return "General models read this kind of data."
    if option == "cpt" and view.gain < view.guess["useful_gain"]:
        return f"It would gain about {show(view.gain, 'nats/token')} over a small tune: too little to matter."
    return ""


GATES: tuple[Callable[[View, str], str], ...] = (
    forbidden, lacks_people, lacks_time, lacks_text, lacks_money, lacks_examples, serves_no_purpose,
)  # fmt: skip
