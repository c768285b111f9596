import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import DataError, InputError, UnknownName
from planner.runs import load_runs

GOOD = pd.DataFrame(
    {
        "params": [1e6, 2e6, 4e6],
        "params_non_embedding": [8e5, 1.7e6, 3.6e6],
        "tokens": [1e8, 2e8, 4e8],
        "loss": [4.0, 3.5, 3.2],
    }
)


@given(st.floats(1, 20))
def test_units_of_loss_are_inverse(bytes_per_token):
    runs = load_runs(GOOD)
    there = runs.in_unit("bits/byte", bytes_per_token)
    assert there.loss_unit == "bits/byte"
    assert there.column("loss") == pytest.approx(runs.column("loss") / math.log(2) / bytes_per_token)
    assert there.in_unit("nats/token").column("loss") == pytest.approx(runs.column("loss"), rel=1e-14)


def test_one_bit_per_byte_of_bytes_is_ln_2_nats():
    one = load_runs(GOOD.assign(loss=math.log(2))).in_unit("bits/byte", 1)
    assert one.column("loss") == pytest.approx([1, 1, 1], rel=1e-15)


def test_errors_of_the_loss_are_converted_with_it():
    there = load_runs(GOOD.assign(loss_error=[0.04, 0.035, None])).in_unit("bits/byte", 4)
    assert (there.column("loss_error") / there.column("loss"))[:2] == pytest.approx([0.01, 0.01])


def test_bytes_per_token_come_from_an_argument_a_column_or_both_losses():
    wanted = load_runs(GOOD).in_unit("bits/byte", "4.2").column("loss")
    both = GOOD.assign(bits_per_byte=GOOD["loss"] / math.log(2) / 4.2)
    for runs in (load_runs(GOOD, bytes_per_token=4.2), load_runs(GOOD.assign(bytes_per_token=4.2)), load_runs(both)):
        assert runs.in_unit("bits/byte").column("loss") == pytest.approx(wanted)


def test_each_tokenizer_has_its_own_bytes_per_token():
    runs = load_runs(GOOD.assign(bytes_per_token=[3.0, 4.0, 5.0]))
    assert runs.column("loss") / runs.in_unit("bits/byte").column("loss") / math.log(2) == pytest.approx([3, 4, 5])


def test_our_own_sweep_has_a_byte_per_token():
    runs = load_runs("cpu-python-stdlib").in_unit("bits/byte")
    assert runs.column("loss") == pytest.approx(runs.column("bits_per_byte"))
    assert runs.column("bytes_per_token") == pytest.approx(np.ones(26))


@pytest.mark.parametrize(
    ("changes", "given", "match"),
    [
        ({}, None, "bytes per token are unknown"),
        ({"bytes_per_token": [4.0, None, 4.0]}, None, "unknown for row 1"),
        ({"bytes_per_token": 4.0}, 5, "4.00 bytes by one statement and 5.00 bytes by another"),
        ({"bits_per_byte": [1.0, 0.875, 0.4]}, None, "A token of row 2"),
        ({"bits_per_byte": [1.0, 0.875, 0.8]}, 4.2, "A token of rows 0, 1, 2"),
        ({"bits_per_byte": [1.0, 0.875, 0.8], "bytes_per_token": [5.77, 5.77, 4.0]}, None, "A token of row 2"),
    ],
)
def test_a_loss_is_not_converted_on_doubtful_grounds(changes, given, match):
    with pytest.raises(DataError, match=match) as caught:
        load_runs(GOOD.assign(**changes)).in_unit("bits/byte", given)
    assert caught.value.mend


def test_unknown_conventions_are_refused():
    runs = load_runs(GOOD)
    with pytest.raises(UnknownName, match="unit of loss"):
        runs.in_unit("bpb")
    with pytest.raises(UnknownName, match="way of counting"):
        runs.counted("active")
    with pytest.raises(InputError, match="a byte or more"):
        runs.in_unit("bits/byte", 0.2)


def test_ways_of_counting_are_inverse():
    runs = load_runs(GOOD)
    there = runs.counted("non_embedding")
    assert there.column("params") == pytest.approx(GOOD["params_non_embedding"])
    assert there.column("flops") == pytest.approx(6 * GOOD["params_non_embedding"] * GOOD["tokens"])
    back = there.counted("total")
    for name in ("params", "params_non_embedding", "flops", "loss"):
        assert back.column(name) == pytest.approx(runs.column(name), rel=1e-15)


def test_measured_flops_stay_when_parameters_are_counted_otherwise():
    there = load_runs(GOOD.assign(flops=[7e14, None, 1e16])).counted("non_embedding")
    assert there.column("flops") == pytest.approx([7e14, 6 * 1.7e6 * 2e8, 1e16])


def test_a_count_that_no_column_has_is_refused():
    with pytest.raises(DataError, match="no column params_non_embedding"):
        load_runs(GOOD.drop(columns="params_non_embedding")).counted("non_embedding")
    with pytest.raises(DataError, match="empty in row 1"):
        load_runs(GOOD.assign(params_non_embedding=[8e5, None, 3.6e6])).counted("non_embedding")


@pytest.mark.parametrize(
    ("flops", "rule"),
    [
        ([1e15] * 3, "measured"),
        ([None] * 3, "6ND"),
        ([1e15, None, None], "measured for 1 of 3 runs, 6ND for the others"),
    ],
)
def test_the_result_states_how_flops_were_obtained(flops, rule):
    runs = load_runs(GOOD.assign(flops=flops))
    assert runs.flops_rule == rule
    assert runs.to_dict()["flops_rule"] == rule
    assert rule in str(runs)


def test_a_frame_that_is_loaded_again_is_what_it_was():
    for runs in (load_runs(GOOD), load_runs(GOOD.assign(flops=[1e15, None, 1e16]))):
        once = runs.in_unit("bits/byte", 4.2).counted("non_embedding")
        again = load_runs(once.frame)
        assert again.to_dict() == once.to_dict()
        assert again.counted("total").in_unit("nats/token").column("loss") == pytest.approx(runs.column("loss"))


def test_frames_in_two_units_do_not_mix():
    runs = load_runs(GOOD)
    with pytest.raises(DataError, match="holds several: bits/byte, nats/token"):
        load_runs(pd.concat([runs.frame, runs.in_unit("bits/byte", 4.2).frame]))


def test_runs_without_weight_or_trunk_stand_for_themselves():
    runs = load_runs(GOOD)
    assert runs.weights.tolist() == [1, 1, 1]
    assert len(set(runs.trunks)) == 3


@pytest.mark.parametrize("trunk", [["a", None, "a "], [3, None, 3], ["a", "", "a"]])
def test_runs_of_one_trunk_share_a_number(trunk):
    first, second, third = load_runs(GOOD.assign(trunk=trunk)).trunks
    assert first == third != second


def test_rows_are_named_as_the_source_numbers_them(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text("params,tokens,loss,status\n1e6,1e8,4,ok\n\n1e6,1e8,4,crashed\n2e6,1e8,4,ok\n")
    runs = load_runs(path)
    assert runs.named([0, 1]) == "rows 2, 5"
    assert runs.named(np.array([1])) == "row 5"
    many = load_runs(pd.concat([GOOD] * 5, ignore_index=True))
    assert many.named(np.arange(15)) == "rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 5 more"
