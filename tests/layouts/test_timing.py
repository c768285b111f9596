"""Time lost to links and to work done twice, reckoned by hand."""

from dataclasses import replace

import pytest

from planner.constants import constant
from planner.hardware import Accelerator
from planner.layouts import Split
from planner.layouts.links import Links, links_of
from planner.layouts.timing import timing_of
from planner.transformer import shape_of

SHAPE = shape_of("llama-3.1-70b")
H100 = Accelerator.of("h100")
REACHED = constant("layouts", "link_efficiency").value
ALONE = Split(data=1, tensor=1, pipeline=1, chunks=1, sharding=0, micro_batch=1, micro_batches=4, recomputation=1)


def test_links_are_half_of_what_both_ways_carry_together() -> None:
    """H100: 900 GB/s of NVLink both ways among 8, 400 Gbit/s beyond."""
    assert links_of(H100) == Links(8, 450e9 * REACHED, 50e9 * REACHED)
    assert links_of(Accelerator.of("gb200")).domain == 72
    cards = links_of(Accelerator.of("rtx-4090"))
    assert (cards.domain, cards.inside) == (8, 32e9 * REACHED)


def test_copies_in_one_domain_share_the_way_out() -> None:
    links = Links(8, 450.0, 50.0)
    assert links.between_copies(1, 8) == 450
    assert links.between_copies(8, 2) == 50
    assert links.between_copies(2, 64) == 200
    assert links.between_copies(1, 64) == 400


@pytest.mark.parametrize(("again", "sums"), [(0, 4), (1, 4), (2, 6)])
def test_tensor_parallelism_sums_activations_four_times_a_layer(again: int, sums: int) -> None:
    split = replace(ALONE, tensor=8, recomputation=again)
    moved = 4 * 80 * sums * 2 * 7 / 8 * 2 * 4096 * 8192
    assert timing_of(SHAPE, split, H100, links_of(H100), 4096).links == pytest.approx(moved / links_of(H100).inside)


def test_gradients_hide_behind_the_last_backward_pass() -> None:
    split, slow = replace(ALONE, data=16), Links(8, 1e9, 1e9)
    timing = timing_of(SHAPE, split, H100, slow, 4096)
    turn = (timing.arithmetic + timing.recomputation) / 4
    assert timing.links == pytest.approx(6 * SHAPE.params * 15 / 16 / 1e9 - 2 / 3 * turn)
    assert timing_of(SHAPE, split, H100, Links(8, 1e13, 1e13), 4096).links == 0


def test_collected_weights_hide_behind_each_micro_batch() -> None:
    split, slow = replace(ALONE, data=16, sharding=3), Links(8, 1e9, 1e9)
    timing = timing_of(SHAPE, split, H100, slow, 4096)
    turn = (timing.arithmetic + timing.recomputation) / 4
    assert timing.links == pytest.approx(4 * (8 * SHAPE.params * 15 / 16 / 1e9 - turn))
    assert timing_of(SHAPE, split, H100, Links(8, 1e13, 1e13), 4096).links == 0


def test_full_recomputation_adds_a_third() -> None:
    timing = timing_of(SHAPE, replace(ALONE, recomputation=2), H100, links_of(H100), 4096)
    assert timing.recomputation == pytest.approx(timing.arithmetic / 3)
    assert timing.overhead == pytest.approx(4 / 3)
    selective = timing_of(SHAPE, ALONE, H100, links_of(H100), 4096).recomputation
    assert 0 < selective < 0.1 * timing.recomputation
