"""UseCase: what somebody wants a language model for, as about thirty plain answers, each with a default.

It checks every answer at the door; it draws no conclusion from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, Self

from planner.errors import InputError, UnknownName
from planner.units import read, show

TEAMS = ("none", "app", "ml", "infra")
"""The most skilled people at hand, the least skilled first."""

CHOICES: dict[str, tuple[str, ...]] = {
    "task": (
        "classification", "extraction", "qa", "style", "summarize", "translate", "chat", "code", "agent", "general",
        "forecast", "sequence",
    ),
    "knowledge": ("none", "public", "private_static", "private_changing", "live"),
    "behaviour": ("none", "promptable", "hard"),
    "domain_gap": ("general", "terms", "nonstandard", "language", "lowres_language", "modality"),
    "team": TEAMS,
    "deploy": ("api", "vpc", "on_prem", "air_gapped", "on_device"),
    "provenance": ("any", "open_data", "own_data"),
    "goal": ("application", "public_good", "sell_model"),
    "modality": ("text", "code", "dna", "protein", "timeseries", "tabular", "logs"),
    "prompt_tried": ("unknown", "works", "fails_knowledge", "fails_behaviour"),
    "wish": ("", "pretrain", "finetune", "rag"),
}  # fmt: skip
"""The answers that each question with fixed answers takes."""

NUMBERS: dict[str, tuple[str, bool]] = {
    "update_hours": ("count", False),
    "corpus_tokens": ("tokens", True),
    "fertility": ("count", False),
    "n_labeled": ("count", True),
    "unlabeled_tokens": ("tokens", True),
    "budget_usd": ("usd", True),
    "monthly_usd": ("usd", True),
    "weeks": ("count", True),
    "queries_month": ("count", True),
    "tok_in": ("tokens", True),
    "tok_out": ("tokens", True),
    "latency_ms": ("count", False),
    "n_serve_max": ("params", False),
    "horizon_months": ("count", False),
}
"""The unit of each number, and whether it may be zero."""

ENGLISH_FERTILITY = 1.3
"""Tokens per word of English in a common tokenizer: what `tok_in` and `tok_out` are counted in."""

LEAST_PARAMS = 1e6
"""Below it no model writes language: our bound."""

SWITCHES = ("citations", "access_control", "mandate_from_scratch", "teacher_allowed")


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCase:
    """One decision to take. Numbers may be text such as "$2M" or "80B", amounts of text also "1M words", which count as
    `fertility` tokens each; dates are ISO text or a date.

    Args:
        task: what the model does: classification, extraction, qa, style, summarize, translate, chat, code, agent,
            general, forecast, sequence.
        knowledge: which facts the answers need that a general model lacks: none, public, private_static,
            private_changing, live.
        update_hours: how often those facts change.
        corpus_tokens: documents that the answers must draw on.
        behaviour: whether the wanted manner can be written down as instructions: none, promptable, hard (it cannot).
        domain_gap: how far the text is from ordinary text: general, terms, nonstandard, language, lowres_language,
            modality.
        fertility: tokens per word with the best open tokenizer; English has about 1.3.
        n_labeled: examples of an input with its right output.
        unlabeled_tokens: own raw text of the domain.
        budget_usd: money to build it, once.
        monthly_usd: money to run it, each month.
        weeks: time until it must work.
        team: the most skilled people at hand: none, app (application engineers), ml (machine learning), infra
            (large-scale training).
        queries_month: requests per month.
        tok_in: tokens of a request, counted as for English: a language of twice the fertility takes, and costs, twice
            as many.
        tok_out: tokens of an answer, counted likewise.
        latency_ms: the longest acceptable wait until an answer begins.
        deploy: where it may run: api, vpc, on_prem, air_gapped, on_device.
        provenance: what the base model may have been trained on: any, open_data, own_data.
        citations: answers must name their sources.
        access_control: what a user may see depends on the user.
        mandate_from_scratch: a rule demands a model trained from scratch.
        goal: an application, a contribution to the public, or a model to sell: application, public_good, sell_model.
        modality: the kind of data: text, code, dna, protein, timeseries, tabular, logs.
        prompt_tried: what came of prompting an existing model: unknown, works, fails_knowledge, fails_behaviour.
        teacher_allowed: whether a small model may learn from the outputs of a larger one.
        n_serve_max: the largest model that may be served, in parameters.
        as_of: the date of the decision: nothing released later is used.
        horizon_months: how long the answer should hold.
        wish: what the asker would like to hear, or nothing: pretrain, finetune, rag.
    """

    task: str = "chat"
    knowledge: str = "none"
    update_hours: float = 2160
    corpus_tokens: float = 0
    behaviour: str = "promptable"
    domain_gap: str = "general"
    fertility: float = ENGLISH_FERTILITY
    n_labeled: float = 0
    unlabeled_tokens: float = 0
    budget_usd: float = 50_000
    monthly_usd: float = 5_000
    weeks: float = 12
    team: str = "ml"
    queries_month: float = 20_000
    tok_in: float = 400
    tok_out: float = 250
    latency_ms: float = 3_000
    deploy: str = "api"
    provenance: str = "any"
    citations: bool = False
    access_control: bool = False
    mandate_from_scratch: bool = False
    goal: str = "application"
    modality: str = "text"
    prompt_tried: str = "unknown"
    teacher_allowed: bool = True
    n_serve_max: float = 80e9
    as_of: date = field(default_factory=date.today)
    horizon_months: float = 12
    wish: str = ""

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            object.__setattr__(self, name, _choice(name, getattr(self, name), known))
        for name, (unit, zero) in NUMBERS.items():
            value = getattr(self, name)
            number = _of_words(value, name, self.fertility) if unit == "tokens" and _says_words(value) else None
            object.__setattr__(self, name, read(value, unit, name=name, zero=zero) if number is None else number)
        if self.n_serve_max < LEAST_PARAMS:
            raise InputError(
                f"n_serve_max is {show(self.n_serve_max, 'params')}: no language model is so small.",
                mend=f"Give the parameters of the largest model that may be served, {show(LEAST_PARAMS)} or more.",
            )
        for name in SWITCHES:
            _check_switch(name, getattr(self, name))
        object.__setattr__(self, "as_of", day(self.as_of, "as_of"))

    @property
    def is_language(self) -> bool:
        """Whether it is about text or program code, rather than other data or numbers to forecast."""
        return self.modality in {"text", "code"} and self.task != "forecast"

    @property
    def may_be_hosted(self) -> bool:
        """Whether requests may go to a model that somebody else runs."""
        return self.deploy in {"api", "vpc"}

    @property
    def stretch(self) -> float:
        """How many times more tokens a text takes than an English one of as many words."""
        return self.fertility / ENGLISH_FERTILITY

    def leaves_open(self, name: str) -> bool:
        """Whether the field `name` stands at its default: nobody said otherwise."""
        return bool(getattr(self, name) == self.__dataclass_fields__[name].default)

    @classmethod
    def from_dict(cls, record: Mapping[str, object]) -> Self:
        """The case that a TOML or JSON file holds.

        Raises:
            UnknownName: a field or a value that no case has; the message offers the closest.
            InputError: a value is malformed, or the record is no table of fields.
        """
        if not isinstance(record, Mapping):
            raise InputError(f"A case is a table of fields, not {type(record).__name__}.", mend='Write task = "qa".')
        known = [entry.name for entry in fields(cls)]
        for name in record:
            if name not in known:
                raise UnknownName.of("field of a case", str(name), known=known)
        values: dict[str, Any] = dict(record)
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Every field under its name, the date as ISO text: what `from_dict` reads."""
        record = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {**record, "as_of": self.as_of.isoformat()}


def day(value: object, name: str) -> date:
    """The date that `value`, a date or ISO text, means.

    Raises:
        InputError: it is no date.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}, which is no date.", mend="Write it like 2026-11-20.") from None


def _says_words(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower().endswith(("word", "words"))


def _of_words(value: str, name: str, fertility: object) -> float:
    """The tokens that text such as "1M words" means: a word is no token, but `fertility` of them."""
    words = value.strip().lower().removesuffix("s").removesuffix("word")
    each = read(fertility, "count", name="fertility")
    return each * read(words, "count", name=name, zero=True)


def _choice(name: str, value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name} is {value!r}, which is no text.", mend=f"Known: {', '.join(known)}.")
    wanted = value.strip().lower().replace("-", "_").replace(" ", "_")
    if wanted not in known:
        raise UnknownName.of(name, value, known=[word for word in known if word])
    return wanted


def _check_switch(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise InputError(f"{name} is {value!r}.", mend=f"{name} is either true or false.")
