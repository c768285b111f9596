import json
import math

import pandas as pd
import pytest
from click.testing import CliRunner

from planner import Fit, UseCase, advise, cost, design, plan
from planner.cli import main
from planner.hardware import Cluster


def run(*arguments: str):
    return CliRunner().invoke(main, arguments)


def sweep_file(tmp_path):
    table = pd.DataFrame(
        [(n, d, 1.8 + 400 / n**0.34 + 1500 / d**0.36) for n in (1e7, 3e7, 1e8, 3e8) for d in (1e9, 3e9, 1e10, 3e10)],
        columns=["params", "tokens", "loss"],
    )
    table.to_csv(tmp_path / "sweep.csv", index=False)
    return str(tmp_path / "sweep.csv")


def test_json_is_what_the_library_gives():
    printed = json.loads(run("plan", "--budget-usd", "2M", "--cluster", "256x h100", "--json").stdout)
    assert printed == json.loads(json.dumps(plan(budget_usd="2M", cluster="256x h100").to_dict()))
    bill = json.loads(run("cost", "--params", "70B", "--tokens", "1.4T", "--cluster", "512x h100", "--json").stdout)
    assert bill["usd"]["value"] == float(cost(params="70B", tokens="1.4T", cluster="512x h100").usd)
    advice = json.loads(run("advise", "--set", "task=qa", "--set", "citations=true", "--json").stdout)
    assert advice["headline"] == advise(UseCase(task="qa", citations=True)).headline


def test_hardware_options_reach_the_cluster():
    arguments = ("--cluster", "256x h100", "--price", "$2.50", "--utilisation", "40 %")
    printed = json.loads(run("plan", "--budget-usd", "2M", *arguments, "--json").stdout)
    assert printed["flops"]["value"] == pytest.approx(2e6 / 2.5 * 3600 * 989.4e12 * 0.4)
    assert Cluster.parse("256x h100").at(price="$2.50").price == 2.5


def test_a_fitted_law_plans(tmp_path):
    path = sweep_file(tmp_path)
    fitted = run("fit", path)
    assert fitted.exit_code == 0
    assert "alpha" in fitted.stdout
    planned = json.loads(run("plan", "--budget-flops", "1e20", "--runs", path, "--json").stdout)
    assert planned["loss"]["low"] < planned["loss"]["value"] < planned["loss"]["high"]


def test_units_and_counts_of_runs_are_converted_before_the_fit(tmp_path):
    path = sweep_file(tmp_path)
    table = pd.read_csv(path)
    table.assign(params_non_embedding=0.9 * table["params"], counting="total").to_csv(path, index=False)
    options = ("--draws", "20", "--json", "--in-unit", "bits/byte", "--bytes-per-token", "4.2")
    plain, found = (json.loads(run("fit", path, *more).stdout) for more in (options[:3], options))
    assert found["E"]["value"] == pytest.approx(plain["E"]["value"] / math.log(2) / 4.2, rel=1e-3)
    counted = json.loads(run("fit", path, *options[:3], "--counted", "non_embedding").stdout)
    assert counted["flops_max"] == pytest.approx(0.9 * plain["flops_max"])
    printed = run("plan", "--budget-flops", "1e20", "--runs", path, *options[3:])
    assert "bits/byte" in printed.stdout


def test_the_report_is_one_page_that_needs_no_network(tmp_path):
    out = tmp_path / "page" / "report.html"
    result = run(
        "report", "--budget-usd", "2M", "--cluster", "256x h100", "--runs", sweep_file(tmp_path), "--out", str(out)
    )
    assert result.exit_code == 0, result.output
    page = out.read_text(encoding="utf-8")
    assert "Best model for $2.00M" in page
    assert "<script src=" not in page
    assert "<link" not in page.split("<script")[0]
    for heading in (
        "The plan",
        "What it costs",
        "Should we train at all?",
        "The law and its runs",
        "Where the numbers",
    ):
        assert heading in page


def test_the_report_is_a_pdf_where_its_name_ends_so(tmp_path):
    out = tmp_path / "report.pdf"
    result = run("report", "--budget-usd", "2M", "--cluster", "256x h100", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert out.read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("command", ["plan", "fit", "approaches", "design", "cost", "advise", "report", "app"])
def test_help_teaches(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    if command != "app":
        assert f"planner {command}" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("plan",), 2, "No goal"),
        (("plan", "--budget-usd", "2M", "--budget-flops", "1e22"), 2, "Two goals disagree"),
        (("plan", "--budget-usd", "12 GPU years"), 2, "GPU time"),
        (("plan", "--budget-usd", "-5"), 2, "positive"),
        (("plan", "--budget-usd", "nan"), 2, "no finite number"),
        (("plan", "--budget-usd", "2M", "--cluster", "256x h10O"), 2, "Did you mean"),
        (("plan", "--budget-flops", "1e22", "--law", "hofmann"), 2, "Did you mean"),
        (("plan", "--budget-flops", "1e3"), 1, "less than any sensible"),
        (("plan", "--budget-flops", "1e22", "--law", "besiroglu-2024", "--runs", "x.csv"), 2, "both given"),
        (("plan", "--budget-flops", "1e22", "--loss-unit", "bits/byte"), 2, "no --runs are given"),
        (("fit", "absent.csv"), 2, "no file"),
        (("fit", "cpu-python-stdlib", "--loss-unit", "bits/byte"), 2, "differs from bits_per_byte"),
        (("fit", "cpu-python-stdlib", "--counting", "non_embedding"), 2, "params_non_embedding differs"),
        (("fit", "cpu-python-stdlib", "--in-unit", "bpb"), 2, "unit of loss"),
        (("fit", "cpu-python-stdlib", "--bytes-per-token", "0.2"), 2, "a byte or more"),
        (("fit", "cpu-python-stdlib", "--bytes-per-token", "x"), 2, "4.2"),
        (("fit", "cpu-python-stdlib", "--column", "foo=loss"), 2, "planner reads is called 'foo'"),
        (("fit", "cpu-python-stdlib", "--save", "law.csv"), 2, "does not end in .json"),
        (("fit", "law.json", "--seed", "1"), 2, "without --seed"),
        (("fit", "absent.json"), 2, "cannot be read"),
        (("plan", "--budget-flops", "1e22", "--column", "loss=val"), 2, "no --runs are given"),
        (("design", "--budget-flops", "1e22", "--for-flops", "1e20"), 2, "more than its target"),
        (("design", "--budget-flops", "1e20", "--for-flops", "1e22", "--in-unit", "bits/byte"), 2, "no --runs"),
        (("design", "--budget-flops", "1e20", "--for-flops", "1e22", "--candidates", "absent.csv"), 2, "no file"),
        (("cost", "--params", "70B", "--tokens", "abc"), 2, "not understood"),
        (("advise", "--set", "taks=qa"), 2, "Did you mean"),
        (("advise", "--set", "task"), 2, "name=value"),
        (("advise", "--case", "absent.toml"), 2, "no file"),
        (("report", "--budget-usd", "2M", "--out", "/dev/null/x.html"), 2, "cannot be written"),
    ],
)
def test_bad_input_prints_the_problem_and_the_mend(arguments, code, words):
    result = run(*arguments)
    assert result.exit_code == code
    assert words in result.output
    assert "Traceback" not in result.output
    assert result.output.startswith("Error: ")
    assert len(result.output.strip().splitlines()) == 2


def test_a_saved_fit_serves_in_place_of_its_runs(tmp_path):
    sweep, saved = sweep_file(tmp_path), str(tmp_path / "law.json")
    assert run("fit", sweep, "--form", "additive", "--delta", "0.001", "--draws", "50", "--save", saved).exit_code == 0
    planned = json.loads(run("plan", "--budget-flops", "1e20", "--runs", saved, "--json").stdout)
    assert planned["loss"]["value"] == pytest.approx(plan(budget_flops=1e20, law=Fit.load(saved)).loss)
    refused = run("plan", "--budget-flops", "1e20", "--runs", saved, "--in-unit", "bits/byte")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "Fit the runs again" in refused.stderr


def test_approaches_stand_side_by_side(tmp_path):
    printed = json.loads(run("approaches", sweep_file(tmp_path), "--for-flops", "1e21", "--json").stdout)
    assert printed["flops"] == 1e21
    assert printed["envelope"] == "not available"
    assert printed["parametric_params"]["low"] < printed["parametric_params"]["high"]


def test_a_saved_fit_is_printed_as_it_was(tmp_path):
    sweep, saved = sweep_file(tmp_path), str(tmp_path / "law.json")
    printed = run("fit", sweep, "--form", "additive", "--draws", "20", "--save", saved).stdout
    assert run("fit", saved).stdout == printed


@pytest.mark.parametrize("option", [("--seed", "-1"), ("--draws", "x"), ("--draws", "3")])
def test_numbers_out_of_range_are_refused_by_the_option(option):
    result = run("fit", "cpu-python-stdlib", *option)
    assert result.exit_code == 2
    assert f"Invalid value for '{option[0]}'" in result.output


def test_columns_of_other_names_serve_every_command(tmp_path):
    sweep = sweep_file(tmp_path)
    renamed = str(tmp_path / "renamed.csv")
    pd.read_csv(sweep).rename(columns={"loss": "val"}).to_csv(renamed, index=False)
    for command in (("approaches",), ("plan", "--budget-flops", "1e20", "--runs")):
        plain, mapped = run(*command, sweep, "--json"), run(*command, renamed, "--column", "loss=val", "--json")
        assert mapped.exit_code == 0, mapped.output
        assert mapped.stdout.replace("renamed.csv", "sweep.csv") == plain.stdout


def test_a_sweep_is_designed_as_the_library_does(tmp_path):
    arguments = ("design", "--budget-flops", "1e19", "--for-flops", "1e21")
    printed = json.loads(run(*arguments, "--json").stdout)
    assert printed == json.loads(json.dumps(design(budget_flops=1e19, for_flops=1e21).to_dict()))
    pd.DataFrame({"params": ["10M", "30M", "100M"], "tokens": ["1B", "2B", "3B"]}).to_csv(
        tmp_path / "c.csv", index=False
    )
    chosen = run(*arguments, "--candidates", str(tmp_path / "c.csv"), "--runs", sweep_file(tmp_path))
    assert chosen.exit_code == 0, chosen.output
    assert "Run 1" in chosen.stdout


def test_the_runs_that_design_proposes_are_a_table_for_the_sweep_machine(tmp_path):
    path = tmp_path / "next.csv"
    result = CliRunner().invoke(main, ["design", "--budget-flops", "1e18", "--for-flops", "1e22", "--out", str(path)])
    assert result.exit_code == 0
    table = pd.read_csv(path)
    assert {"params", "tokens"} <= set(table)
    assert f"{len(table)} runs for" in result.output
    words = ["design", "--budget-flops", "1e18", "--for-flops", "1e22", "--out", str(tmp_path / "none" / "next.csv")]
    assert CliRunner().invoke(main, words).exit_code != 0
