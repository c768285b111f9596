"""The README is followed word for word."""

import re
import shlex
import shutil
from pathlib import Path

from click.testing import CliRunner

from planner.cli import main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


def test_the_first_example_prints_what_it_shows():
    (block,) = blocks("console")
    command, _, shown = block.partition("\n")
    result = CliRunner().invoke(main, shlex.split(command.removeprefix("$ planner ")))
    assert result.stdout.rstrip() == shown.rstrip()


def test_the_notebook_lines_run():
    (block,) = blocks("python")
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert {"choice", "bill", "law", "mine"} <= set(names)


def test_every_planner_command_does_its_work(tmp_path, monkeypatch):
    # The sweep that stands for "mine" is one of ours.
    shutil.copy(ROOT / "data" / "runs" / "cpu-python-stdlib.csv", tmp_path / "mine.csv")
    monkeypatch.chdir(tmp_path)
    commands = [line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    ours = [shlex.split(line)[1:] for line in commands if line.startswith("planner ")]
    assert len(ours) >= 5
    for arguments in ours:
        assert CliRunner().invoke(main, arguments).exit_code == 0, arguments
