"""plan(...) -> Plan: the model that a budget buys or a target needs, with intervals on every number."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import InputError
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.laws import Calibration, calibration_of
from planner.layouts import findings_about_room
from planner.planning.allocation import Wishes, lifetime_flops, spend
from planner.planning.clusters import cluster_again, cluster_inputs, utilisation_rows
from planner.planning.findings import assumed_cluster, findings_about_run, findings_of, inherited
from planner.planning.goals import Goal, goal_of
from planner.planning.solving import budget_of, settled, solve
from planner.sheet import Finding, Row, Sheet
from planner.transformer import Transformer
from planner.units import read, show

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from planner.laws import Calibrated, Law

DEFAULT_LAW = "besiroglu-2024"
DEFAULT_CLUSTER = "8x h100"
_BINDING = {
    "budget_flops": "the compute to spend",
    "budget_usd": "the money to spend",
    "budget_gpu_hours": "the GPU-hours to spend",
    "days": "the time on the cluster",
    "target_loss": "the loss to reach",
    "target_model": "the model to match",
    "tokens_available": "the tokens available",
    "params": "the parameters, which are fixed",
    "tokens": "the training tokens, which are fixed",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan(Sheet):
    """What to train. `params` and `tokens` carry where the optimum may lie, `loss` what one run of this plan may reach.

    `flops` is the training compute 6ND; with dollars, GPU-hours or days as the goal its range is what utilisation and
    prices leave open. `inputs` are the keywords that make the same plan again.
    """

    goal: Goal
    flops: Estimate
    params: Estimate
    tokens: Estimate
    loss: Estimate
    shape: Transformer
    cluster: Cluster | None
    tokens_available: float | None
    wishes: Wishes
    binding: str
    inputs: dict[str, Any]
    findings: tuple[Finding, ...] = field(repr=False)
    calibration: Calibration = field(repr=False)

    @property
    def title(self) -> str:  # type: ignore[override]
        """The plan in one sentence."""
        what = f"{show(self.params, 'params')} on {show(self.tokens, 'tokens')}"
        loss = f"expected loss {show(self.loss, self.calibration.loss_unit)}"
        if self.goal.is_budget:
            where = f" on {self.cluster}" if self.cluster and self.goal.name != "budget_flops" else ""
            return f"Best model for {self.goal.text}{where}: {what}, {loss}."
        return f"Cheapest way to {self.goal.text}: {what}, {show(self.flops, 'flops')}."

    @property
    def inference_tokens(self) -> float:
        """Tokens to be served in the model's life."""
        return self.wishes.inference_tokens

    @property
    def tokens_per_param(self) -> float:
        """Tokens per parameter of the plan itself."""
        return self.tokens / self.params

    @property
    def epochs(self) -> float:
        """Passes over the available tokens; 1 where they are not limited."""
        return max(self.tokens / self.tokens_available, 1.0) if self.tokens_available else 1.0

    @property
    def lifetime_flops(self) -> float:
        """Training plus serving compute, 6ND + 2NT."""
        return float(lifetime_flops(float(self.params), float(self.tokens), self.inference_tokens))

    @property
    def gpu_hours(self) -> Estimate | None:
        """Accelerator-hours of the training run; None without a cluster."""
        if self.cluster is None:
            return None
        given = self.goal.amount * self._training_share
        match self.goal.name:
            case "budget_gpu_hours":
                return Estimate.exact(given)
            case "days":
                return Estimate.exact(given * 24 * self.cluster.gpus)
            case "budget_usd" if self.cluster.price is not None:
                return Estimate.exact(given).over(self.cluster.price)
        return self.cluster.gpu_hours(self.flops)

    @property
    def days(self) -> Estimate | None:
        """Days that the training run takes on the cluster; None without one."""
        hours = self.gpu_hours
        return None if hours is None or self.cluster is None else hours.scaled(1 / (24 * self.cluster.gpus))

    @property
    def usd(self) -> Estimate | None:
        """Rent of the accelerators for the training run; None without a cluster or a known price."""
        if self.cluster is None or self.cluster.price is None or self.gpu_hours is None:
            return None
        if self.goal.name == "budget_usd":
            return Estimate.exact(self.goal.amount * self._training_share)
        return self.gpu_hours.times(self.cluster.price)

    @property
    def _training_share(self) -> float:
        """Share of the lifetime compute that is training."""
        return 6 * self.params * self.tokens / self.lifetime_flops

    def rows(self) -> Iterable[Row]:
        """The plan in reading order: the model, its loss, what it takes."""
        law = self.calibration
        counted = "embeddings included" if law.counting == "total" else "embeddings not counted"
        beyond = ", with drift beyond them" if law.decades_beyond(self.flops) > 0 else ""
        yield Row("params", "Parameters", self.params, "params", f"{counted}; range: {law.basis}{beyond}")
        yield Row("tokens", "Training tokens", self.tokens, "tokens", "range: where the optimum may lie")
        yield Row("tokens_per_param", "Tokens per parameter", self.tokens_per_param, "")
        if self.tokens_available:
            yield Row("tokens_available", "Tokens available", self.tokens_available, "tokens")
            yield Row("epochs", "Passes over them", self.epochs, "epochs")
        basis = "range: of one run" if self.goal.is_budget else "to be reached"
        yield Row("loss", "Expected loss", self.loss, law.loss_unit, f"law {law.name}; {basis}")
        yield Row("flops", "Training compute", self.flops, "flops", "6 x parameters x tokens")
        if self.inference_tokens:
            yield Row("inference_tokens", "Tokens to be served", self.inference_tokens, "tokens")
            yield Row("lifetime_flops", "Training and serving", self.lifetime_flops, "flops", "6ND + 2NT")
        yield from self._cluster_rows()
        yield Row("shape", "A shape that fits", str(self.shape), "", f"{show(self._shape_params, 'params')} counted")
        yield Row("binding", "What binds", _BINDING[self.binding])

    def _cluster_rows(self) -> Iterable[Row]:
        if self.cluster is None:
            return
        yield Row("cluster", "Cluster", str(self.cluster))
        yield from utilisation_rows(self.cluster)
        yield Row("gpu_hours", "GPU-hours", self.gpu_hours, "gpu_hours")
        yield Row("days", "Time on the cluster", self.days, "days")
        if self.usd is not None:
            yield Row("price", "Price", self.cluster.price, "usd/gpu_hour", self.cluster.price_basis)
            yield Row("usd", "Rent of the training run", self.usd, "usd", self.cluster.price_basis)
            if self.goal.name == "budget_usd" and self.inference_tokens:
                yield Row(
                    "serving_usd", "Kept for serving", self.goal.amount - self.usd, "usd", "2 x parameters x tokens"
                )

    @property
    def _shape_params(self) -> int:
        return self.shape.params if self.calibration.counting == "total" else self.shape.params_non_embedding

    def to_dict(self) -> dict[str, Any]:
        """The rows under their keys, and `inputs`: the keywords that make this plan again (see `from_dict`)."""
        return {"title": self.title, **Sheet.to_dict(self), "binding": self.binding, "inputs": dict(self.inputs)}

    @classmethod
    def from_dict(cls, record: dict[str, Any], *, law: Calibrated | None = None) -> Plan:
        """The plan that `to_dict` described, made again; a plan under a fitted law needs that fit as `law`."""
        inputs = dict(record["inputs"])
        if inputs.get("cluster"):
            inputs["cluster"] = cluster_again(inputs["cluster"])
        if law is not None:
            inputs["law"] = law
        return plan(**inputs)

    def _all_findings(self, assumed: bool) -> tuple[Finding, ...]:
        """The findings with those about the run on its cluster; `assumed` says that nobody chose it."""
        if self.cluster is None or self.days is None:
            return self.findings
        about = (
            *findings_about_run(self.cluster, self.days),
            *findings_about_room(float(self.params), self.cluster, float(self.tokens)),
        )
        return self.findings + about + ((assumed_cluster(self.cluster),) if assumed else ())

    def frontier(self, points: int = 61) -> pd.DataFrame:
        """The best plan for budgets from a thousandth to a thousand times this one, same constraints, where one exists.

        Columns flops (lifetime compute), params, tokens, loss, low and high (90 % predictive interval of the loss).
        """
        import pandas as pd

        flops = np.geomspace(max(self.lifetime_flops / 1e3, 1e12), min(self.lifetime_flops * 1e3, 1e30), points)
        params, tokens = (np.asarray(size) for size in spend(self.calibration.law, flops, self.wishes))
        possible = np.isfinite(tokens) & (tokens > 1)
        flops, params, tokens = flops[possible], params[possible], tokens[possible]
        low, high = self.calibration.loss_interval(params, tokens)
        loss = self.calibration.law.loss(params, tokens)
        columns = {"flops": flops, "params": params, "tokens": tokens, "loss": loss, "low": low, "high": high}
        return pd.DataFrame(columns)

    def figure(self) -> Any:
        """Plotly figure: loss against compute along the frontier, its range, and this plan."""
        from planner.charts import frontier_figure

        frontier = self.frontier()
        return frontier_figure(
            **{name: frontier[name].to_numpy() for name in ("flops", "loss", "low", "high")},
            chosen=(self.lifetime_flops, float(self.loss)),
            fitted_to=self.calibration.flops_max,
            loss_unit=self.calibration.loss_unit,
        )


def plan(
    *,
    budget_flops: float | str | None = None,
    budget_usd: float | str | None = None,
    budget_gpu_hours: float | str | None = None,
    days: float | str | None = None,
    target_loss: float | str | None = None,
    target_model: str | None = None,
    law: str | Calibration | Calibrated | Law = DEFAULT_LAW,
    cluster: str | Cluster | None = None,
    tokens_available: float | str | None = None,
    inference_tokens: float | str = 0,
    params: float | str | None = None,
    tokens: float | str | None = None,
) -> Plan:
    """The best plan for exactly one goal.

    Args:
        budget_flops: compute for training, and for serving `inference_tokens` if any, in FLOPs.
        budget_usd: the same in US dollars on `cluster` at its price.
        budget_gpu_hours: the same in GPU-hours on `cluster`.
        days: the same as days on the whole `cluster`, which must be given.
        target_loss: the loss to reach with the least compute, in the unit of the law.
        target_model: an open model of `models()` whose loss, under the same law, is to be reached.
        law: a name from `laws()`, what `fit` returned, or a bare law.
        cluster: "256x h100" or a Cluster; with a budget in dollars or GPU-hours "8x h100" is assumed.
        tokens_available: unique tokens; more are repeats, discounted as in Muennighoff et al. 2023.
        inference_tokens: tokens to be served in the model's life; then 6ND + 2NT counts (Sardana et al. 2023).
        params: fixes the parameters.
        tokens: fixes the training tokens.

    Raises:
        InputError: no goal, two goals, or an input that is not understood.
        InfeasiblePlan: nothing satisfies the goal and the constraints together.
    """
    given = {
        "budget_flops": budget_flops, "budget_usd": budget_usd, "budget_gpu_hours": budget_gpu_hours,
        "days": days, "target_loss": target_loss, "target_model": target_model,
    }  # fmt: skip
    goal = goal_of(given)
    if params is not None and tokens is not None:
        raise InputError(
            f"params and tokens are both fixed, which leaves nothing for {goal.name} to decide.",
            mend="Fix one of them; what both together take is a question for cost.",
        )
    wishes = Wishes(
        params=None if params is None else read(params, "params", name="params"),
        tokens=None if tokens is None else read(tokens, "tokens", name="tokens"),
        inference_tokens=read(inference_tokens, "tokens", name="inference_tokens", zero=True),
    )
    available = None if tokens_available is None else read(tokens_available, "tokens", name="tokens_available")
    base = calibration_of(law)
    calibration = base if available is None else base.limited_to(available)
    hired = _cluster_for(goal, cluster)
    chosen = None if hired is None else settled(goal, hired, calibration, wishes)
    found = solve(goal, budget_of(goal, chosen), base, calibration, wishes)
    chosen = None if chosen is None else chosen.training(active_params=found.params, tokens=found.tokens)
    shape = Transformer.near(found.params, counting="total" if base.counting == "total" else "non_embedding")
    inputs: dict[str, Any] = {goal.name: target_model if goal.model else goal.amount}
    inputs |= {"law": base.name, "cluster": cluster_inputs(chosen)}
    inputs |= {"tokens_available": available, "inference_tokens": wishes.inference_tokens}
    inputs |= {"params": wishes.params, "tokens": wishes.tokens}
    found_plan = Plan(
        goal=goal,
        flops=found.flops,
        params=found.params,
        tokens=found.tokens,
        loss=found.loss,
        shape=shape,
        cluster=chosen,
        tokens_available=available,
        wishes=wishes,
        binding=_binding(goal, found.tokens, available, wishes),
        inputs=inputs,
        findings=(*findings_of(goal, found, available, calibration), *inherited(law)),
        calibration=calibration,
    )
    return found_plan if chosen is None else replace(found_plan, findings=found_plan._all_findings(cluster is None))


def _cluster_for(goal: Goal, cluster: str | Cluster | None) -> Cluster | None:
    if cluster is not None:
        return Cluster.parse(cluster)
    if goal.name == "days":
        raise InputError("days needs a cluster to count on.", mend="Name one, for example 256x h100.")
    return Cluster.parse(DEFAULT_CLUSTER) if goal.name in ("budget_usd", "budget_gpu_hours") else None


def _binding(goal: Goal, tokens: float, available: float | None, wishes: Wishes) -> str:
    """The keyword of the constraint that decides the plan."""
    if wishes.params is not None:
        return "params"
    if wishes.tokens is not None:
        return "tokens"
    if available is not None and tokens > available:
        return "tokens_available"
    return goal.name
