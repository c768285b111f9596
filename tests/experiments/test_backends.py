"""One contract, every backend."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from experiments import processes
from experiments.backends import BACKENDS, slurm
from experiments.commands import command_of
from experiments.corpus import Source
from experiments.following import Ended, Event, Went
from experiments.jobs import Job
from experiments.ledger import Ledger
from experiments.run_sweep import PARTS_PER_WORKER, jobs_of, run_sweep, survey
from experiments.sweeps import load_sweep
from planner.errors import DataError, InputError, MissingExtra, PlannerError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments.config import Sweep
    from experiments.corpus import Corpus

PACKAGES = {"ray": "ray", "slurm": "submitit"}


@pytest.fixture(scope="module")
def losses(tiny: Sweep, text: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float | None]:
    """The loss of every run of the tiny sweep, done one by one."""
    ledger = run_sweep(tiny, text, out=tmp_path_factory.mktemp("serial"), backend="serial")
    return {record.run: record.loss for record in ledger.records()}


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every backend whose package is here; Slurm's jobs are processes of this machine, Ray's cluster starts once."""
    name = str(request.param)
    if find_spec(PACKAGES.get(name, "torch")) is None:
        pytest.skip(f"{PACKAGES[name]} is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slurm, "CLUSTER", "local")
        if name == "ray":
            import ray

            ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield name
        if name == "ray":
            ray.shutdown()


pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def test_every_run_is_recorded_with_the_same_loss_whatever_the_backend(
    backend: str, tiny: Sweep, text: Path, tmp_path: Path, losses: dict[str, float | None]
) -> None:
    events: list[Event] = []
    ledger = run_sweep(tiny, text, out=tmp_path, backend=backend, workers=2, emit=events.append)
    assert {record.run: record.loss for record in ledger.records()} == losses
    ended = [event.record.run for event in events if isinstance(event, Ended)]
    assert sorted(ended) == sorted(losses)
    assert {event.progress.run for event in events if isinstance(event, Went)} <= set(losses)
    _nothing_is_done_again(backend, tiny, text, tmp_path)
    _only_what_is_missing_is_done(backend, tiny, text, tmp_path, losses)


def _nothing_is_done_again(backend: str, sweep: Sweep, text: Path, out: Path) -> None:
    events: list[Event] = []
    run_sweep(sweep, text, out=out, backend=backend, workers=2, emit=events.append)
    assert events == []


def _only_what_is_missing_is_done(
    backend: str, sweep: Sweep, text: Path, out: Path, losses: dict[str, float | None]
) -> None:
    missing = sorted(losses)[2]
    (out / "runs" / f"{missing}.json").unlink()
    events: list[Event] = []
    ledger = run_sweep(sweep, text, out=out, backend=backend, workers=2, emit=events.append)
    assert [event.record.run for event in events if isinstance(event, Ended)] == [missing]
    assert {record.run: record.loss for record in ledger.records()} == losses


def test_a_diverged_run_is_a_recorded_failure_and_no_result(
    backend: str, tiny: Sweep, text: Path, tmp_path: Path
) -> None:
    size = replace(tiny.sizes[0], learning_rate=1e30)
    wild = replace(tiny, sizes=(size,))
    ledger = run_sweep(wild, text, out=tmp_path, backend=backend, workers=2)
    assert [record.status for record in ledger.records()] == ["failed"] * 3
    assert all(record.loss is None and "diverged" in record.reason for record in ledger.records())
    assert ledger.export()["loss"].isna().all()
    retried: list[Event] = []
    run_sweep(wild, text, out=tmp_path, backend=backend, workers=2, emit=retried.append)
    assert sum(isinstance(event, Ended) for event in retried) == 3
    assert not list((tmp_path / "runs").iterdir())


def test_two_processes_that_train_a_run_together_record_it_once(
    backend: str, tiny: Sweep, corpus: Corpus, tmp_path: Path, losses: dict[str, float | None]
) -> None:
    job = Job(configs=tiny.configs(corpus.vocabulary)[:2], corpus=corpus, folder=tmp_path, share=2.0)
    ledger = Ledger(job.folder)
    ledger.open()
    ledger.begin(tiny, corpus, command="")
    BACKENDS[backend]([job], workers=2, poll=lambda: None)
    records = ledger.records()
    assert {record.status for record in records} == {"ok"}
    expected = {job.name(config): losses[job.name(config)] for config in job.configs}
    assert {record.run: record.loss for record in records} == pytest.approx(expected, rel=1e-4)


def test_an_error_in_a_worker_reaches_the_caller(backend: str, tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    gone = replace(corpus, folder=str(tmp_path / "gone"))
    job = Job(configs=tiny.configs(corpus.vocabulary)[:1], corpus=gone, folder=tmp_path / "out")
    Ledger(job.folder).open()
    with pytest.raises(DataError, match="does not hold") as caught:
        BACKENDS[backend]([job], workers=2, poll=lambda: None)
    assert "run the same command again" in caught.value.mend


def test_an_error_of_the_watcher_stops_the_workers(backend: str, tiny: Sweep, text: Path, tmp_path: Path) -> None:
    def emit(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(tiny, text, out=tmp_path, backend=backend, workers=1, emit=emit)
    recorded = Ledger(tmp_path).recorded()
    assert len(recorded) < len(tiny.configs(256))


@pytest.mark.parametrize(("name", "package"), PACKAGES.items())
def test_a_backend_without_its_package_says_what_to_install(
    tiny: Sweep, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setattr(f"experiments.backends.{name}.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=rf"needs {package}.*planner\[{name}\]"):
        run_sweep(tiny, text, out=tmp_path, backend=name)


def test_a_process_that_cannot_be_started_at_once_is_tried_again(
    tiny: Sweep, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refusals = processes._started, [ConnectionRefusedError(), EOFError()]

    def refusing(*asked: Any) -> processes.Child:
        if refusals:
            raise refusals.pop()
        return real(*asked)

    monkeypatch.setattr(processes, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(processes, "_started", refusing)
    short = replace(tiny, sizes=(replace(tiny.sizes[0], tokens=(4096,)),))
    assert len(run_sweep(short, text, out=tmp_path, backend="pool").records()) == 1
    refusals += [BlockingIOError()] * processes.MOST_STARTS
    with pytest.raises(PlannerError, match="No process can be started here: BlockingIOError") as caught:
        run_sweep(tiny, text, out=tmp_path, backend="pool")
    assert "fewer --workers" in caught.value.mend


def test_jobs_that_slurm_refuses_are_told_with_its_words(
    tiny: Sweep, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitit = pytest.importorskip("submitit")
    from submitit.core.utils import FailedJobError

    def refuse(*_: object) -> None:
        raise FailedJobError("sbatch said:\nerror: invalid partition specified: gpus")

    monkeypatch.setattr(slurm, "CLUSTER", "local")
    monkeypatch.setattr(submitit.AutoExecutor, "map_array", refuse)
    with pytest.raises(PlannerError, match="Slurm refused the jobs: error: invalid partition") as caught:
        run_sweep(tiny, text, out=tmp_path, backend="slurm")
    assert "SBATCH_PARTITION" in caught.value.mend


def test_an_unknown_backend_or_device_brings_a_suggestion(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'serial'"):
        run_sweep(tiny, text, out=tmp_path, backend="serail")
    for name in ("serial", "ray"):
        with pytest.raises(UnknownName, match="Did you mean 'cuda'"):
            run_sweep(tiny, text, out=tmp_path, backend=name, device="cude")


def test_a_gpu_that_is_not_there_is_not_replaced_in_silence(
    tiny: Sweep, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.machine.gpus", lambda: ())
    with pytest.raises(InputError, match="torch finds none") as caught:
        run_sweep(tiny, text, out=tmp_path, device="cuda")
    assert "nvidia-smi" in caught.value.mend


def test_a_folder_shows_the_sweep_it_served_last_and_keeps_the_other(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    first, second = replace(tiny, sizes=tiny.sizes[:1]), replace(tiny, name="other", sizes=tiny.sizes[1:])
    kept = {record.run for record in run_sweep(first, text, out=tmp_path, backend="serial").records()}
    shown = {record.run for record in run_sweep(second, text, out=tmp_path, backend="serial").records()}
    assert not kept & shown
    assert {path.stem for path in (tmp_path / "runs").iterdir()} == kept | shown
    events: list[Event] = []
    assert {record.run for record in run_sweep(first, text, out=tmp_path, emit=events.append).records()} == kept
    assert events == []


def test_a_folder_that_cannot_be_written_is_an_error(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        run_sweep(tiny, text, out=tmp_path / "file", backend="serial")


def test_the_export_is_a_table_of_runs_that_the_planner_reads(tiny: Sweep, text: Path, tmp_path: Path) -> None:
    from planner.runs import load_runs

    ledger = run_sweep(tiny, text, out=tmp_path / "out", backend="serial")
    path = tmp_path / "runs.csv"
    ledger.export().to_csv(path, index=False)
    runs = load_runs(path)
    assert (len(runs.frame), runs.failed) == (6, 0)
    assert list(runs.trunks) == [0, 0, 0, 1, 1, 1]
    assert set(runs.frame["run"]) == ledger.recorded()


def test_short_trunks_are_done_together_but_none_is_lost(tiny: Sweep, corpus: Corpus, tmp_path: Path) -> None:
    short = tuple(replace(tiny.sizes[0], width=width, tokens=(4096,)) for width in range(16, 72, 8))
    sweep = replace(tiny, sizes=(replace(tiny.sizes[1], tokens=(65536,)), *short))
    todo = survey(sweep, corpus, ledger=None, allow_repeats=True)
    works = {leg.config: leg.work for leg in todo.legs}
    for workers in (1, 64):
        jobs = jobs_of(todo, tmp_path, device="cpu", workers=workers)
        assert [config for job in jobs for config in job.configs] == list(works)
        least = todo.work / (PARTS_PER_WORKER * workers)
        assert all(sum(works[config] for config in job.configs) >= least for job in jobs[:-1])
    assert len(jobs) == 8
    assert len(jobs_of(todo, tmp_path, device="cpu", workers=1)) < 8


def test_runs_that_take_another_share_of_a_gpu_are_not_done_together(
    tiny: Sweep, corpus: Corpus, tmp_path: Path
) -> None:
    sizes = tuple(replace(tiny.sizes[0], layers=2, width=width, tokens=(4096,)) for width in (16, 24, 512, 2048))
    todo = survey(replace(tiny, sizes=sizes), corpus, ledger=None, allow_repeats=True)
    jobs = jobs_of(replace(todo, chains=todo.chains[::-1]), tmp_path, device="cuda", workers=1)
    assert [(len(job.configs), job.share) for job in jobs] == [(2, 0.25), (1, 0.5), (1, 1.0)]


def test_the_command_says_all_that_changes_a_result_and_nothing_of_the_machine(tiny: Sweep) -> None:
    def said(
        source: Source | Path | None, *, sweep: Sweep = tiny, out: str = "runs/mine", repeats: bool = False
    ) -> str:
        command = command_of(sweep, source, out=Path(out), allow_repeats=repeats)
        return command.removeprefix("python -m experiments run ")

    source = Source(place="/home/me/my texts", vocabulary=512, text_column="body", max_bytes=1000)
    assert said(source, out="/home/me/out", repeats=True) == (
        ".../tiny --out .../out --corpus '.../my texts' --vocabulary 512 --text-column body --max-bytes 1000 "
        "--allow-repeats"
    )
    assert said(Path("../texts")).endswith("--out runs/mine --corpus ../texts")
    hub = Source(place="hub:owner/name:config", tokenizer="/home/me/tokenizer.json")
    assert said(hub).endswith("--corpus hub:owner/name:config --tokenizer .../tokenizer.json")
    assert said(None, sweep=load_sweep("smoke")) == "smoke --out runs/mine"
    assert said(None, sweep=replace(tiny, name="smoke")) == ".../smoke --out runs/mine"
