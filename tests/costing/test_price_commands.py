"""Price commands: what they print, and how they refuse."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from planner.cli import main


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for package in ("genai_prices", "gpuhunt"):
        monkeypatch.setitem(sys.modules, package, None)


def ran(*words: str) -> Result:
    return CliRunner().invoke(main, ["prices", *words])


def test_prices_are_listed_with_range_and_dates() -> None:
    assert "on-demand, 11 providers, 2026-03 to 2026-09" in ran().stdout
    record = json.loads(ran("--json").stdout)
    assert record["h100-sxm5-80 spot"]["low"] < record["h100-sxm5-80 spot"]["value"]


def test_a_refresh_is_kept_for_the_next_command_until_it_is_reset(tmp_path: Path) -> None:
    file = tmp_path / "vms.csv"
    rows = (
        "p5.48xlarge,H100,8,48,us-east-1,16", "p4d.24xlarge,A100,8,22,us-east-1,11",
        "p6-b200.48xlarge,B200,8,114,us-east-1,28", "g5.48xlarge,A10G,8,16.3,us-east-1,6.5",
        "g6.48xlarge,L4,8,13.4,us-east-1,5.3",
    )  # fmt: skip
    head = "InstanceType,AcceleratorName,AcceleratorCount,Price,Region,SpotPrice"
    file.write_text("\n".join([head, *rows]), encoding="utf-8")
    shown = ran("refresh", "--from-file", str(file), "--provider", "aws")
    assert shown.exit_code == 0
    assert "down 12.8 % from $6.88" in shown.stdout
    words = ["cost", "--params", "7B", "--tokens", "1T", "--price", "aws", "--region", "France"]
    bill = CliRunner().invoke(main, words).stdout
    assert "prices that you refreshed" in bill
    assert "France grid" in bill
    assert "removed" in ran("reset").stdout
    assert "refreshed" not in CliRunner().invoke(main, words).stdout


def test_unit_costs_and_own_hardware_are_priced() -> None:
    own = ran("own", "64x h100", "--price", "lambda").stdout
    assert "Owning is cheaper if busy" in own
    assert "The purchase price is of 2025-03." in own
    assert json.loads(ran("api", "gpt-5", "--requests", "1M", "--json").stdout)["usd"]["value"] == pytest.approx(6250)
    assert "LoRA" in ran("adapt", "--params", "70B", "--price", "2").stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["refresh"], 1, "planner[prices]"), (["refresh", "--from-file", "vms.csv"], 2, "--provider"),
        (["refresh", "--provider", "amazon"], 2, "Known"),
        (["refresh", "--from-file", "x.csv", "--provider", "foo"], 2, "Known"),
        (["own", ""], 2, "names no accelerator"), (["own", "8x tpu-v4"], 2, "Nobody published"),
        (["api", "gpt-99"], 2, "Did you mean"), (["adapt", "--price", "€2"], 2, "not in US dollars"),
    ],
    ids=str,
)  # fmt: skip
def test_bad_input_ends_in_one_line_and_a_mend(words: list[str], code: int, said: str) -> None:
    result = ran(*words)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_an_empty_cluster_is_no_default() -> None:
    result = CliRunner().invoke(main, ["cost", "--params", "7B", "--tokens", "1T", "--cluster", ""])
    assert result.exit_code == 2
    assert "names no accelerator" in result.stderr
