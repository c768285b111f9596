"""Losses to failures: published runs, and the optimum that Young and Daly found."""

import math

import pytest

from planner.costing.failing import lost_to_failures


def test_llama_3_fails_every_three_hours_and_loses_about_a_tenth() -> None:
    """arXiv 2407.21783: 419 unexpected interruptions in 54 days of 16,384 GPUs; more than 90 % effective time."""
    lost = lost_to_failures(16384)
    assert lost.hours_between_failures == pytest.approx(54 * 24 / 419, rel=0.01)
    assert lost.share.low < 0.10 < lost.share.high
    assert lost.share == pytest.approx(0.113, abs=0.002)


def test_small_clusters_lose_little_and_no_cluster_loses_more_than_all() -> None:
    shares = [lost_to_failures(gpus).share for gpus in (1, 8, 1000, 100_000, 10_000_000)]
    assert shares == sorted(shares)
    assert shares[1] < 0.003
    assert all(0 <= share.low <= share <= share.high <= 1 for share in shares)


def test_the_checkpoint_interval_is_the_best_one() -> None:
    lost = lost_to_failures(4096)
    mean = lost.hours_between_failures * 3600

    def overhead(every: float) -> float:
        return 30 / every + every / (2 * mean)

    best = lost.checkpoint_every_seconds
    assert overhead(best) < min(overhead(0.9 * best), overhead(1.1 * best))
    assert overhead(best) == pytest.approx(math.sqrt(2 * 30 / mean))


def test_what_is_assumed_is_said() -> None:
    assert "our assumption" in lost_to_failures(8).basis
