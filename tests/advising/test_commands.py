"""The commands about advice: they ask, take a case, pilots and a sample, and replay a decision."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from planner import UseCase, advise
from planner.advising.usecase import CHOICES
from planner.cli import main
from planner.cli.asking import QUESTIONS, ask_case

BLOOMBERG = Path(__file__).parents[2] / "docs" / "bloomberg.toml"
REPLAY = ("replay", "--case", str(BLOOMBERG), "--on", "2022-06-01", "--on", "2026-11-20")


def run(*words, **more):
    return CliRunner().invoke(main, list(words), **more)


def test_every_question_may_be_passed_over():
    result = run("advise", "--ask", "--json", input="\n" * 30)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["headline"] == advise(UseCase()).headline
    assert "What should it do?" in result.stderr
    assert "What should it do?" not in result.stdout


def test_answers_are_taken_as_numbers_of_a_list_words_and_magnitudes():
    answers = {"task": "3", "knowledge": "private_changing", "corpus_tokens": "5M", "update_hours": "168",
               "citations": "yes", "budget_usd": "$15K", "team": "app"}  # fmt: skip
    asked = [question.field for question in QUESTIONS if question.field != "fertility"]
    result = run("advise", "--ask", "--json", input="".join(f"{answers.get(field, '')}\n" for field in asked))
    case = json.loads(result.stdout)["case"]
    assert case["task"] == "qa"
    assert (case["knowledge"], case["corpus_tokens"], case["update_hours"]) == ("private_changing", 5e6, 168)
    assert (case["citations"], case["budget_usd"], case["team"]) == (True, 15e3, "app")


def test_an_answer_that_is_not_understood_is_asked_for_again():
    result = run("advise", "--ask", "--json", input="clasification\nclassification\n" + "\n" * 30)
    assert "Did you mean 'classification'" in result.stderr
    assert json.loads(result.stdout)["case"]["task"] == "classification"


def test_what_was_set_is_the_default_of_its_question():
    result = run("advise", "--ask", "--json", "--set", "task=translate", input="\n" * 30)
    assert json.loads(result.stdout)["case"]["task"] == "translate"


def test_questions_that_do_not_matter_are_left_out():
    result = run("advise", "--ask", input="\n" * 30)
    assert "How many tokens are the documents" not in result.stderr
    assert "Tokens per word" not in result.stderr


def test_nothing_is_asked_off_a_terminal():
    result = run("advise")
    assert result.exit_code == 0
    assert "What should it do?" not in result.stderr
    assert "Not said, so assumed" in result.stdout


def test_on_a_terminal_the_questions_come_by_themselves(monkeypatch):
    monkeypatch.setattr("planner.cli.advice.on_a_terminal", lambda: True)
    assert "What should it do?" in run("advise", input="\n" * 30).stderr
    assert "What should it do?" not in run("advise", "--set", "task=qa").stderr


def test_every_field_that_is_asked_for_is_one_of_a_case():
    case = UseCase()
    assert all(hasattr(case, question.field) for question in QUESTIONS)
    assert callable(ask_case)


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_a_case_comes_from_a_file(tmp_path, suffix):
    path = tmp_path / f"case.{suffix}"
    path.write_text('task = "qa"\ncitations = true\n' if suffix == "toml" else '{"task": "qa", "citations": true}')
    case = json.loads(run("advise", "--case", str(path), "--json").stdout)["case"]
    assert (case["task"], case["citations"]) == ("qa", True)


def test_pilots_are_typed_or_read(tmp_path):
    path = tmp_path / "pilots.csv"
    path.write_text("kind,model,bits_per_byte,domain_tokens\nzero_shot,llama-3.1-8b,0.81,\ncpt,llama-3.1-8b,0.74,1e8\n")
    typed = ("--pilot", "zero_shot:llama-3.1-8b=0.81", "--pilot", "cpt:llama-3.1-8b@100M=0.74")
    case = ("--set", "domain_gap=terms", "--set", "unlabeled_tokens=30B", "--set", "as_of=2026-11-20")
    found = [json.loads(run("advise", *case, *pilots, "--json").stdout) for pilots in (typed, ("--pilots", str(path)))]
    assert found[0] == found[1]
    assert len(found[0]["pilots"]) == 2


def test_the_fertility_of_a_sample_is_counted(tmp_path):
    pytest.importorskip("tiktoken")
    path = tmp_path / "sample.txt"
    path.write_text(
        "요금제 변경과 해지 위약금에 대해 안내해 드리겠습니다 결합할인과 데이터 무제한 요금제도 있습니다 " * 5
    )
    counted = json.loads(run("advise", "--sample", str(path), "--json").stdout)["case"]["fertility"]
    assert counted > 2
    table = json.loads(run("vocabulary", str(path), "--json").stdout)
    assert table["fertility"] == counted


def test_models_are_listed():
    found = json.loads(run("models", "--as-of", "2024-10-01", "--most-params", "9B", "--json").stdout)
    assert found["models"][0]["name"] in {"llama-3.1-8b", "qwen2.5-7b"}


def test_the_replay_of_the_docs_runs_and_draws(tmp_path):
    figure = tmp_path / "replay.svg"
    result = run(*REPLAY, "--price", "2.5", "--utilisation", "0.35", "--figure", str(figure))
    assert result.exit_code == 0
    assert "2022-06-01" in result.stdout
    assert figure.read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("advise", "--pilot", "zero_shot"), "KIND:MODEL"),
        (("advise", "--pilot", "zero_shot:llama-3=0.8"), "Did you mean"),
        (("advise", "--pilots", "absent.csv"), "cannot be read"),
        (("models", "--licence", "apache2"), "Did you mean"),
        (("vocabulary", "absent.txt"), "cannot be read"),
        ((*REPLAY, "--figure", "replay.png"), ".svg"),
        (("replay", "--on", "someday"), "no date"),
    ],
)
def test_what_is_not_understood_is_one_line_and_a_mend(words, hint):
    result = run(*words)
    assert result.exit_code == 2
    assert hint in result.stderr
    assert "Traceback" not in result.stderr


def test_every_field_and_value_is_in_the_help_the_docs_and_the_docstring():
    docs = (BLOOMBERG.parent / "advice.md").read_text("utf-8")
    shown = run("advise", "--help").stdout
    assert "Fields of a case:" in run("replay", "--help").stdout
    for name in UseCase.__dataclass_fields__:
        assert f"\n    {name}: " in shown
        assert f"| `{name}` |" in docs
        assert f" {name}: " in UseCase.__doc__
    for name, values in CHOICES.items():
        said = [value for value in values if value]
        assert f"{name}: {', '.join(said)}" in shown
        assert f"| `{name}` | {', '.join(f'`{value}`' for value in said)} |" in docs
        entry = " ".join(UseCase.__doc__.split(f" {name}: ")[1].split())
        assert all(value in entry for value in said)
