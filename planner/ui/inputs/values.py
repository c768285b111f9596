"""Values: what was asked, as text, and the plan, the bill and the verdict that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from planner.advising import UseCase
from planner.advising.judging import judged
from planner.errors import InputError
from planner.hardware import Cluster
from planner.planning import Plan, plan
from planner.planning.plans import DEFAULT_LAW
from planner.ui.inputs.asking import CASE, CLUSTER, GOALS, MODALITIES, MORE
from planner.units import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planner.costing import Cost
    from planner.laws import Calibrated

OWN_LAW = "own"
"""The text of the input `law` where the law was fitted to runs of one's own."""

_OF_CLUSTER = ("utilisation", "mfu", "goodput", "price", "when")
_OF_PLAN = ("tokens_available", "inference_tokens", "params", "tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that the page asks. `goal` is the keyword of plan() that `amount` belongs to.

    Every other field is the text of one keyword of the library; empty text leaves the keyword out.
    """

    goal: str = "budget_usd"
    amount: str = GOALS["budget_usd"].example
    cluster: str = CLUSTER.example
    law: str = DEFAULT_LAW
    tokens_available: str = ""
    inference_tokens: str = ""
    params: str = ""
    tokens: str = ""
    utilisation: str = ""
    mfu: str = ""
    goodput: str = ""
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

    @property
    def hardware(self) -> dict[str, Any]:
        """The keywords of Cluster.at that were given."""
        return {name: getattr(self, name) for name in _OF_CLUSTER if getattr(self, name)}

    @property
    def keywords(self) -> dict[str, Any]:
        """The keywords of plan that were given, without law and cluster."""
        return {self.goal: self.amount, **{name: getattr(self, name) for name in _OF_PLAN if getattr(self, name)}}

    def plan(self, own: Calibrated | None = None) -> Plan:
        """The plan for these inputs; `own` is the law that `law` means by "own".

        Raises:
            PlannerError: an input is not understood, or no plan satisfies all of them.
        """
        if self.law == OWN_LAW and own is None:
            raise InputError(
                "This answer follows a law that was fitted to someone's own runs, and such a law is no part of a link.",
                mend="Open the link of the fit, load the saved law on the page Calibrate, or choose a published law "
                "under More inputs.",
            )
        law = own if self.law == OWN_LAW and own is not None else self.law or DEFAULT_LAW
        cluster = Cluster.parse(self.cluster).at(**self.hardware)
        return plan(**self.keywords, law=law, cluster=cluster)

    def chosen(self) -> str:
        """The inputs of MORE that are not their defaults, in one line; '' where all are."""
        default = type(self)()
        texts = {name: getattr(self, name) for name in MORE}
        return ", ".join(
            f"{MORE[name].short} {text}" for name, text in texts.items() if text not in ("", getattr(default, name))
        )

    def judged(self, found: Plan, bill: Cost) -> tuple[UseCase, str]:
        """The case that these inputs describe, and whether to train at all, in a sentence.

        Judged under the law and on the cluster of the plan `found`. The money is what was typed where the goal is
        dollars, else the whole programme of the plan's `bill`.

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
        return case, judged(case, law=found.calibration, cluster=found.cluster)


def names() -> list[str]:
    """The names of all inputs; goal and amount first."""
    return [field.name for field in fields(Inputs)]


EXAMPLES: dict[str, Inputs] = {
    "$100K on 8 H100": Inputs(amount="$100K", cluster="8x h100"),
    "$2M on 256 H100": Inputs(),
    "30 days on 1,024 B200": Inputs(goal="days", amount="30 days", cluster="1024x b200"),
    "Match Llama 3.1 8B": Inputs(goal="target_model", amount="llama-3.1-8b"),
    "Chinchilla's compute": Inputs(goal="budget_flops", amount="5.76e23"),
}
"""Examples to start from."""
