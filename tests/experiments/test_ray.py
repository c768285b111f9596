"""Ray clusters that lose a node or their driver, or that are not there."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from experiments.ledger import Ledger
from experiments.run_sweep import run_sweep
from planner.errors import InputError
from tests.experiments.chaos import (
    PATIENCE_SECONDS,
    ROOT,
    family,
    is_gone,
    kill,
    poll,
    recorded,
    start,
    workers_of,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from experiments.config import Sweep

pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

NODES = 2

SOON = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000}
"""How soon a cluster finds that a node is gone."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes with a core each, beside its head, all on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",
            "PYTHONPATH": str(ROOT),
        }.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": SOON})
        for _ in range(NODES):
            cluster.add_node(num_cpus=1)
        yield cluster
        cluster.shutdown()


@pytest.fixture(scope="module")
def losses(tiny: Sweep, text: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float | None]:
    """Every run's loss where nothing was interrupted."""
    ledger = run_sweep(tiny, text, out=tmp_path_factory.mktemp("undisturbed"), backend="serial", allow_repeats=True)
    return {record.run: record.loss for record in ledger.records()}


def goes_on(process: subprocess.Popen[str], out: Path, kept: dict[str, int], losses: dict[str, float | None]) -> None:
    """The sweep ends well, what was recorded stands, and the rest is as if nothing had happened."""
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, said
    assert kept.items() <= recorded(out).items()
    assert {record.run: record.loss for record in Ledger(out).records()} == losses


def test_a_killed_worker_costs_a_run_its_time_alone_and_a_killed_driver_takes_its_tasks_along(
    cluster: Any, tiny_file: Path, text: Path, tmp_path: Path, losses: dict[str, float | None]
) -> None:
    address = {"RAY_ADDRESS": cluster.address}
    process = start(tiny_file, text, tmp_path, "ray", workers=None, environment=address)
    poll(lambda: bool(recorded(tmp_path)))
    assert any(map(kill, workers_of("ray", psutil.Process().children(recursive=True))))
    poll(lambda: len(recorded(tmp_path)) >= 2)
    members = family(process)
    process.kill()
    process.communicate()
    poll(lambda: is_gone(members))
    kept = recorded(tmp_path)
    goes_on(start(tiny_file, text, tmp_path, "ray", workers=None, environment=address), tmp_path, kept, losses)


def test_told_to_stop_a_cluster_holds_its_runs(
    cluster: Any, tiny_file: Path, text: Path, tmp_path: Path, losses: dict[str, float | None]
) -> None:
    address = {"RAY_ADDRESS": cluster.address}
    process = start(tiny_file, text, tmp_path, "ray", workers=None, environment=address)
    poll(lambda: bool(recorded(tmp_path)))
    process.terminate()
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 75, said
    kept = recorded(tmp_path)
    goes_on(start(tiny_file, text, tmp_path, "ray", workers=None, environment=address), tmp_path, kept, losses)


def test_a_killed_node_loses_no_run(
    cluster: Any, tiny_file: Path, text: Path, tmp_path: Path, losses: dict[str, float | None]
) -> None:
    process = start(tiny_file, text, tmp_path, "ray", workers=None, environment={"RAY_ADDRESS": cluster.address})
    poll(lambda: bool(recorded(tmp_path)))
    kept = recorded(tmp_path)
    cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
    goes_on(process, tmp_path, kept, losses)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1", "is no host:port"),
        ("nonsense", "is no host:port"),
        ("ray://127.0.0.1:10001", "is no host:port"),
        ("127.0.0.1:99999", "nothing answers there"),
        ("127.0.0.1:{free}", "nothing answers there: Connection refused"),
    ],
)
def test_a_cluster_that_is_not_there_is_said_at_once(
    tiny: Sweep, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, says: str
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setitem(os.environ, "RAY_ADDRESS", address.format(free=unused.getsockname()[1]))
        with pytest.raises(InputError, match=says) as caught:
            run_sweep(tiny, text, out=tmp_path, backend="ray", allow_repeats=True)
    assert "RAY_ADDRESS" in caught.value.mend
