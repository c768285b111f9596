"""What the sheets say of a sweep; no model is trained here, losses follow a law of our own or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from experiments import run_sweep
from experiments.ledger import Ledger, record_of
from experiments.run_sweep import Pace, probe, survey
from experiments.sweeps import load_sweep
from experiments.watching import Forecast, summary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiments.config import Config, Sweep
    from experiments.tokens import Corpus


def recorded(folder: Path, sweep: Sweep, corpus: Corpus, loss: Callable[[Config], float]) -> Ledger:
    """A ledger of `sweep` whose runs ended with `loss`."""
    ledger = Ledger(folder)
    ledger.open()
    ledger.begin(sweep, corpus)
    for config in sweep.configs():
        record = record_of(
            config,
            config.identity(corpus.fingerprint),
            loss=loss(config),
            loss_error=0.01,
            bits_per_byte=None,
            unique_tokens=config.tokens,
            tokens_done=config.tokens,
            seconds=1.0,
            status="ok",
            reason="",
        )
        ledger.write(config, record)
    return ledger


def lawful(config: Config) -> float:
    return 1.0 + 20.0 / config.shape.params**0.4 + 30.0 / config.tokens**0.4


def test_the_summary_says_what_the_fit_found(corpus: Corpus, tmp_path: Path) -> None:
    result = summary(recorded(tmp_path, load_sweep("smoke"), corpus, lawful))
    assert result.fit is not None
    assert result.fit.findings
    assert set(result.fit.findings) <= set(result.findings)
    assert "warning: Only 9 runs." in str(result)
    assert "Only 9 runs." in {finding["title"] for finding in result.to_dict()["findings"]}


def test_the_summary_notes_that_the_runs_give_no_law(corpus: Corpus, tmp_path: Path) -> None:
    result = summary(recorded(tmp_path, load_sweep("smoke"), corpus, lambda config: 2.0))
    assert result.fit is None
    (finding,) = result.findings
    assert (finding.level, finding.title) == ("note", "The runs give no law.")
    assert finding.because == "All runs have the same loss."


def test_the_estimate_counts_the_start_of_the_workers_once(tiny: Sweep, corpus: Corpus) -> None:
    todo = survey(tiny, corpus, ledger=None, allow_repeats=False)
    at_once, late = Pace(start_seconds=0.0, work_per_second=1e9), Pace(start_seconds=5.0, work_per_second=1e9)
    for workers in (1, 2, 3):
        started = todo.seconds(pace=late, workers=workers)
        assert started == pytest.approx(5 + todo.seconds(pace=at_once, workers=workers))
    assert todo.seconds(pace=at_once, workers=1) == pytest.approx(todo.work / 1e9)
    assert replace(todo, chains=()).seconds(pace=late, workers=2) == 0
    forecast = Forecast(todo=todo, workers=1, pace=late)
    assert forecast.to_dict()["seconds"] == todo.seconds(pace=late, workers=1)
    assert "workers start in 5.00 seconds" in str(forecast)


def test_the_probe_measures_start_and_work(tiny: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_sweep, "PROBE_SECONDS", 0.0)
    pace = probe(tiny)
    assert pace.start_seconds > 0
    assert pace.work_per_second > 0
