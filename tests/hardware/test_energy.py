"""Energy and carbon: published measurements, and the law that they follow."""

import pytest

from planner.catalog import records
from planner.errors import InputError, UnknownName
from planner.hardware import Accelerator, Cluster
from planner.hardware.accelerators import squashed
from planner.hardware.energy import carbon, factor


def test_reported_energy_and_carbon_of_llama_65b_are_reproduced() -> None:
    """LLaMA paper (arXiv 2302.13971), table 15: 1,022,362 h x 400 W x 1.1 = 449 MWh, x 0.385 = 173 t."""
    kwh = Cluster("a100", 2048).kwh_as_reported(1_022_362)
    assert kwh == pytest.approx(449.8e3, rel=0.005)
    assert kwh * carbon("USA (LLaMA paper)").kg_per_kwh == pytest.approx(173e3, rel=0.005)


@pytest.mark.parametrize(
    ("name", "kwh_per_gpu_hour"), [("v100", 0.362), ("tpu-v3", 0.283 * 1.08), ("tpu-v4", 0.192 * 1.56)]
)
def test_energy_ranges_contain_what_was_published(name: str, kwh_per_gpu_hour: float) -> None:
    """GPT-3 1287 MWh over 3.55M h (Patterson et al. 2021); Gopher 283 W per chip, PUE 1.08; TPU v4 at its 192 W."""
    estimate = Cluster(name).kwh_per_gpu_hour
    assert estimate.low <= kwh_per_gpu_hour <= estimate.high


def test_the_power_of_gopher_is_predicted() -> None:
    """283 W per TPU v3 before cooling, as its paper (arXiv 2112.11446) reports."""
    chip = Accelerator.of("tpu-v3")
    assert Cluster(chip).kwh_per_gpu_hour / factor("pue", chip) == pytest.approx(0.283, rel=0.01)


def test_a_server_takes_more_than_its_chips_but_not_more_than_its_plug() -> None:
    """DGX H100 data sheet: 10.2 kW at most for 8 GPUs of 700 W."""
    estimate = Cluster("h100").kwh_per_gpu_hour
    assert 0.7 < estimate < estimate.high < 10.2 / 8 * 1.25


def test_carbon_is_electricity_times_the_grid() -> None:
    cluster = Cluster("h100", 8)
    assert cluster.kg_co2(1e21) == pytest.approx(cluster.kwh(1e21) * 0.3695)
    assert cluster.kg_co2(1e21, region="france") < cluster.kg_co2(1e21, region="us") < cluster.kg_co2(1e21, region="IN")
    with pytest.raises(UnknownName, match="Did you mean 'France'"):
        cluster.kg_co2(1e21, region="Farnce")


def test_a_chip_without_published_power_has_no_energy() -> None:
    cluster = Cluster("trn1", 16)
    for convert in (cluster.kwh, cluster.kg_co2, cluster.kwh_as_reported, cluster.flops_for_kwh):
        with pytest.raises(InputError, match="not published"):
            convert(1e6)


def test_a_cloud_region_is_its_countrys_grid() -> None:
    names = {"eu-north-1": "Sweden", "europe-west9": "France", "us-east4": "USA", "ap-northeast-1": "Japan"}
    assert {name: carbon(name).basis for name in names} == {name: carbon(land).basis for name, land in names.items()}


def test_no_name_means_two_grids() -> None:
    names = [
        squashed(name) for row in records("carbon") for name in (row["region"], *row["aliases"].split(";")) if name
    ]
    # AWS and Google write some American regions alike.
    twice = {name for name in names if names.count(name) > 1}
    assert all(carbon(name).basis.startswith("USA") for name in twice)
    assert len(set(names)) > 60
