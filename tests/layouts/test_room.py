"""Room: a plan or a bill says when the model does not fit on its cluster."""

import pytest

from planner import cost, plan
from planner.errors import InputError
from planner.layouts import default_batch, lay_out
from planner.sheet import Finding
from planner.transformer import Transformer


def about_room(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if "do not fit" in finding.title]


@pytest.mark.parametrize(
    ("params", "cluster", "fits"),
    [("405B", "8x h100", False), ("405B", "2048x h100", True), ("7B", "1x h100", False), ("7B", "8x h100", True),
     ("7B", "7x h100", True), ("1B", "1x h100", True), ("1e15", "8x h100", False)],
)  # fmt: skip
def test_a_bill_says_when_the_model_does_not_fit(params: str, cluster: str, fits: bool) -> None:
    found = about_room(cost(params=params, tokens="300B", cluster=cluster).findings)
    assert bool(found) != fits


def test_experts_need_room_although_they_rest() -> None:
    found = about_room(cost(params="671B", active_params="37B", tokens="1T", cluster="16x h800").findings)
    assert found[0].level == "problem"
    assert "671B" in found[0].title


def test_a_plan_says_so_too_and_names_the_fewest_gpus() -> None:
    found = about_room(plan(budget_usd="2M", cluster="8x h100").findings)
    assert "24 GPUs" in found[0].title
    assert not about_room(plan(budget_usd="2M", cluster="64x h100").findings)


def test_the_default_batch_is_not_above_the_critical_one() -> None:
    layout = lay_out(Transformer.near("671B"), "2048x h800", tokens="14.8T")
    assert layout.tokens_per_batch <= layout.critical_batch
    assert "critical" in layout.batch_basis
    assert not [finding for finding in layout.findings if "critical batch" in finding.title]
    assert "2503.04715" in lay_out(Transformer.near("7B"), "64x h100").batch_basis
    assert default_batch(1e15, 2.0) < default_batch(1e15, 1.8)


def test_a_size_is_no_shape() -> None:
    with pytest.raises(InputError, match="shape of a model") as caught:
        lay_out("70B", "64x h100")  # type: ignore[arg-type]
    assert "Transformer.near" in caught.value.mend
