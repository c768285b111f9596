"""Refreshing: what is taken, what is refused, and that the old prices survive every refusal."""

import csv
import os
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from planner import catalog
from planner.costing import price_list, refresh, reset
from planner.errors import DataError, InputError, MissingExtra, UnknownName
from planner.hardware import Cluster
from planner.hardware.prices import vms
from planner.hardware.prices.checking import flaws
from planner.hardware.prices.keeping import COLUMNS, kept_at

TODAY = date(2026, 11, 21)
HEAD = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuInfo,SpotPrice"
LINES = (
    "p5.48xlarge,H100,8.0,192,2048,47.2,us-east-1,{},20.0",
    "p5.48xlarge,H100,8.0,192,2048,47.2,us-east-1,{},22.0",
    "p4de.24xlarge,A100-80GB,8.0,96,1152,27.4472,us-east-1,{},",
    "m5.large,,,2,8,0.1,us-east-1,,0.03",
    "p4d.24xlarge,A100,8,96,1152,21.96,us-east-1,{},11.2",
    "p6-b200.48xlarge,B200,8,192,2048,113.93,us-east-1,{},28.0",
    "g5.48xlarge,A10G,8,192,768,16.29,us-east-1,{},6.5",
    "g6.48xlarge,L4,8,192,768,13.35,us-east-1,{},5.3",
    "p3.16xlarge,V100,8,64,488,24.48,us-east-1,{},8.0",
    "p3dn.24xlarge,V100-32GB,8,96,768,31.2,us-east-1,{},10.0",
)
"""All of AWS but H200 and B300."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "planner" / "prices.csv"


def written(path: Path, *lines: str, head: str = HEAD, on: date = TODAY) -> str:
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    seconds = (on - date(1970, 1, 1)).days * 86400 + 43200
    os.utime(path, (seconds, seconds))
    return str(path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vms.csv"


def test_a_file_becomes_the_prices_in_use_and_every_basis_says_so(file: Path, home: Path) -> None:
    before = Cluster("h100", price="aws")
    changes = refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    assert home.is_file()
    cluster = Cluster("h100", price="aws")
    assert cluster.price == pytest.approx(47.2 / 8)
    assert cluster.price_basis == "AWS on-demand, us-east-1, 2026-11, prices that you refreshed"
    assert before.price == 6.88
    found = {change.key: change for change in changes.changes}
    assert found["h100-sxm5-80", "AWS", "on-demand"].words == "down 14.2 % from $6.88"
    assert found["h100-sxm5-80", "AWS", "spot"].after == pytest.approx(21 / 8)
    assert found["a100-sxm4-80", "AWS", "on-demand"].kind == "unchanged"
    assert found["h200-sxm-141", "AWS", "on-demand"].kind == "gone"
    assert "refreshed" in str(price_list(today=TODAY))


def test_what_a_catalogue_does_not_list_stays(file: Path) -> None:
    """Commitments, other providers, and older months of what is still listed."""
    three_years, lambda_ = Cluster("h100", price="3-year").price, Cluster("h100", price="lambda").price
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    assert Cluster("h100", price="3-year").price == three_years
    assert Cluster("h100", price="lambda").price == lambda_
    assert Cluster("h100", price="aws", when="2026-08").price == 6.88


def test_what_a_provider_no_longer_lists_is_gone(file: Path) -> None:
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    assert "AWS" not in Cluster("h200").price_basis
    assert Cluster("b300").price is None


def test_reset_goes_back(file: Path, home: Path) -> None:
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    assert reset().removed
    assert not home.exists()
    assert Cluster("h100", price="aws").price == 6.88
    assert not reset().removed


def test_a_second_refresh_changes_nothing(file: Path, home: Path) -> None:
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    first = home.read_text("utf-8")
    again = refresh(from_file=str(file), providers=["aws"], today=TODAY)
    assert {change.kind for change in again.changes} == {"unchanged"}
    assert sorted(home.read_text("utf-8").splitlines()) == sorted(first.splitlines())


def test_prices_that_planner_ships_later_win(file: Path, home: Path) -> None:
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    rows = [row for row in csv.DictReader(home.read_text("utf-8").splitlines()) if row["as_of"] < "2026-09"]
    with home.open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, fieldnames=COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    assert "refreshed" not in Cluster("h100").price_basis


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("p5.48xlarge,H100,8,192,2048,47.2,us-east-1,{},60", "on spot, but"),
        ("p5.48xlarge,H100,8,192,2048,700.0,us-east-1,{},", "nobody knows"),
        ("p5.48xlarge,H100,8,192,2048,0,us-east-1,{},", "nobody knows"),
        ("p5.48xlarge,H100,8,192,2048,4720,us-east-1,{},", "outside"),
        ("p5.48xlarge,H100,8,192,2048,0.4,us-east-1,{},", "outside"),
        ("p5.48xlarge,H100,8,192,2048,-47,us-east-1,{},", "outside"),
        ("p5.48xlarge,H100,8,192,2048,€47,us-east-1,{},", "not in US dollars"),
        ("p5.48xlarge,H100,8,192,2048,inf,us-east-1,{},", "no price"),
        ("p5.48xlarge,H100,8,192,2048,cheap,us-east-1,{},", "no price"),
        ("p5.48xlarge,H100,many,192,2048,47,us-east-1,{},", "no count"),
    ],
    ids=lambda text: text[:60],
)
def test_one_bad_price_keeps_all_old_ones(file: Path, home: Path, line: str, said: str) -> None:
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    before = home.read_bytes()
    with pytest.raises(DataError, match=said) as caught:
        refresh(from_file=written(file, *LINES[2:], line), providers=["aws"], today=TODAY)
    assert caught.value.mend
    assert home.read_bytes() == before
    assert list(home.parent.iterdir()) == [home]


def test_a_sentinel_hidden_among_zones_is_found(file: Path) -> None:
    other = "p5.48xlarge,H100,8,192,2048,700.0,us-east-1,{},"
    with pytest.raises(DataError, match="nobody knows"):
        refresh(from_file=written(file, *LINES, other), providers=["aws"], today=TODAY)


def test_files_that_are_no_price_tables_are_refused(file: Path, tmp_path: Path) -> None:
    def refused(said: str, path: str) -> None:
        with pytest.raises(DataError, match=said) as caught:
            refresh(from_file=path, providers=["aws"], today=TODAY)
        assert caught.value.mend
        assert not kept_at().exists()

    refused("no file", str(tmp_path / "nothing.csv"))
    refused("lacks the columns AcceleratorName", written(file, "1,2", head="InstanceType,Price"))
    refused("is in EUR", written(file, LINES[0] + ",EUR", head=HEAD + ",Currency"))
    refused("prices no accelerator", written(file, LINES[3]))
    refused("prices no accelerator", written(file, LINES[0].replace("p5.48xlarge", "")))
    refused("older|those in use", written(file, *LINES, on=date(2026, 1, 5)))
    file.write_bytes(b"\xff\xfe\x00\x01" * 20)
    refused("no text table", str(file))
    file.write_bytes(b"")
    refused("lacks the columns", str(file))


def test_ten_million_rows_are_refused_before_they_are_parsed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: Any) -> Any:
        raise AssertionError("the table was parsed")

    monkeypatch.setattr(vms, "_offers", parsed)
    with file.open("wb") as table:
        table.truncate(600_000_000)
    with pytest.raises(DataError, match="far too large"):
        refresh(from_file=str(file), providers=["aws"], today=TODAY)
    monkeypatch.setattr(vms, "MOST_ROWS", 1000)
    with pytest.raises(DataError, match="more than 1,000 rows"):
        refresh(from_file=written(file, *["a,b"] * 2000), providers=["aws"], today=TODAY)


def test_a_file_is_of_one_provider(file: Path) -> None:
    for providers in ([], ["aws", "gcp"]):
        with pytest.raises(InputError, match="one provider"):
            refresh(from_file=written(file, *LINES), providers=providers, today=TODAY)


def test_damaged_prices_of_the_user_are_an_error_with_a_way_out(file: Path, home: Path) -> None:
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    home.write_text("accelerator,price\nh100,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="reset"):
        Cluster("h100")
    reset()
    assert Cluster("h100").price == 3.99


def test_a_crash_while_writing_leaves_the_old_prices(file: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    before = home.read_bytes()

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        refresh(from_file=written(file, *LINES[1:]), providers=["aws"], today=TODAY)
    assert home.read_bytes() == before
    assert list(home.parent.iterdir()) == [home]


def test_a_folder_that_cannot_be_written_is_said(file: Path, home: Path) -> None:
    home.parent.parent.write_text("in the way", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be kept") as caught:
        refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    assert "XDG_DATA_HOME" in caught.value.mend
    assert Cluster("h100").price == 3.99


def test_the_shipped_prices_pass_the_check() -> None:
    assert flaws(catalog.records("prices")) == []


def refused_keeping_the_old(home: Path, said: str, path: str) -> None:
    before = home.read_bytes() if home.exists() else None
    with pytest.raises(DataError, match=said) as caught:
        refresh(from_file=path, providers=["aws"], today=TODAY)
    assert caught.value.mend
    assert (home.read_bytes() if home.exists() else None) == before


def test_a_catalogue_that_is_cut_off_is_refused(file: Path, home: Path) -> None:
    """AWS has 10 shipped accelerators, each on demand and on spot."""
    refused_keeping_the_old(home, "9 of 10 accelerators of AWS are gone", written(file, LINES[2]))
    refused_keeping_the_old(home, "9 of 10 accelerators", written(file, *LINES[:2]))
    without_spot = [line.rpartition(",")[0] + "," for line in LINES]
    refused_keeping_the_old(home, "10 of 10 spot prices of AWS are gone", written(file, *without_spot))
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    refused_keeping_the_old(home, "6 of 8 accelerators", written(file, *LINES[:3]))


def test_a_price_of_many_times_the_old_one_is_refused(file: Path, home: Path) -> None:
    """A server with 8 A100 listed as one with 2, and an L4 at a sixth of its price."""
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    server = written(file, *LINES[:4], *LINES[5:], "p4d.24xlarge,A100,2,96,1152,21.96,us-east-1,{},")
    refused_keeping_the_old(home, "a100-sxm4-40, AWS, on-demand: .* up 300 %", server)
    cheap = written(file, *LINES[:7], "g6.48xlarge,L4,8,192,768,2.3,us-east-1,{},", *LINES[8:])
    refused_keeping_the_old(home, "l4, AWS, on-demand: .* down", cheap)


def test_a_server_listed_as_one_gpu_is_refused(file: Path, home: Path) -> None:
    alone = "p5.48xlarge,H100,1,192,2048,55.04,us-east-1,{},"
    refused_keeping_the_old(home, "h100-sxm5-80.*is outside", written(file, *LINES[2:], alone))
    refused_keeping_the_old(home, "p5.48xlarge has 8 H100 and 1 H100", written(file, *LINES, alone))


def test_contradictory_rows_for_one_instance_are_refused(file: Path, home: Path) -> None:
    far = "p5.48xlarge,H100,8,192,2048,200.0,{},{{}},"
    refused_keeping_the_old(home, r"elsewhere \$5.90", written(file, *LINES, far.format("eu-west-1")))
    refused_keeping_the_old(home, "47.2 or 200.0", written(file, *LINES, far.format("us-east-1")))
    usual = "p5.48xlarge,H100,8,192,2048,68.8,us-west-1,{},"
    assert refresh(from_file=written(file, *LINES, usual), providers=["aws"], today=TODAY).changes


def test_a_provider_that_nobody_knows_is_refused(file: Path, home: Path) -> None:
    with pytest.raises(UnknownName, match=r"Known: .*aws"):
        refresh(from_file=written(file, *LINES), providers=["foo"], today=TODAY)
    assert not home.exists()


def test_only_what_was_refreshed_says_so(file: Path) -> None:
    refresh(from_file=written(file, *LINES), providers=["aws"], today=TODAY)
    assert "refreshed" not in Cluster("h100", price="marketplace").price_basis
    assert "refreshed" not in Cluster("h100", price="lambda").price_basis
    assert "some of them refreshed by you" in Cluster("h100").price_basis
    assert Cluster("b200", price="aws").price_basis.endswith(", prices that you refreshed")


@dataclass
class Item:
    """What gpuhunt calls a catalogue item, as far as we read it."""

    provider: str
    gpu_name: str
    gpu_memory: float
    instance_name: str
    price: float
    gpu_count: int = 8
    location: str = "us-east-1"
    spot: bool = False


def hunted(monkeypatch: pytest.MonkeyPatch, *items: Item, error: Exception | None = None) -> None:
    """A stand-in for gpuhunt whose catalogue holds `items`."""

    class Catalog:
        def __init__(self, *, auto_reload: bool) -> None:
            assert not auto_reload

        def load(self) -> None:
            if error is not None:
                raise error

        def query(self, *, provider: list[str], min_gpu_count: int) -> list[Item]:
            return [item for item in items if item.provider in provider and item.gpu_count >= min_gpu_count]

    package = ModuleType("gpuhunt")
    package.__dict__.update(Catalog=Catalog, GPUHuntError=RuntimeError)
    monkeypatch.setitem(sys.modules, "gpuhunt", package)


LAMBDA = tuple(
    Item("lambdalabs", name, memory, f"gpu_8x_{name.lower()}", price)
    for name, memory, price in (("H100", 80, 28.0), ("A100", 80, 22.3), ("A100", 40, 15.9), ("B200", 180, 53.5))
)
RUNPOD = tuple(
    Item("runpod", name, memory, f"{name} SXM", price)
    for name, memory, price in (("H100", 80, 28.0), ("A100", 80, 12.0), ("L4", 24, 4.0), ("RTX4090", 24, 6.0))
)


def test_fetched_prices_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    hunted(
        monkeypatch,
        *LAMBDA,
        Item("lambdalabs", "H100", 80, "gpu_1x_h100_pcie", 2.9, gpu_count=1),
        *RUNPOD,
        Item("runpod", "H100", 80, "NVIDIA H100 80GB HBM3", 12.0, spot=True),
        Item("lambdalabs", "GTX1", 4, "old", 1.0),
    )
    changes = refresh(today=TODAY)
    assert changes.as_of == "2026-11"
    assert Cluster("h100", price="lambda").price == 3.5
    assert Cluster("h100-pcie", price="lambda").price == 2.9
    assert {change.key[1] for change in changes.changes} == {"Lambda", "RunPod"}
    assert Cluster("h100", price="aws").price == 6.88


def test_only_the_providers_that_are_named_are_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    hunted(monkeypatch, *LAMBDA, *RUNPOD)
    assert {change.key[1] for change in refresh(providers=["runpod"], today=TODAY).changes} == {"RunPod"}
    with pytest.raises(DataError, match="no prices of nebius"):
        refresh(providers=["nebius"], today=TODAY)
    with pytest.raises(UnknownName, match="lambdalabs"):
        refresh(providers=["lamda"], today=TODAY)


def test_fetched_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    hunted(
        monkeypatch,
        Item("gcp", "H100", 80, "a3-highgpu-8g", 33.6),
        Item("gcp", "H100", 80, "a3-highgpu-8g", 42.7, spot=True),
    )
    with pytest.raises(DataError, match="on spot"):
        refresh(today=TODAY)
    assert not home.exists()


def test_without_network_or_package_the_old_prices_stay(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    for error in (RuntimeError("no provider"), OSError("no route")):
        hunted(monkeypatch, error=error)
        with pytest.raises(DataError, match="could not be fetched") as caught:
            refresh(today=TODAY)
        assert "--from-file" in caught.value.mend
    hunted(monkeypatch)
    with pytest.raises(DataError, match="no prices today"):
        refresh(today=TODAY)
    monkeypatch.setitem(sys.modules, "gpuhunt", None)
    with pytest.raises(MissingExtra, match="prices"):
        refresh(today=TODAY)
    assert not home.exists()


# gpuhunt leaves the file of its catalogue folder open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_gpuhunt_itself_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpuhunt = pytest.importorskip("gpuhunt")
    head = "instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,gpu_vendor"
    chips = (("p5.48xlarge", "H100", 80, 50), ("p4d.24xlarge", "A100", 40, 22), ("p4de.24xlarge", "A100", 80, 27),
             ("p6-b200.48xlarge", "B200", 180, 114), ("g6.48xlarge", "L4", 24, 13.4))  # fmt: skip
    lines = [
        f"{instance},us-east-1,{price * share},192,2048,8,{name},{memory},{share < 1},,nvidia"
        for instance, name, memory, price in chips
        for share in (1, 0.4)
    ]
    table = [head, *lines, "m5,us-east-1,0.1,2,8,0,,,False,,"]
    (tmp_path / "aws.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    monkeypatch.setenv("GPUHUNT_CATALOG_DIR", str(tmp_path))
    monkeypatch.setattr(gpuhunt.Catalog, "load", lambda _: None)
    refresh(providers=["aws"], today=TODAY)
    assert Cluster("h100", price="aws").price == 6.25
