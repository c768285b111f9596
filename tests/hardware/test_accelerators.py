"""Accelerators: their common names, their dense peaks, their sources."""

import re
from itertools import combinations

import pytest

from planner import catalog
from planner.errors import UnknownName
from planner.hardware import Accelerator, Cluster
from planner.hardware.accelerators import squashed

CHIPS = catalog.records("accelerators")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("h100", "h100-sxm5-80"), ("H100", "h100-sxm5-80"), ("NVIDIA H100 SXM5 80GB", "h100-sxm5-80"),
        ("nvidia-h100", "h100-sxm5-80"), ("h100 pcie", "h100-pcie-80"), ("a100", "a100-sxm4-80"),
        ("A100 80GB", "a100-sxm4-80"), ("a100-40", "a100-sxm4-40"), ("v100", "v100-sxm2-32"), ("h200", "h200-sxm-141"),
        ("b200", "b200-sxm-180"), ("gb200", "gb200-186"), ("h800", "h800-sxm5-80"), ("a800", "a800-sxm-80"),
        ("gh200", "gh200-96"), ("mi300x", "mi300x"), ("trn2", "trainium2"), ("tpu v3", "tpu-v3"), ("TPUv4", "tpu-v4"),
        ("4090", "rtx-4090"), ("RTX 4090", "rtx-4090"), ("  l4 ", "l4"), ("gb200 nvl72", "gb200-186"),
        ("gb300", "gb300-nvl72"), ("b300", "b300-sxm-270"), ("h100 nvl", "h100-nvl-94"), ("h20", "h20"),
        ("v6e", "tpu-v6e"), ("trillium", "tpu-v6e"), ("ironwood", "tpu-v7x"), ("a100-pcie", "a100-pcie-80"),
    ],
)  # fmt: skip
def test_common_names_find_their_accelerator(name: str, key: str) -> None:
    assert Accelerator.of(name).key == key


def test_no_name_belongs_to_two_accelerators() -> None:
    names = {row["key"]: {squashed(name) for name in (row["key"], row["name"], *row["aliases"].split(";"))} - {""}
             for row in CHIPS}  # fmt: skip
    for (one, its), (other, others) in combinations(names.items(), 2):
        assert not its & others, f"{one} and {other} share {its & others}"


@pytest.mark.parametrize(
    ("name", "tflops"),
    [("h100", 989.4), ("h200", 989.4), ("h800", 989), ("h100-nvl", 835), ("h100-pcie", 756), ("a100", 312),
     ("v100", 125), ("4090", 165.2), ("3090", 71), ("5090", 209.5), ("l40s", 362), ("l4", 121),
     ("a6000", 154.8), ("b200", 2250), ("mi300x", 1307), ("tpu-v3", 123), ("tpu-v4", 275)],
)  # fmt: skip
def test_peaks_are_dense_and_accumulate_in_fp32(name: str, tflops: float) -> None:
    """Data sheets print twice as much: with structured sparsity (H100 1979) or fp16 accumulation (RTX 4090 330)."""
    assert Accelerator.of(name).flops_per_second == tflops * 1e12


@pytest.mark.parametrize("row", CHIPS, ids=lambda row: row["key"])
def test_every_accelerator_is_plausible_and_sourced(row: dict[str, str]) -> None:
    chip = Accelerator.of(row["key"])
    assert 5e13 < chip.flops_per_second < 3e15
    assert chip.fp8_flops_per_second is None or 1 <= chip.fp8_flops_per_second / chip.flops_per_second <= 4
    assert 10e9 < chip.memory_bytes < 400e9
    assert 1e11 < chip.memory_bytes_per_second < 1e13
    assert chip.power_watts is None or 50 < chip.power_watts < 1500
    assert row["source"]
    assert re.fullmatch(r"20\d\d-\d\d", row["as_of"])


@pytest.mark.parametrize(
    ("name", "fp8", "gigabytes", "domain", "watts"),
    [("h100", 1978.9, 80, 8, 700), ("h100-pcie", 1513, 80, 2, 350), ("h100-nvl", 1671, 94, 2, 400),
     ("gh200", 1978.9, 96, 4, 700), ("gb200", 5000, 186, 72, 1200), ("gb300", 5000, 279, 72, 1400),
     ("b200", 4500, 180, 8, 1000), ("a100-40", None, 40, 8, 400), ("a100-80", None, 80, 8, 400),
     ("a100-pcie", None, 80, 2, 300)],
)  # fmt: skip
def test_variants_are_kept_apart_and_counted_per_chip(
    name: str, fp8: float | None, gigabytes: float, domain: int, watts: float
) -> None:
    """A GB200 superchip is two GPUs and 72 of them share NVLink; PCIe and NVL cards are slower than SXM modules."""
    chip = Accelerator.of(name)
    assert chip.fp8_flops_per_second == (None if fp8 is None else fp8 * 1e12)
    assert (chip.memory_bytes, chip.scaleup_domain, chip.power_watts) == (gigabytes * 1e9, domain, watts)


@pytest.mark.parametrize("row", CHIPS, ids=lambda row: row["key"])
def test_links_are_fastest_within_their_domain(row: dict[str, str]) -> None:
    chip = Accelerator.of(row["key"])
    assert chip.scaleup_domain >= 1
    if chip.scaleup_bytes_per_second and chip.scaleout_bytes_per_second:
        assert chip.scaleout_bytes_per_second < chip.scaleup_bytes_per_second <= 1.8e12


def test_an_unknown_accelerator_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'h100'"):
        Cluster.parse("8x h10O")
