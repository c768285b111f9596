"""Grids: every line is the bill that cost() would find."""

import numpy as np
import pytest

from planner.costing import cost, what_if
from planner.errors import InputError
from planner.hardware import Cluster


def test_every_line_is_a_bill() -> None:
    grid = what_if(
        params="7B", tokens="2T", cluster="64x h100", prices=[2, "$3", "spot"], utilisations=[0.3, "45 %"],
        gpus=[8, 256],
    )  # fmt: skip
    assert len(grid) == 3 * 2 * 2
    for row in grid.itertuples():
        cluster = Cluster("h100", row.gpus, utilisation=row.utilisation, price=row.price)
        bill = cost(params="7B", tokens="2T", cluster=cluster)
        found = (row.gpu_hours, row.days, row.usd, row.programme_usd, row.total_usd)
        assert found == pytest.approx((bill.gpu_hours, bill.days, bill.usd, bill.programme_usd, bill.total_usd))
    assert set(grid["price"]) == {2, 3, float(Cluster("h100", price="spot").price or 0)}


def test_arrays_are_taken() -> None:
    grid = what_if(params="7B", tokens="2T", prices=np.linspace(1, 4, 4), utilisations=np.array([0.3, 0.4]))  # type: ignore[arg-type]
    assert grid["usd"].is_unique
    assert len(grid) == 8


def test_what_is_not_varied_is_the_clusters_own() -> None:
    grid = what_if(params="671B", active_params="37B", tokens="1T", cluster="2048x h800", prices=[2])
    bill = cost(params="671B", active_params="37B", tokens="1T", cluster="2048x h800", price=2)
    assert grid["usd"].tolist() == pytest.approx([bill.usd])
    assert grid["gpus"].tolist() == [2048]


def test_a_predicted_utilisation_follows_the_size_of_the_cluster() -> None:
    grid = what_if(params="7B", tokens="2T", cluster="8x h100", prices=[2, 3], gpus=[8, 4096])
    for row in grid.itertuples():
        bill = cost(params="7B", tokens="2T", cluster=f"{row.gpus:g}x h100", price=row.price)
        assert (row.utilisation, row.usd) == pytest.approx((bill.cluster.utilisation, bill.usd))


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"prices": [0]}, "positive"), ({"prices": ["€2"]}, "not in US dollars"),
        ({"utilisations": [1.2]}, "at most 1"),
        ({"gpus": [1.5]}, "whole number"), ({"gpus": [0]}, "positive"),
        ({"prices": [2] * 4000, "utilisations": [0.3] * 4000}, "ten million"),
    ],
    ids=str,
)  # fmt: skip
def test_bad_values_are_refused(axes: dict[str, list[float | str]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        what_if(params="7B", tokens="1T", **axes)  # type: ignore[arg-type]


def test_without_a_price_there_is_no_grid() -> None:
    with pytest.raises(InputError, match="has no"):
        what_if(params="7B", tokens="1T", cluster="8x gaudi3", utilisations=[0.3])


@pytest.mark.parametrize("bad", [2.5, "spot", iter([1.0])])
def test_what_is_varied_is_a_list(bad: object) -> None:
    with pytest.raises(InputError, match="prices must be a list"):
        what_if(params="7B", tokens="2T", prices=bad)  # type: ignore[arg-type]


def test_an_empty_cluster_is_refused() -> None:
    with pytest.raises(InputError, match="names no accelerator"):
        what_if(params="7B", tokens="2T", cluster="")


def test_a_bill_tells_its_mfu_and_price() -> None:
    bill = cost(params="7B", tokens="2T", cluster=Cluster("h100", 64, mfu=0.4, price=2))
    assert bill.mfu == 0.4
    assert bill.price == 2
