from __future__ import annotations

import io
import json
import math
import shutil
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from experiments import __main__ as commands
from experiments import run_sweep as run_sweep_module
from experiments.__main__ import run_main
from experiments.ledger import Ledger
from experiments.rules import check_rule
from experiments.run_sweep import run_sweep
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


@pytest.mark.parametrize("command", [[], ["plan"], ["check"], ["run"], ["status"], ["export"]])
def test_help_teaches_with_examples(shell: Shell, command: list[str]) -> None:
    assert shell(*command, "--help") == 0
    assert "python -m experiments" in shell.out


def test_plan_states_runs_compute_and_time_and_writes_nothing(
    shell: Shell, tiny_file: Path, text: Path, tmp_path: Path
) -> None:
    assert shell("plan", tiny_file, "--corpus", text, "--out", tmp_path / "none") == 0
    for said in ("Runs to do", "FLOPs", "Estimated time", "Text to train on", "Text held out", "Duplicates dropped"):
        assert said in shell.out
    assert not (tmp_path / "none" / "runs").exists()


def test_what_plan_prepares_run_finds(shell: Shell, tiny_file: Path, text: Path, tmp_path: Path) -> None:
    words = [tiny_file, "--corpus", text, "--out", tmp_path]
    assert shell("plan", *words) == 0
    built = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tokens")}
    assert len(built) == 2
    assert shell("run", *words, "--backend", "serial") == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tokens")} == built


def test_plan_states_dollars_where_a_price_is_given(shell: Shell, tiny_file: Path, text: Path) -> None:
    words = ["plan", tiny_file, "--corpus", text, "--json"]
    assert shell(*words, "--price-per-hour", "$3.60") == 0
    said = json.loads(shell.out)
    assert said["usd"] == pytest.approx(said["seconds"] * 0.001)
    assert shell(*words) == 0
    assert json.loads(shell.out)["usd"] == 0
    assert shell(*words[:-1]) == 0
    assert "your own machine costs nothing here" in shell.out
    assert shell(*words, "--price-per-hour", "much") == 2
    assert "--price-per-hour" in shell.err


def test_a_tokenizer_may_be_trained_or_given(shell: Shell, tiny_file: Path, text: Path, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    words = ["plan", tiny_file, "--corpus", text, "--allow-repeats", "--json"]
    assert shell(*words, "--vocabulary", 300, "--out", tmp_path) == 0
    trained = json.loads(shell.out)
    assert trained["vocabulary"] == 300
    assert trained["bytes_per_token"] > 1
    (file,) = tmp_path.rglob("tokenizer.json")
    assert shell(*words, "--tokenizer", file) == 0
    given = json.loads(shell.out)
    assert given["train_tokens"] == trained["train_tokens"]
    assert [run["params"] for run in given["table"]] == [run["params"] for run in trained["table"]]


def test_a_run_on_pairs_of_bytes_is_measured_in_bits_per_byte(
    shell: Shell, tiny_file: Path, text: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tokenizers")
    words = ["run", tiny_file, "--corpus", text, "--vocabulary", 300, "--allow-repeats", "--backend", "serial"]
    assert shell(*words, "--out", tmp_path, "--json") == 0
    longest = json.loads(shell.out)["table"][-1]
    _, corpus = Ledger(tmp_path).serves()
    assert longest["bits_per_byte"] == pytest.approx(longest["loss"] / math.log(2) / corpus.bytes_per_token)


def test_another_column_and_less_text_may_be_asked_for(shell: Shell, tiny_file: Path, tmp_path: Path) -> None:
    lines = "".join(json.dumps({"body": f"{number} " * 300}) + "\n" for number in range(400))
    (tmp_path / "a.jsonl").write_text(lines)
    words = ["plan", tiny_file, "--corpus", tmp_path, "--json"]
    assert shell(*words) == 2
    assert "a.jsonl, line 1 has no text in a field 'text'" in shell.err
    assert "--text-column" in shell.err
    assert shell(*words, "--text-column", "body", "--max-bytes", "0.2 MB") == 0
    said = json.loads(shell.out)
    assert said["train_bytes"] + said["held_out_bytes"] == pytest.approx(200_000, rel=0.02)


def test_a_table_of_runs_is_a_sweep(shell: Shell, text: Path, tmp_path: Path) -> None:
    (tmp_path / "design.csv").write_text("params,tokens\n20k,50k\n20k,100k\n40k,50k\n")
    assert shell("plan", tmp_path / "design.csv", "--corpus", text, "--allow-repeats", "--json") == 0
    assert len(json.loads(shell.out)["table"]) == 3


def test_plan_counts_only_what_is_missing(shell: Shell, tiny_file: Path, text: Path, done: Path) -> None:
    assert shell("plan", tiny_file, "--corpus", text, "--out", done, "--json") == 0
    plan = json.loads(shell.out)
    assert (plan["recorded"], plan["runs"], plan["flops"], plan["seconds"]) == (6, 0, 0, 0)
    assert shell("plan", tiny_file, "--corpus", text, "--workers", 1, "--json") == 0
    plan = json.loads(shell.out)
    assert (plan["recorded"], plan["runs"], len(plan["table"])) == (0, 6, 6)
    assert plan["flops"] < sum(run["flops"] for run in plan["table"])
    assert 0 < plan["seconds"] < 100


def test_check_tries_three_rates_on_two_sizes(
    shell: Shell, tiny_file: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "check_rule", partial(check_rule, steps=20))
    assert shell("check", tiny_file, "--corpus", text) == 0
    assert shell.out.count(" nats/token") == 6
    assert shell.out.count("sweep's rate over the best") == 2


def test_check_wants_text_enough(shell: Shell, text: Path) -> None:
    assert shell("check", "cpu", "--corpus", text) == 2
    assert "--allow-repeats" in shell.err


def test_run_tells_each_run_and_sums_up(shell: Shell, tiny_file: Path, text: Path, tmp_path: Path) -> None:
    assert shell("run", tiny_file, "--corpus", text, "--out", tmp_path, "--backend", "serial") == 0
    assert "; 5 to go" in shell.err
    assert "Runs finished" in shell.out
    assert "Next: python -m experiments export" in shell.out


def test_run_draws_curves_when_asked(shell: Shell, tiny_file: Path, text: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    words = ["run", tiny_file, "--corpus", text, "--out", tmp_path, "--backend", "serial", "--board"]
    assert shell(*words) == 0
    assert len(list((tmp_path / "board").iterdir())) == 6


def test_runs_that_failed_are_told_by_the_exit_code(shell: Shell, text: Path, tiny_file: Path, tmp_path: Path) -> None:
    wild = tmp_path / "wild.toml"
    rate = next(line for line in tiny_file.read_text().splitlines() if line.startswith("learning_rate"))
    wild.write_text(tiny_file.read_text().replace(rate, "learning_rate = 1e30"))
    assert shell("run", wild, "--corpus", text, "--out", tmp_path / "out", "--backend", "serial", "--json") == 1
    said = json.loads(shell.out)
    assert said["failed"] > 0
    assert said["finished"] + said["failed"] == 6


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


def test_a_damaged_checkpoint_is_told_and_costs_steps_alone(
    shell: Shell, tiny_file: Path, text: Path, done: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(done, out)
    for record in (out / "runs").iterdir():
        record.unlink()
    for checkpoint in (out / "trunks").rglob("*.safetensors"):
        checkpoint.write_bytes(checkpoint.read_bytes()[:2000])
    assert shell("run", tiny_file, "--corpus", text, "--out", out, "--backend", "serial") == 0
    assert "was mended" in shell.out
    assert shell.out.count(" ok") == 6


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
        ([tiny_file, "--corpus", "", "--out", out], "empty name"),
        ([tiny_file, "--corpus", binary, "--out", out], "No readable text"),
        ([tiny_file, "--corpus", tmp_path / "none", "--out", out], "There is no corpus"),
        (["cpu", "--corpus", text, "--out", out], "--allow-repeats"),
        ([tiny_file, "--corpus", text, "--out", out, "--vocabulary", 5], "no room for pairs"),
        ([tiny_file, "--corpus", text, "--out", out, "--tokenizer", tmp_path / "none.json"], "no tokenizer file"),
        ([tiny_file, "--corpus", text, "--out", out, "--max-bytes", "little"], "--max-bytes"),
        ([tiny_file, "--corpus", "hub:", "--out", out], "names no data set"),
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
    much = tmp_path / "much.toml"
    much.write_text(tiny_file.read_text().replace("evaluation_windows = 32", "evaluation_windows = 500"))
    words = ["run", much, "--corpus", small, "--out", tmp_path / "out", "--backend", "serial"]
    assert shell(*words) == 2
    assert "too little to train on" in shell.err
    assert shell("plan", much, "--corpus", small, "--allow-repeats") == 0
    says = "Some runs read the text more than once.", "The loss is measured on less text than the sweep asks for."
    assert all(title in shell.out for title in says)
    assert shell(*words, "--allow-repeats", "--json") == 0
    said = json.loads(shell.out)
    assert {finding["title"] for finding in said["findings"]} >= set(says)
    longest = max(said["table"], key=lambda record: record["tokens"])
    assert longest["unique_tokens"] < longest["tokens"]
