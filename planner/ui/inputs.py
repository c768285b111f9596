"""Inputs: what the Plan page asks, as text. They live in the page's address, so that a link makes the same page again.

Every input is the text of one keyword of the library; empty text leaves the keyword out. It knows no widget.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

from planner.advising import Advice, UseCase, advise
from planner.catalog import Record, records
from planner.errors import InputError, PlannerError
from planner.hardware import Cluster
from planner.hardware.prices import TIERS
from planner.planning import Plan, plan
from planner.planning.plans import DEFAULT_LAW
from planner.units import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planner.costing import Cost

VERSION = "1"
"""Version of the addresses this page writes. It changes when an old address would come to mean something else."""

LONGEST = 80
"""Characters that one input may have."""


@dataclass(frozen=True, slots=True)
class Ask:
    """How one input is asked for: its label with the unit, an example, one line of help in plain words, and its name
    where there is no room for the label.
    """

    label: str
    example: str
    help: str
    short: str = ""


GOALS: dict[str, Ask] = {
    "budget_usd": Ask(
        "Budget (US dollars)", "$2M", "What renting the accelerators may cost, such as $2M or 750K.", "Dollars"
    ),
    "budget_flops": Ask(
        "Compute (FLOPs)",
        "1e23",
        "A FLOP is one floating-point operation, a single multiplication or addition. Frontier models take about 1e26.",
        "FLOPs",
    ),
    "budget_gpu_hours": Ask(
        "Accelerator time (GPU-hours)", "500K", "One GPU-hour is one accelerator for one hour.", "GPU-hours"
    ),
    "days": Ask("Time (days on the whole cluster)", "30 days", "Calendar time, such as 30 days or 6 weeks.", "Days"),
    "target_loss": Ask(
        "Loss to reach (nats per token)",
        "2.0",
        "Loss is how badly the model guesses the next token: lower is better, and no model gets to 0.",
        "A loss",
    ),
    "target_model": Ask(
        "Open model to match",
        "llama-3.1-8b",
        "A published model whose loss yours shall reach, as the same law predicts it from size and training tokens.",
        "A known model",
    ),
}
"""The goals of plan(), in the order in which they are offered."""

MORE: dict[str, Ask] = {
    "tokens_available": Ask(
        "Tokens available",
        "empty: no limit",
        "Text you can train on, such as 300B. A token is a piece of a word, about four letters of English. "
        "Where a plan needs more, it reads the same text again.",
        "tokens available",
    ),
    "inference_tokens": Ask(
        "Tokens to be served",
        "empty: none",
        "Tokens the model will read and write in its life, such as 2T. With many, a smaller model trained longer "
        "is cheaper in all.",
        "tokens to be served",
    ),
    "params": Ask(
        "Parameters, if decided",
        "empty: best choice",
        "Parameters are the numbers a model learns: its size. E.g. 7B.",
        "parameters",
    ),
    "tokens": Ask(
        "Training tokens, if decided",
        "empty: best choice",
        "Tokens the model reads in training. E.g. 1.4T.",
        "training tokens",
    ),
    "utilisation": Ask(
        "Utilisation (share of peak)",
        "empty: as published runs",
        "Share of the accelerators' peak speed that a whole run achieves, failures included, such as 35 %.",
        "utilisation",
    ),
    "price": Ask(
        "Price (US dollars per GPU-hour)",
        "empty: on demand",
        "A way to rent, a provider, or your own price such as 2.50.",
        "price",
    ),
    "when": Ask(
        "Month of the prices (year-month)",
        "empty: latest",
        "Prices known by then, such as 2026-07. Set it to keep a link from following new prices.",
        "prices of",
    ),
    "law": Ask(
        "Scaling law",
        DEFAULT_LAW,
        "The formula that predicts the loss from size and training tokens, as published.",
        "law",
    ),
}
"""The inputs behind the expander."""

CLUSTER = Ask(
    "Cluster (number x accelerator)", "256x h100", "The accelerators that train together, such as 512x h100 or 8x a100."
)

CASE: dict[str, Ask] = {
    "task": Ask("What shall the model do?", "general", "The main thing you need a language model for."),
    "knowledge": Ask(
        "Which facts must it know?", "none", "Facts beyond what any model has read, and whether they change."
    ),
    "unlabeled_tokens": Ask(
        "Text of your own (tokens)",
        "empty: the tokens available, if given",
        "Text that other models have not read, such as 20B tokens of your own field. Without any, a model of your own "
        "cannot differ from the free ones.",
    ),
    "weeks": Ask("Weeks until it must work", "52", "From today until people use it."),
}
"""The inputs of the verdict; everything else about the case is the library's default."""

TASKS = {
    "general": "Many things: a general model",
    "chat": "Chat",
    "qa": "Answer questions",
    "summarize": "Summarise",
    "extraction": "Pull facts out of texts",
    "classification": "Sort texts into classes",
    "style": "Write in a certain style",
    "translate": "Translate",
    "code": "Write programs",
    "agent": "Act with tools",
    "forecast": "Forecast numbers",
    "sequence": "Read sequences such as DNA",
}
MODALITIES = {"forecast": "timeseries", "sequence": "dna"}
"""What the model reads in the tasks where that is no text."""
KNOWLEDGE = {
    "none": "None beyond general knowledge",
    "public": "Public facts",
    "private_static": "Our own, they stay",
    "private_changing": "Our own, they change",
    "live": "Live data",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that the page asks. `goal` is the keyword of plan() that `amount` belongs to."""

    goal: str = "budget_usd"
    amount: str = GOALS["budget_usd"].example
    cluster: str = CLUSTER.example
    law: str = DEFAULT_LAW
    tokens_available: str = ""
    inference_tokens: str = ""
    params: str = ""
    tokens: str = ""
    utilisation: str = ""
    price: str = ""
    when: str = ""
    task: str = CASE["task"].example
    knowledge: str = CASE["knowledge"].example
    unlabeled_tokens: str = ""
    weeks: str = CASE["weeks"].example

    @classmethod
    def of(cls, values: Mapping[str, str | None]) -> Self:
        """The inputs among `values`; None is empty text."""
        return cls(**{name: (values[name] or "").strip() for name in names() if name in values})

    @classmethod
    def of_address(cls, address: Mapping[str, str]) -> Self:
        """The inputs that an address carries; those it leaves out are the defaults.

        Raises:
            InputError: another version wrote it, it carries two goals, or a text too long to be meant.
        """
        if address.get("v", VERSION) != VERSION:
            raise InputError(
                f"This link was made by another version of this page: {address['v'][:LONGEST]!r}, not {VERSION!r}.",
                mend="Fill in the inputs again and share the new address.",
            )
        for name, value in address.items():
            if len(value) > LONGEST:
                raise InputError(
                    f"{name[:LONGEST]!r} in the link is longer than {LONGEST} characters.", mend="Fill it in again."
                )
        given = [name for name in GOALS if name in address]
        if len(given) > 1:
            raise InputError(
                f"The link has two goals: {given[0]} and {given[1]}.", mend="Keep one of them, or fill in the goal."
            )
        goal = {"goal": given[0], "amount": address[given[0]]} if given else {}
        return cls.of({**{name: address[name] for name in names()[2:] if name in address}, **goal})

    def address(self) -> dict[str, str]:
        """The address that makes these inputs again: all of them, also the defaults, under the library's keywords."""
        return {"v": VERSION, self.goal: self.amount, **{name: getattr(self, name) for name in names()[2:]}}

    def plan(self) -> Plan:
        """The plan for these inputs.

        Raises:
            PlannerError: an input is not understood, or no plan satisfies all of them.
        """
        cluster = Cluster.parse(self.cluster).at(
            utilisation=self.utilisation or None, price=self.price or None, when=self.when or None
        )
        goal = {self.goal: self.amount}
        return plan(
            **goal,
            law=self.law or DEFAULT_LAW,
            cluster=cluster,
            tokens_available=self.tokens_available or None,
            inference_tokens=self.inference_tokens or 0,
            params=self.params or None,
            tokens=self.tokens or None,
        )

    def chosen(self) -> str:
        """The inputs of MORE that are not their defaults, in one line; '' where all are."""
        default = type(self)()
        texts = {name: getattr(self, name) for name in MORE}
        return ", ".join(
            f"{MORE[name].short} {text}" for name, text in texts.items() if text not in ("", getattr(default, name))
        )

    def advice(self, found: Plan, bill: Cost) -> Advice:
        """Whether to train at all, under the law and on the cluster of the plan `found`.

        The money is what was typed where the goal is dollars, else the whole programme of the plan's `bill`.

        Raises:
            PlannerError: an input is not understood, or the plan has no dollars.
        """
        usd = found.goal.amount if found.goal.name == "budget_usd" else bill.programme_usd
        if usd is None or found.cluster is None:
            raise InputError(
                "Without a price there is no verdict on pretraining.", mend="Fill in a price per GPU-hour above."
            )
        case = UseCase(
            task=self.task,
            modality=MODALITIES.get(self.task, "text"),
            knowledge=self.knowledge,
            unlabeled_tokens=read(
                self.unlabeled_tokens or self.tokens_available or "0", "tokens", name="unlabeled_tokens", zero=True
            ),
            weeks=read(self.weeks, "count", name="weeks", zero=True),
            budget_usd=float(usd),
            team="infra",
        )
        return advise(case, law=found.calibration, cluster=found.cluster)


def names() -> list[str]:
    """The names of all inputs; goal and amount first."""
    return [field.name for field in fields(Inputs)]


def unknown_names(address: Mapping[str, str]) -> list[str]:
    """Names in an address that this page does not ask for."""
    return [name for name in address if name not in {"v", *GOALS, *names()[2:]}]


EXAMPLES: dict[str, Inputs] = {
    "$100K on 8 H100": Inputs(amount="$100K", cluster="8x h100"),
    "$2M on 256 H100": Inputs(),
    "30 days on 1,024 B200": Inputs(goal="days", amount="30 days", cluster="1024x b200"),
    "Match Llama 3.1 8B": Inputs(goal="target_model", amount="llama-3.1-8b"),
    "Chinchilla's compute": Inputs(goal="budget_flops", amount="5.76e23"),
}
"""Examples to start from."""


LABELS = {name: re.split(r" \(|,", ask.label)[0] for name, ask in {**GOALS, **MORE, **CASE, "cluster": CLUSTER}.items()}
"""What people call each keyword of the library."""
_NAMES = "|".join(LABELS)
_KEYWORD = re.compile(
    rf"^({_NAMES})(?=:| is | must )|(?<=\bGive )({_NAMES})(?= in )|(?<![\w'])({_NAMES})=\.\.\."
    rf"|(?<![\w'])({'|'.join(name for name in LABELS if '_' in name)})\b(?!=)"
)
_EQUALS = re.compile(rf"(?<![\w'])(?:{_NAMES})=(?!\.\.\.)")


def on_the_page(text: str) -> str:
    """`text` of the library with the labels of the inputs in place of its keywords."""
    return _KEYWORD.sub(lambda found: LABELS[next(filter(None, found.groups()))], _EQUALS.sub("", text))


def choices(name: str, cluster: str = "") -> dict[str, str]:
    """What is offered for an input with known answers: its text, and what people read; prices of `cluster` only."""
    match name:
        case "law":
            return {row["name"]: row["title"] for row in records("laws")}
        case "target_model":
            return {row["name"]: row["title"] for row in records("models") if row["train_tokens"]}
        case "task":
            return TASKS
        case "knowledge":
            return KNOWLEDGE
        case "price":
            rows = _prices_of(cluster)
            tiers = [tier for tier in TIERS if any(row["tier"] == tier for row in rows)]
            return {text: text for text in (*tiers, *sorted({row["provider"] for row in rows}, key=str.lower))}
    return {}


def _prices_of(cluster: str) -> list[Record]:
    """The rows of the price snapshot for the accelerator of `cluster`; all of them where the text names none."""
    try:
        chip = Cluster.parse(cluster).accelerator.key
    except PlannerError:
        return list(records("prices"))
    return [row for row in records("prices") if row["accelerator"] == chip]
