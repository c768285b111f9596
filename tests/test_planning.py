import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog import records
from planner.errors import InfeasiblePlan, InputError, PlannerError, UnknownName
from planner.estimate import Estimate
from planner.fitting import fit
from planner.hardware import Cluster
from planner.laws import Additive, published
from planner.planning import Plan, compare, plan
from planner.runs import load_runs

SARDANA = Additive(E=1.69, A=406.4, B=410.7, alpha=0.336, beta=0.283)
log_flops = st.floats(min_value=17, max_value=27)


def chinchilla_tokens(law: Additive, params: float) -> float:
    """Tokens for which `params` is compute-optimal, by inverting the optimum."""
    flops = 6 * params**2
    for _ in range(200):
        flops *= (params / law.optimum(flops)[0]) ** ((law.alpha + law.beta) / law.beta)
    return law.optimum(flops)[1]


def test_chinchillas_budget_under_the_published_laws():
    hoffmann = plan(budget_flops=5.76e23, law="hoffmann-2022")
    assert hoffmann.params == pytest.approx(40e9, rel=0.02)  # Hoffmann et al. 2022, approach 3
    besiroglu = plan(budget_flops=5.76e23)
    assert besiroglu.tokens_per_param == pytest.approx(20, rel=0.15)  # Besiroglu et al. 2024, section 4
    assert besiroglu.params.low < 67e9 < besiroglu.params.high  # approach 1 of Hoffmann et al. 2022


@given(log=log_flops)
@settings(max_examples=25)
def test_the_plan_spends_the_budget_within_its_ranges(log):
    found = plan(budget_flops=10**log)
    assert 6 * found.params * found.tokens == pytest.approx(10**log)
    assert found.flops.is_exact
    for estimate in (found.params, found.tokens, found.loss):
        assert estimate.low < estimate < estimate.high


@given(log=log_flops)
@settings(max_examples=25)
def test_a_target_at_the_budgets_loss_costs_the_budget(log):
    loss = plan(budget_flops=10**log).loss
    assert plan(target_loss=float(loss)).flops == pytest.approx(10**log, rel=1e-6)


def test_more_budget_never_raises_the_loss():
    losses = [plan(budget_flops=flops, tokens_available=1e10).loss for flops in np.geomspace(1e18, 1e26, 9)]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(
    ("goal", "same"),
    [
        ({"budget_usd": "2M"}, lambda p: p.usd),
        ({"budget_gpu_hours": 2e6}, lambda p: p.gpu_hours),
        ({"days": 2e6}, lambda p: p.days),
    ],
)
def test_the_goal_comes_back_exact_and_the_compute_with_a_range(goal, same):
    found = plan(**goal, cluster="256x h100")
    assert same(found) == pytest.approx(2e6)
    assert same(found).is_exact
    assert found.flops.low < found.flops < found.flops.high
    again = plan(budget_flops=float(found.flops), cluster="256x h100")
    assert same(again) == pytest.approx(2e6)


def test_as_good_as_an_open_model_is_the_loss_of_its_size_and_tokens():
    row = next(row for row in records("models") if row["name"] == "llama-3.1-8b")
    found = plan(target_model="Llama-3.1-8B")
    loss = published("besiroglu-2024").law.loss(float(row["params"]), float(row["train_tokens"]))
    assert found.loss == pytest.approx(loss)
    assert found.flops < 6 * float(row["params"]) * float(row["train_tokens"])


@pytest.mark.parametrize(
    ("params", "served", "best", "saved"),
    [
        (13e9, 2e12, 6.97e9, 0.174),  # Sardana et al. 2023, figure 1: 7B, 17 %
        (30e9, 1e13, 13.6e9, 0.280),  # first version of the abstract: 13.6B, 28 %
    ],
)
def test_inference_aware_planning_reproduces_sardana(params, served, best, saved):
    tokens = chinchilla_tokens(SARDANA, params)
    found = plan(target_loss=float(SARDANA.loss(params, tokens)), law=SARDANA, inference_tokens=served)
    assert found.params == pytest.approx(best, rel=0.01)
    assert 1 - found.lifetime_flops / (6 * params * tokens + 2 * params * served) == pytest.approx(saved, abs=0.002)


def test_a_budget_with_serving_covers_both():
    found = plan(budget_flops=1e22, inference_tokens="2T")
    assert found.lifetime_flops == pytest.approx(1e22)
    assert found.params < plan(budget_flops=1e22).params


def test_scarce_tokens_bind_and_are_repeated():
    found = plan(budget_flops=1e22, tokens_available=2e10)
    assert found.binding == "tokens_available"
    assert found.epochs == pytest.approx(found.tokens / 2e10)
    assert found.epochs > 4
    assert found.loss > plan(budget_flops=1e22).loss
    assert any("repeats" in finding.title for finding in found.findings)
    assert plan(budget_flops=1e22, tokens_available=1e15).binding == "budget_flops"


def test_what_is_fixed_stays_and_the_rest_follows():
    sized = plan(budget_flops=1e22, params="7B")
    assert (sized.params, sized.params.is_exact) == (7e9, True)
    assert sized.tokens == pytest.approx(1e22 / 6 / 7e9)
    assert sized.binding == "params"
    fed = plan(target_loss=2.2, tokens="500B")
    assert fed.calibration.law.loss(fed.params, 5e11) == pytest.approx(2.2)
    assert fed.binding == "tokens"


@pytest.mark.parametrize("name", [row["name"] for row in records("laws")])
def test_every_published_law_plans(name):
    found = plan(budget_flops=1e22, law=name)
    assert abs(found._shape_params / found.params - 1) < 0.02


@given(log=st.floats(min_value=15, max_value=29))
@settings(max_examples=25)
def test_the_proposed_shape_is_within_two_percent(log):
    found = plan(budget_flops=10**log)
    assert abs(found.shape.params / found.params - 1) < 0.02


def test_extrapolation_is_said_and_widens_the_loss():
    near, far = plan(budget_flops=1e21), plan(budget_flops=1e26)
    assert not any("beyond" in finding.title for finding in near.findings)
    assert any("beyond" in finding.title for finding in far.findings)
    assert far.loss.high / far.loss.low > near.loss.high / near.loss.low


def test_dictionary_and_frame_round_trip_through_json():
    found = plan(budget_usd="$2M", cluster=Cluster.parse("256x h100").at(price="spot", utilisation=0.4))
    record = json.loads(json.dumps(found.to_dict()))
    again = Plan.from_dict(record)
    assert again.to_dict() == found.to_dict()
    frame = found.to_frame()
    assert frame.loc["loss", "low"] == record["loss"]["low"]
    assert float(frame.loc["params", "value"]) == record["params"]["value"]


def test_the_notebook_draws_the_plan_and_its_figure():
    found = plan(budget_flops=1e22)
    assert "<table>" in found._repr_html_()
    figure = found.figure()
    assert len(figure.data) == 4
    assert figure.layout.xaxis.type == "log"


def test_the_frontier_passes_through_the_plan():
    found = plan(budget_flops=1e22)
    frontier = found.frontier(points=3)
    assert frontier["loss"].iloc[1] == pytest.approx(float(found.loss))
    assert frontier["loss"].is_monotonic_decreasing


def test_plans_are_compared_side_by_side():
    table = compare(plan(budget_flops=1e21), plan(budget_flops=1e22)).to_frame()
    assert table.shape[1] == 2
    with pytest.raises(InputError, match="two or more"):
        compare(plan(budget_flops=1e21))


@pytest.mark.parametrize(
    ("inputs", "error", "match"),
    [
        ({}, InputError, "No goal"),
        ({"budget_flops": 1e22, "budget_usd": "2M"}, InputError, "budget_flops and budget_usd"),
        ({"budget_flops": -1}, InputError, "positive"),
        ({"budget_usd": math.nan}, InputError, "no finite number"),
        ({"budget_gpu_hours": "12 GPU years"}, InputError, "GPU time"),
        ({"budget_flops": 1e3}, InfeasiblePlan, "less than any sensible"),
        ({"budget_flops": "1e31"}, InfeasiblePlan, "beyond anything"),
        ({"budget_flops": 1e12}, InfeasiblePlan, "smaller than any sensible"),
        ({"budget_usd": "1e40", "cluster": "h100"}, InfeasiblePlan, "beyond anything"),
        ({"budget_flops": 1e22, "law": "hofmann-2022"}, UnknownName, "Did you mean"),
        ({"budget_usd": "2M", "cluster": "256x h10O"}, UnknownName, "Did you mean"),
        ({"target_model": "llama-9"}, UnknownName, "Did you mean"),
        ({"target_model": "evo-2-40b"}, InputError, "reads dna"),
        ({"budget_flops": 1e22, "law": "chinchilla"}, UnknownName, "Did you mean 'besiroglu-2024'"),
        ({"target_model": "mistral-7b-v0.1"}, InputError, "without its number of training tokens"),
        ({"days": 30}, InputError, "needs a cluster"),
        ({"target_loss": 1.5}, InfeasiblePlan, "stays above"),
        ({"target_loss": 2.1, "params": "1B"}, InfeasiblePlan, "cannot be met"),
        ({"target_loss": 2.1, "tokens": "1B"}, InfeasiblePlan, "cannot be met"),
        ({"budget_flops": 1e22, "params": "1B", "tokens": "1B"}, InputError, "leaves nothing"),
        ({"budget_flops": 1e20, "params": "7B", "inference_tokens": "1e13"}, InfeasiblePlan, "cannot be met"),
        ({"budget_flops": 1e22, "law": "kaplan-2020", "tokens_available": 1e9}, InputError, "repeated tokens"),
    ],
)
def test_bad_input_says_what_and_how_to_mend(inputs, error, match):
    with pytest.raises(error, match=match) as caught:
        plan(**inputs)
    assert isinstance(caught.value, PlannerError)
    assert caught.value.mend


def test_less_text_never_makes_a_model_easier_to_match():
    flops = [plan(target_model="llama-3.1-8b", tokens_available=tokens).flops for tokens in ("1T", "200B", "100B")]
    assert flops == sorted(flops)
    with pytest.raises(InfeasiblePlan, match="stays above"):
        plan(target_model="llama-3.1-8b", tokens_available="20B")


@pytest.mark.parametrize(
    "inputs",
    [
        {"budget_flops": 1e22, "tokens_available": 1000},
        {"budget_usd": 1e-5, "cluster": "h100"},
        {"target_loss": 15},
    ],
)
def test_a_loss_of_guessing_is_no_plan(inputs):
    with pytest.raises(InfeasiblePlan, match="guessing"):
        plan(**inputs)


def test_serving_that_eats_the_budget_is_named():
    with pytest.raises(InfeasiblePlan, match="inference_tokens"):
        plan(budget_flops=1e18, inference_tokens="1000T")


def test_worthless_repeats_come_with_the_compute_that_would_do():
    found = plan(budget_usd="2M", cluster="256x h100", tokens_available="1B")
    assert any("within 1 % of this loss" in finding.title for finding in found.findings)


def test_the_frontier_keeps_what_is_fixed():
    found = plan(budget_flops=1e22, params="1B")
    frontier = found.frontier(points=3)
    assert (frontier["params"] == 1e9).all()
    assert frontier["loss"].iloc[1] == pytest.approx(float(found.loss))


def test_money_kept_for_serving_is_shown():
    rows = {row.key: row.value for row in plan(budget_usd="2M", inference_tokens="2T", cluster="256x h100").rows()}
    assert rows["usd"] + rows["serving_usd"] == pytest.approx(2e6)


def test_an_uncertain_price_survives_the_round_trip():
    cluster = Cluster.parse("8x h100").at(price=Estimate(3.0, 2.0, 5.0), utilisation=Estimate(0.3, 0.2, 0.4))
    found = plan(budget_usd="100k", cluster=cluster)
    assert Plan.from_dict(json.loads(found.to_json())).to_dict() == found.to_dict()


def test_numbers_of_any_kind_become_json():
    json.loads(plan(budget_flops=np.int64(10**18)).to_json())
    json.loads(plan(budget_flops=np.float32(1e18)).to_json())


def test_plans_with_one_goal_are_told_apart():
    table = compare(plan(budget_flops=1e22), plan(budget_flops=1e22, law="hoffmann-2022")).to_frame()
    assert table.columns.is_unique


@pytest.mark.parametrize(("cluster", "words"), [("8x h100", "years"), ("10000000x h100", "cannot share")])
def test_runs_of_absurd_length_are_said(cluster, words):
    texts = " ".join(str(finding) for finding in plan(budget_usd="2M", cluster=cluster).findings)
    assert words in texts


@pytest.mark.parametrize("draws", [20, 300])
def test_a_fit_with_any_number_of_draws_plans(draws):
    law = fit(load_runs("cpu-python-stdlib"), draws=draws)
    found = plan(budget_usd="$1", cluster="h100", law=law)
    assert found.params.low < found.params < found.params.high


@pytest.mark.parametrize("goal", [{"budget_usd": 2e6}, {"budget_gpu_hours": 1e5}, {"days": 30}, {"budget_flops": 1e22}])
def test_a_plan_uses_its_cluster_as_well_as_its_own_model_would(goal):
    """Utilisation depends on the model, and with money or time as the goal the model on utilisation."""
    found = plan(cluster="256x h100", **goal)
    assert found.cluster is not None
    again = found.cluster.training(active_params=found.params, tokens=found.tokens)
    assert found.cluster.utilisation == pytest.approx(again.utilisation, rel=1e-9)
    assert found.gpu_hours * found.cluster.utilisation * 989.4e12 * 3600 == pytest.approx(found.flops, rel=1e-6)


def test_a_plan_made_again_keeps_the_factors_of_its_utilisation():
    found = plan(budget_usd=2e6, cluster=Cluster("h100", 256, mfu=0.4, precision="bf16"))
    again = type(found).from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.params == found.params
    assert again.cluster is not None
    assert (again.cluster.mfu, again.cluster.precision) == (0.4, "bf16")
    assert {"mfu", "goodput", "utilisation"} <= set(found.to_frame().index)
