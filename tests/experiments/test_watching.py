"""What is said of a sweep; no model is trained here, losses follow a law of our own or none."""

from __future__ import annotations

import io
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console

from experiments import run_sweep
from experiments.checkpoints import Trunk
from experiments.config import Leg
from experiments.following import Ended, Event, Follower, Went
from experiments.ledger import Ledger, Progress, Record, record_of
from experiments.quotes import Quote
from experiments.run_sweep import Pace, probe, survey
from experiments.speed import mfu, mfu_of, seconds_left
from experiments.sweeps import load_sweep
from experiments.train import Pupil
from experiments.watching import SILENT_SECONDS, Bar, Forecast, summary
from planner.errors import InputError
from planner.hardware.accelerators import Accelerator
from planner.units import show

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiments.config import Config, Sweep
    from experiments.corpus import Corpus


def record(config: Config, corpus: Corpus, loss: float | None) -> Record:
    return record_of(
        config,
        config.identity(corpus.fingerprint),
        loss=loss,
        loss_error=0.01,
        bits_per_byte=None,
        unique_tokens=config.tokens,
        tokens_done=config.tokens,
        seconds=1.0,
        status="failed" if loss is None else "ok",
        reason="It was too wild." if loss is None else "",
    )


def recorded(folder: Path, sweep: Sweep, corpus: Corpus, loss: Callable[[Config], float | None]) -> Ledger:
    """A ledger of `sweep` whose runs ended with `loss`."""
    ledger = Ledger(folder)
    ledger.open()
    ledger.begin(sweep, corpus, command="")
    for config in sweep.configs(corpus.vocabulary):
        ledger.write(config, record(config, corpus, loss(config)))
    return ledger


def going(config: Config, corpus: Corpus, *, step: int, device: str = "cpu") -> Progress:
    run = config.identity(corpus.fingerprint)
    return Progress(run=run, step=step, loss=2.5, tokens_per_second=1000.0, device=device)


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
    *_, finding = result.findings
    assert (finding.level, finding.title) == ("note", "The runs give no law.")
    assert finding.because == "All runs have the same loss."


def test_the_summary_tells_failures_and_what_was_mended(tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    ledger = recorded(tmp_path, tiny, corpus, lambda config: None if config.tokens == 4096 else 2.0)
    config = replace(tiny.configs(corpus.vocabulary)[1])
    path = tmp_path / "runs" / f"{config.identity(corpus.fingerprint)}.json"
    path.unlink()
    ledger.write(config, replace(record(config, corpus, 2.0), note="A checkpoint was damaged.", device="NVIDIA H100"))
    titles = [finding.title for finding in summary(ledger).findings]
    assert sum("failed" in title for title in titles) == 2
    assert sum("was mended" in title for title in titles) == 1
    assert "The runs were done on different devices." in titles


def test_the_summary_shows_how_far_runs_are(tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    ledger = recorded(tmp_path, replace(tiny, sizes=tiny.sizes[:1]), corpus, lambda config: 2.0)
    ledger.begin(tiny, corpus, command="python -m experiments run tiny")
    config = tiny.configs(corpus.vocabulary)[-1]
    ledger.report(going(config, corpus, step=32))
    result = summary(ledger)
    rows = {row.key: row for row in result.rows()}
    assert (rows["finished"].value, rows["running"].value) == (3, 1)
    run = rows[config.identity(corpus.fingerprint)]
    assert run.value == 32 / config.steps
    assert run.note == "loss 2.500 nats/token, speed 1.00K tokens/s, left 12.3 seconds"
    assert 0 < rows["work_done"].value < 1
    assert rows["work_done"].note.endswith("left at this pace")
    assert "silent" not in rows


def test_the_summary_tells_runs_that_were_not_heard_of_for_long(tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    ledger = recorded(tmp_path, replace(tiny, sizes=tiny.sizes[:1]), corpus, lambda config: 2.0)
    ledger.begin(tiny, corpus, command="")
    *_, middle, last = tiny.configs(corpus.vocabulary)
    for config in (middle, last):
        ledger.report(going(config, corpus, step=32))
    long_ago = time.time() - SILENT_SECONDS - 1
    os.utime(tmp_path / "running" / f"{last.identity(corpus.fingerprint)}.json", (long_ago, long_ago))
    rows = {row.key: row for row in summary(ledger).rows()}
    assert (rows["running"].value, rows["silent"].value) == (1, 1)
    ledger.write(last, record(last, corpus, 2.0))
    ledger.report(going(last, corpus, step=32))
    rows = {row.key: row for row in summary(ledger).rows()}
    assert rows["running"].value == 1
    assert "silent" not in rows


def test_a_run_that_took_no_time_before_it_failed_is_no_obstacle(tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    ledger = recorded(tmp_path, replace(tiny, sizes=tiny.sizes[:1]), corpus, lambda config: None)
    ledger.begin(tiny, corpus, command="")
    last = tiny.configs(corpus.vocabulary)[-1]
    for config in tiny.configs(corpus.vocabulary)[:3]:
        ledger.write(config, replace(record(config, corpus, None), seconds=0.0))
    ledger.report(going(last, corpus, step=1))
    result = summary(ledger)
    assert result.seconds_left is None
    assert "Runs failed" in str(result)


def test_a_sweep_that_is_done_has_no_time_left(tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    result = summary(recorded(tmp_path, tiny, corpus, lambda config: 2.0))
    assert (result.work_done, result.seconds_left) == (1.0, None)


def test_utilisation_is_measured_against_the_peak_of_a_known_gpu(config: Config, corpus: Corpus) -> None:
    peak = Accelerator.of("h100").flops_per_second
    progress = going(config, corpus, step=1, device="NVIDIA H100 80GB HBM3")
    assert mfu(config, progress) == pytest.approx(1000 * 6 * config.shape.params / peak)
    assert mfu(config, replace(progress, device="cpu")) is None
    assert seconds_left(config, progress) == pytest.approx((config.tokens - config.tokens_per_step) / 1000)
    done = replace(record(config, corpus, 2.0), device="NVIDIA H100 80GB HBM3", gpu_seconds=0.5)
    assert mfu_of([done]) == pytest.approx(config.flops / 0.5 / peak)
    assert mfu_of([done, done]) == pytest.approx(config.flops / 0.5 / peak)
    assert mfu_of([record(config, corpus, 2.0)]) is None


def test_a_follower_tells_everything_once(tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    ledger = recorded(tmp_path, replace(tiny, sizes=tiny.sizes[:1]), corpus, lambda config: 2.0)
    configs = {config.identity(corpus.fingerprint): config for config in tiny.configs(corpus.vocabulary)}
    last = list(configs.values())[-1]
    ledger.report(going(last, corpus, step=1))
    ledger.report(replace(going(last, corpus, step=1), run="unheard of"))
    events: list[Event] = []
    follower = Follower(ledger, configs, events.append)
    follower.poll()
    follower.poll()
    assert sum(isinstance(event, Ended) for event in events) == 3
    assert [event.progress.step for event in events if isinstance(event, Went)] == [1]
    ledger.report(going(last, corpus, step=2))
    follower.poll()
    ledger.write(last, record(last, corpus, None))
    follower.poll()
    assert isinstance(events[-2], Went)
    assert isinstance(events[-1], Ended)
    assert len(events) == 6


def test_the_live_table_shows_each_run_and_the_time_left(tiny: Sweep, corpus: Corpus) -> None:
    todo = survey(tiny, corpus, ledger=None, allow_repeats=False)
    bar = Bar(quiet=True)
    bar.begin(todo)
    first, second = todo.legs[0].config, todo.legs[1].config
    assert "time left not known yet" in drawn(bar)
    bar(Went(first, going(first, corpus, step=16)))
    table = drawn(bar)
    for said in (show(first.shape.params, "params"), "50.0 %", "2.500 nats/token", "1.00K tokens/s", "spent, about"):
        assert said in table
    assert "MFU" not in table
    bar(Ended(first, record(first, corpus, 2.0)))
    bar(Went(second, going(second, corpus, step=second.steps, device="NVIDIA H200")))
    assert "100 %" in drawn(bar)
    assert "MFU" in drawn(bar)
    for leg in todo.legs[1:]:
        bar(Ended(leg.config, record(leg.config, corpus, None)))
    assert "100 % of the work done" in drawn(bar)


def drawn(bar: Bar) -> str:
    file = io.StringIO()
    Console(file=file, width=200).print(bar)
    return file.getvalue()


def test_without_a_terminal_each_run_is_a_line(tiny: Sweep, corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    todo = survey(tiny, corpus, ledger=None, allow_repeats=False)
    with Bar(quiet=False) as bar:
        bar.begin(todo)
        for leg in todo.legs[:2]:
            bar(Went(leg.config, going(leg.config, corpus, step=1)))
            bar(Ended(leg.config, record(leg.config, corpus, None)))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "failed: It was too wild. in 1.00 seconds; 5 to go" in lines[1]


def test_the_estimate_counts_the_start_of_the_workers_once(tiny: Sweep, corpus: Corpus) -> None:
    todo = survey(tiny, corpus, ledger=None, allow_repeats=False)
    at_once = Pace(device="cpu", start_seconds=0.0, params_per_second=1e9, overhead_params=1e4)
    late = replace(at_once, start_seconds=5.0)
    for workers in (1, 2, 3):
        started = todo.seconds(pace=late, workers=workers)
        assert started == pytest.approx(5 + todo.seconds(pace=at_once, workers=workers))
    work = sum(leg.tokens * (leg.config.shape.params + 1e4) for leg in todo.legs)
    assert todo.seconds(pace=at_once, workers=1) == pytest.approx(work / 1e9)
    assert replace(todo, chains=()).seconds(pace=late, workers=2) == 0
    forecast = Forecast(todo=todo, workers=1, pace=late)
    assert forecast.to_dict()["seconds"] == todo.seconds(pace=late, workers=1)
    assert "workers start in 5.00 seconds" in str(forecast)
    assert Quote(forecast=forecast, price_per_hour=None).to_dict()["usd"] == 0


def test_the_forecast_knows_the_disk_that_checkpoints_take(
    config: Config, tiny: Sweep, corpus: Corpus, tmp_path: Path
) -> None:
    larger = replace(config, shape=replace(config.shape, width=128))
    pupil = Pupil(larger)
    pupil.learn(np.zeros((larger.batch, larger.shape.context + 1), dtype=np.int64), rate=0.0)
    Trunk(tmp_path / "trunk", "run").keep(pupil, 1)
    (path,) = (tmp_path / "trunk").iterdir()
    todo = replace(survey(tiny, corpus, ledger=None, allow_repeats=False), chains=((Leg(larger, larger.steps),),))
    assert todo.checkpoint_bytes == pytest.approx(path.stat().st_size, rel=0.02)


def test_a_model_that_cannot_fit_is_refused_before_anything_is_spent(tiny: Sweep, corpus: Corpus) -> None:
    large = replace(tiny, sizes=(replace(tiny.sizes[0], layers=1000, width=65536), *tiny.sizes))
    todo = survey(large, corpus, ledger=None, allow_repeats=False)
    with pytest.raises(InputError, match="cannot be trained here: it takes at least") as caught:
        probe(todo, device="cpu")
    assert "Leave out sizes above" in caught.value.mend


def test_time_on_a_known_gpu_has_its_price(tiny: Sweep, corpus: Corpus) -> None:
    todo = survey(tiny, corpus, ledger=None, allow_repeats=False)
    pace = Pace(device="NVIDIA H100 80GB HBM3", start_seconds=3600.0, params_per_second=1e30, overhead_params=0.0)
    forecasts = (Forecast(todo=todo, workers=gpus, pace=pace) for gpus in (1, 2))
    one, two = (Quote(forecast=forecast, price_per_hour=None).to_dict()["usd"] for forecast in forecasts)
    assert 0.5 < one < 20
    assert two == pytest.approx(2 * one)


def test_the_probe_measures_start_and_work(tiny: Sweep, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_sweep, "PROBE_SECONDS", 0.0)
    todo = survey(tiny, corpus, ledger=None, allow_repeats=False)
    for sweep in (tiny, replace(tiny, sizes=tiny.sizes[:1])):
        pace = probe(replace(todo, sweep=sweep), device="cpu")
        assert pace.device == "cpu"
        assert pace.start_seconds > 0
        assert pace.params_per_second > 0
        assert pace.overhead_params >= 0
