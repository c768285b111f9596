"""Validation: predicted against published, and the worked examples that everybody quotes."""

import json

import pytest
from click.testing import CliRunner

from planner import catalog
from planner.cli import main
from planner.costing import cost
from planner.estimate import Estimate
from planner.hardware import Cluster
from planner.planning.findings import findings_about_run
from planner.validating import validate_costs
from planner.validating.scoring import holds, score


def test_runs_left_out_are_predicted_well() -> None:
    """Each with its parameters, tokens, accelerator, GPUs, month and kind given, and no MFU."""
    found = validate_costs().unseen
    assert found.runs == 63
    assert found.median_factor <= 1.22
    assert found.within_good >= 0.8
    assert found.within_tolerable >= 0.97
    assert 0.75 <= found.held_80 <= 0.88
    assert 0.85 <= found.held_90 <= 0.95


def test_a_run_is_predicted_better_when_it_is_seen() -> None:
    found = validate_costs()
    assert found.seen.within_good >= found.unseen.within_good
    assert all(checked.seen != checked.unseen for checked in found.runs)


def test_a_prediction_from_scratch_is_the_bill_of_that_run() -> None:
    """With all runs known: cost() given what is known beforehand finds the same hours."""
    for checked in validate_costs().runs:
        facts = checked.run.facts
        if checked.run.gpus is None:
            continue
        active = facts.active_params if facts.kind == "moe" else None
        cluster = Cluster(facts.accelerator, checked.run.gpus)
        bill = cost(
            params=checked.run.params, active_params=active, tokens=facts.tokens, cluster=cluster, when=facts.month
        )
        assert bill.gpu_hours == pytest.approx(checked.seen, rel=0.006)


def test_the_sheet_opens_with_the_scores_and_lists_every_run() -> None:
    found = validate_costs()
    lines = str(found).splitlines()
    assert "Median factor of error, left out" in lines[3]
    assert sum("published" in line and "off" in line for line in lines) == 63
    frame = found.to_frame()
    assert len(frame) == 63
    assert frame["held_90"].mean() == pytest.approx(found.unseen.held_90)


def test_the_command_prints_json() -> None:
    result = CliRunner().invoke(main, ["validate-costs", "--json"])
    assert result.exit_code == 0
    record = json.loads(result.output)
    assert record["unseen_median_factor"] < 1.3
    assert len(record["published"]) == 63
    assert {"value", "low", "high", "level"} == set(record["published"][0]["predicted_gpu_hours"])


def test_scores_count_factors_and_intervals() -> None:
    guess = Estimate(100, 50, 200)
    found = score([(guess, 100), (guess, 140), (guess, 170), (guess, 250)])
    assert found.median_factor == pytest.approx(1.55)
    assert (found.within_good, found.within_tolerable, found.held_90) == (0.5, 0.75, 0.75)
    assert found.held_80 == 0.75
    assert holds(guess, 180)
    assert not holds(guess, 180, 0.8)


def test_gpt3_costs_what_lambda_estimated() -> None:
    """3.14e23 FLOPs at 28 TFLOP/s a V100 are 355 GPU-years; at $1.50 an hour $4.6M (Lambda, 2020)."""
    cluster = Cluster("v100", mfu=28 / 125, goodput=1, price=1.5)
    assert cluster.gpu_hours(3.14e23) / 8766 == pytest.approx(355, rel=0.01)
    assert cluster.usd(3.14e23) == pytest.approx(4.6e6, rel=0.02)


def test_deepseek_v3_costs_what_its_paper_says() -> None:
    """arXiv 2412.19437, table 1: 2.788M H800-hours at $2 are $5.576M, 2.664M of them for 14.8T tokens."""
    cluster = Cluster("h800", 2048, price=2)
    whole = cluster.at(utilisation=6 * 37e9 * 14.8e12 / (2.664e6 * 3600 * 989e12))
    assert whole.gpu_hours(6 * 37e9 * 14.8e12) == pytest.approx(2.664e6)
    assert cluster.usd(cluster.flops_in_gpu_hours(2.788e6)) == pytest.approx(5.576e6)


def test_bloomberggpt_took_half_of_the_hours_that_are_quoted() -> None:
    """512 A100 for 53 days are 0.65M GPU-hours; the 1.3M of the paper (arXiv 2303.17564) is its budget.

    At its MFU of .246 (102 TFLOP/s with recomputation) steady steps take 0.625M; goodput makes up the rest.
    """
    flops = 6 * 50.56e9 * 569e9
    steady = Cluster("a100-40", 512, mfu=0.246, goodput=1)
    assert steady.gpu_hours(flops) == pytest.approx(0.625e6, rel=0.01)
    assert steady.at(goodput=0.625 / 0.651).days(flops) == pytest.approx(53, rel=0.01)
    bill = cost(params=50.56e9, tokens=569e9, cluster="512x a100-40", when="2023-03")
    assert bill.gpu_hours.low < 651_264 < bill.gpu_hours.high
    assert bill.gpu_hours.high < 1.3e6


def test_an_mfu_that_nobody_published_is_said_with_the_record() -> None:
    def said(cluster: Cluster) -> list[str]:
        return [f"{finding.title} {finding.because}" for finding in findings_about_run(cluster, Estimate.exact(30))]

    (finding,) = said(Cluster("h100", 64, mfu=0.6))
    assert "60.0 %" in finding
    record = next(row for row in catalog.records("mfu") if row["model"] == "nanochat d20 561M")
    assert record["source"] in finding
    assert said(Cluster("h100", 64, mfu=0.45)) == []
    assert said(Cluster("h100", 64, mfu=0.6, precision="fp8")) == []
    assert "Nobody has published" in said(Cluster("mi300x", 64, mfu=0.4))[0]
