"""What docs/costs.md shows is what the commands print."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from planner.cli import main

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "costs.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n\$ planner (.*?)\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=["gpt-3", "deepseek-v3", "bloomberggpt"])
def test_a_block_shows_lines_that_the_command_prints(command: str, shown: str) -> None:
    printed = CliRunner().invoke(main, shlex.split(command)).stdout.splitlines()
    assert shown.rstrip().splitlines()
    for line in shown.rstrip().splitlines():
        assert line in printed
