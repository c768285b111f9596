"""Fits in processes of their own: the same law, at most two at once, stopped within a second, and failures in words."""

import time
from collections.abc import Callable

import pytest

from planner import fit, load_runs
from planner.errors import DataError, InputError
from planner.ui import jobs as module
from planner.ui.jobs import MOST_AT_ONCE, Jobs, Status

PATIENCE_SECONDS = 60.0


def ended(jobs: Jobs, name: str) -> Status:
    """How the job ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (status := jobs.status(name)).has_ended and time.monotonic() < deadline:
        time.sleep(0.05)
    return status


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Jobs whose process does nothing for long."""
    begin = module.subprocess.Popen

    def sleeping(command: list[str], **options: object) -> object:
        return begin([command[0], "-c", "import time; time.sleep(60)"], **options)

    monkeypatch.setattr(module.subprocess, "Popen", sleeping)
    return lambda: None


def test_the_law_is_that_of_the_library_to_the_last_bit() -> None:
    runs, jobs = load_runs("cpu-python-stdlib"), Jobs()
    name = jobs.start(runs)
    assert ended(jobs, name).state == "done"
    found, here = jobs.result(name), fit(runs)
    assert found.coefficients.equals(here.coefficients)
    assert found.predict(1e6, 1e8) == here.predict(1e6, 1e8)
    assert found.findings == here.findings


def test_runs_that_determine_no_law_are_told_with_the_mend() -> None:
    jobs, few = Jobs(), load_runs(load_runs("cpu-python-stdlib").frame.head(3))
    status = ended(jobs, jobs.start(few))
    assert status.state == "failed"
    assert "3 runs for" in status.error.problem
    assert status.error.mend


@pytest.mark.usefixtures("idle")
def test_at_most_two_run_at_once_and_the_others_wait_their_turn() -> None:
    runs, jobs = load_runs("cpu-python-stdlib"), Jobs()
    names = [jobs.start(runs) for _ in range(4)]
    states = [jobs.status(name).state for name in names]
    assert states == ["running"] * MOST_AT_ONCE + ["waiting"] * 2
    before = time.monotonic()
    jobs.stop(names[0])
    assert time.monotonic() - before < 1
    assert [jobs.status(name).state for name in names] == ["stopped", "running", "running", "waiting"]
    for name in names:
        jobs.stop(name)


@pytest.mark.usefixtures("idle")
def test_too_many_that_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 1)
    runs, jobs = load_runs("cpu-python-stdlib"), Jobs()
    names = [jobs.start(runs) for _ in range(MOST_AT_ONCE + 1)]
    with pytest.raises(InputError, match="Too many fits"):
        jobs.start(runs)
    for name in names:
        jobs.stop(name)


@pytest.mark.usefixtures("idle")
def test_a_fit_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs()
    name = jobs.start(load_runs("cpu-python-stdlib"))
    monkeypatch.setattr(module, "LONGEST_SECONDS", 0.0)
    status = jobs.status(name)
    assert status.state == "failed"
    assert "too long" in status.error.problem


@pytest.mark.usefixtures("idle")
def test_the_oldest_jobs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    runs, jobs = load_runs("cpu-python-stdlib"), Jobs()
    names = []
    for _ in range(4):
        names.append(jobs.start(runs))
        jobs.stop(names[-1])
    assert names[0] not in jobs
    assert {folder.name for folder in jobs._home.iterdir()} == {name for name in names if name in jobs}
    assert names[-1] in jobs


def test_a_job_of_another_server_is_told_with_the_mend() -> None:
    with pytest.raises(DataError, match="does not know") as caught:
        Jobs().status("no-such-job")
    assert "Upload the runs" in caught.value.mend


def test_names_of_jobs_cannot_be_guessed(idle: Callable[[], None]) -> None:
    runs, jobs = load_runs("cpu-python-stdlib"), Jobs()
    names = {jobs.start(runs) for _ in range(2)}
    assert len(names) == 2
    assert all(len(name) >= 20 for name in names)
    for name in names:
        jobs.stop(name)
