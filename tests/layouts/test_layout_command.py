"""`planner layout`: what it prints and what it refuses."""

import json

import pytest
from click.testing import CliRunner, Result

from planner.cli import main
from planner.layouts import lay_out
from planner.transformer import Transformer, shape_of


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["layout", *arguments])


def test_json_is_what_the_library_gives() -> None:
    printed = json.loads(run("--params", "70B", "--cluster", "64x h100", "--json").stdout)
    assert printed == json.loads(lay_out(Transformer.near("70B"), "64x h100").to_json())
    options = ("--tokens", "15.6T", "--context", "8192", "--tokens-per-batch", "16M", "--json")
    printed = json.loads(run("--model", "llama-3.1-405b", "--cluster", "16384x h100", *options).stdout)
    same = lay_out(shape_of("llama-3.1-405b"), "16384x h100", tokens="15.6T", context="8192", tokens_per_batch="16M")
    assert printed == json.loads(same.to_json())


def test_the_table_shows_split_memory_and_bounds() -> None:
    text = run("--params", "70B", "--cluster", "64x h100").stdout
    for label in ("Copies of the model", "Optimiser", "Activations", "Fewest GPUs that hold it", "Critical batch"):
        assert label in text


@pytest.mark.parametrize(
    ("arguments", "problem", "code"),
    [
        (("--params", "70B", "--cluster", "0x h100"), "must be positive", 2),
        (("--params", "70B", "--cluster", "1.5x h100"), "whole number", 2),
        (("--params", "70B", "--cluster", "8x h10O"), "No accelerator is called", 2),
        (("--cluster", "8x h100"), "No model is given", 2),
        (("--params", "7B", "--model", "llama-2-7b"), "both given", 2),
        (("--model", "llama-9"), "No model shape is called", 2),
        (("--params", "70B", "--cluster", "8x h100"), "fit no layout", 1),
        (("--params", "70B", "--context", "1.5"), "whole number of tokens", 2),
    ],
)
def test_refusals_are_two_lines_without_a_traceback(arguments: tuple[str, ...], problem: str, code: int) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert problem in result.stderr
    assert len(result.stderr.strip().splitlines()) == 2
