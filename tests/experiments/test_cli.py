from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from experiments import run_sweep as run_sweep_module
from experiments.__main__ import run_main
from experiments.run_sweep import cores, run_sweep
from experiments.sweeps import load_sweep
from planner.runs import load_runs


class Shell:
    """Runs the command in this process and keeps its exit code and what it said."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capture = patch, capture
        self.out = self.err = ""

    def __call__(self, *words: object) -> int:
        self._patch.setattr(sys, "argv", ["experiments", *map(str, words)])
        code = 0
        try:
            run_main()
        except SystemExit as done:
            code = int(done.code or 0)
        self.out, self.err = self._capture.readouterr()
        assert "Traceback" not in self.err
        return code


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.setattr(run_sweep_module, "PROBE_SECONDS", 0.0)
    return Shell(monkeypatch, capsys)


@pytest.fixture(scope="module")
def done(tiny_file: Path, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished tiny sweep."""
    folder = tmp_path_factory.mktemp("done")
    run_sweep(load_sweep(str(tiny_file)), text, out=folder, backend="serial")
    return folder


@pytest.mark.parametrize("command", [[], ["plan"], ["run"], ["status"], ["export"]])
def test_help_teaches_with_examples(shell: Shell, command: list[str]) -> None:
    assert shell(*command, "--help") == 0
    assert "python -m experiments" in shell.out


def test_plan_states_runs_compute_and_time_and_writes_nothing(
    shell: Shell, tiny_file: Path, text: Path, tmp_path: Path
) -> None:
    assert shell("plan", tiny_file, "--corpus", text, "--out", tmp_path / "none") == 0
    for said in ("Runs to do", "FLOPs", "Estimated time", "Text to train on"):
        assert said in shell.out
    assert not (tmp_path / "none").exists()


def test_plan_counts_only_what_is_missing(shell: Shell, tiny_file: Path, text: Path, done: Path) -> None:
    assert shell("plan", tiny_file, "--corpus", text, "--out", done, "--json") == 0
    plan = json.loads(shell.out)
    assert (plan["recorded"], plan["runs"], plan["flops"], plan["seconds"]) == (6, 0, 0, 0)
    assert shell("plan", tiny_file, "--corpus", text, "--workers", 1, "--json") == 0
    plan = json.loads(shell.out)
    assert (plan["recorded"], plan["runs"], len(plan["table"])) == (0, 6, 6)
    assert plan["flops"] < sum(run["flops"] for run in plan["table"])
    assert 0 < plan["seconds"] < 100


def test_run_tells_each_run_and_sums_up(shell: Shell, tiny_file: Path, text: Path, tmp_path: Path) -> None:
    assert shell("run", tiny_file, "--corpus", text, "--out", tmp_path, "--backend", "serial") == 0
    assert "; 5 to go" in shell.err
    assert "Runs finished" in shell.out
    assert "Next: python -m experiments export" in shell.out


def test_run_can_speak_json(shell: Shell, tiny_file: Path, text: Path, done: Path) -> None:
    assert shell("run", tiny_file, "--corpus", text, "--out", done, "--json") == 0
    assert shell.err == ""
    said = json.loads(shell.out)
    assert (said["finished"], said["failed"], len(said["table"])) == (6, 0, 6)


def test_status_needs_only_the_folder(shell: Shell, done: Path) -> None:
    assert shell("status", "--out", done) == 0
    assert shell.out.count(" ok") == 6
    assert shell("status", "--out", done, "--json") == 0
    assert json.loads(shell.out)["finished"] == 6


def test_plan_and_run_warn_of_text_that_repeats_itself(shell: Shell, tiny_file: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the same sentence again and again. " * 60_000)
    words = [tiny_file, "--corpus", tmp_path / "a.txt"]
    says = "The text says the same again and again."
    assert shell("plan", *words) == 0
    assert f"warning: {says}" in shell.out
    assert shell("plan", *words, "--json") == 0
    assert [finding["title"] for finding in json.loads(shell.out)["findings"]] == [says]
    assert shell("run", *words, "--out", tmp_path / "out", "--backend", "serial") == 0
    assert says in shell.err
    assert f"warning: {says}" in shell.out
    assert shell("status", "--out", tmp_path / "out", "--json") == 0
    assert says in {finding["title"] for finding in json.loads(shell.out)["findings"]}


def test_ordinary_text_is_no_finding(shell: Shell, tiny_file: Path, text: Path, done: Path) -> None:
    assert shell("plan", tiny_file, "--corpus", text, "--json") == 0
    assert json.loads(shell.out)["findings"] == []
    assert shell("status", "--out", done, "--json") == 0
    assert json.loads(shell.out)["findings"] == []


def test_a_damaged_checkpoint_is_a_line_that_names_the_file(
    shell: Shell, tiny_file: Path, text: Path, done: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(done, out)
    for record in (out / "runs").iterdir():
        record.unlink()
    for checkpoint in (out / "trunks").rglob("*.pt"):
        checkpoint.write_bytes(checkpoint.read_bytes()[:2000])
    assert shell("run", tiny_file, "--corpus", text, "--out", out, "--backend", "serial") == 2
    assert ".pt is damaged. Delete this file" in shell.err


def test_export_prints_the_runs(shell: Shell, done: Path, tmp_path: Path) -> None:
    assert shell("export", "--out", done) == 0
    (tmp_path / "runs.csv").write_text(shell.out)
    assert len(load_runs(tmp_path / "runs.csv").frame) == 6
    csv = pd.read_csv(io.StringIO(shell.out))
    assert shell("export", "--out", done, "--json") == 0
    rows = json.loads(shell.out)
    assert [row["run"] for row in rows] == list(csv["run"])


@pytest.mark.parametrize("command", ["status", "export"])
def test_a_folder_without_a_sweep_is_bad_input(shell: Shell, tmp_path: Path, command: str) -> None:
    assert shell(command, "--out", tmp_path) == 2
    assert "No sweep is recorded" in shell.err
    assert "python -m experiments run" in shell.err


def test_bad_input_is_a_line_and_its_mend(shell: Shell, tiny_file: Path, text: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    binary = tmp_path / "binary"
    binary.mkdir()
    (binary / "a.txt").write_bytes(b"\0\1")
    (tmp_path / "file").write_text("")
    out = tmp_path / "out"
    for words, says in (
        (["smok", "--out", out], "Did you mean 'smoke'"),
        ([tmp_path / "no.toml", "--out", out], "no sweep file"),
        ([tiny_file, "--corpus", empty, "--out", out], "is empty"),
        ([tiny_file, "--corpus", binary, "--out", out], "No readable text"),
        ([tiny_file, "--corpus", tmp_path / "none", "--out", out], "There is no corpus"),
        (["cpu", "--corpus", text, "--out", out], "--allow-repeats"),
        ([tiny_file, "--corpus", text, "--out", tmp_path / "file"], "cannot be written"),
        ([tiny_file, "--corpus", text, "--out", out, "--backend", "poll"], "Did you mean 'pool'"),
        ([tiny_file, "--corpus", text, "--out", out, "--workers", 0], "--workers"),
        ([tiny_file, "--corpus", text], "--out"),
    ):
        assert shell("run", *words) == 2, words
        assert says in shell.err
        assert shell.out == ""


def test_a_small_corpus_may_be_repeated_when_asked(shell: Shell, tiny_file: Path, tmp_path: Path, text: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    for path in sorted(text.iterdir())[:12]:
        (small / path.name).write_bytes(path.read_bytes())
    words = ["run", tiny_file, "--corpus", small, "--out", tmp_path / "out", "--backend", "serial"]
    assert shell(*words) == 2
    assert "too little to train on" in shell.err
    assert shell(*words, "--allow-repeats", "--json") == 0
    longest = max(json.loads(shell.out)["table"], key=lambda record: record["tokens"])
    assert longest["unique_tokens"] < longest["tokens"]


def test_there_is_at_least_one_core() -> None:
    assert cores() >= 1
