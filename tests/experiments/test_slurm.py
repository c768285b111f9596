"""A real Slurm of one node on this machine, where its programs are installed and this user may start them."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil
import pytest

from experiments.backends import slurm
from experiments.run_sweep import run_sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from experiments.config import Sweep
    from experiments.following import Event

PROGRAMS = ("munged", "slurmctld", "slurmd")
START_SECONDS = 30

pytest.importorskip("submitit")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)) or os.geteuid() != 0, reason="Slurm cannot be started"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

SETTINGS = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES State=UP
"""
"""Of a cluster without accounting, as small ones are."""


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The cluster, which SLURM_CONF names."""
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir(mode=0o700)
    (folder / "munge" / "key").write_bytes(os.urandom(1024))
    (folder / "munge" / "key").chmod(0o400)
    host = socket.gethostname().split(".")[0]
    settings = folder / "slurm.conf"
    settings.write_text(SETTINGS.format(host=host, user=getpass.getuser(), folder=folder, ports=_free_ports(2)))
    munge = {
        "pid-file": "munge/pid",
        "key-file": "munge/key",
        "socket": "munge.socket",
        "seed-file": "munge/seed",
        "log-file": "munge/log",
    }
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("SLURM_CONF", str(settings))
        options = [f"--{name}={folder / place}" for name, place in munge.items()]
        _start(stack, "munged", "--force", "--foreground", *options)
        _wait((folder / "munge.socket").exists)
        _start(stack, "slurmctld", "-D")
        _start(stack, "slurmd", "-D")
        _wait(lambda: "idle" in _said("sinfo"))
        yield
        _wait(lambda: not _said("squeue", "--noheader"))


def _start(stack: ExitStack, *command: str) -> None:
    """A daemon that ends with `stack`."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _workers() -> list[psutil.Process]:
    """The processes in which Slurm does jobs."""
    told = ["submitit.core._submit", "python"]
    lines = [(process, process.info["cmdline"] or [""]) for process in psutil.process_iter(["cmdline"])]
    return [process for process, line in lines if told[0] in line and told[1] in line[0]]


@pytest.mark.parametrize("number", [None, signal.SIGKILL, signal.SIGUSR2])
def test_a_sweep_gives_the_same_losses_whatever_happens_to_a_job(
    tiny: Sweep, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals | None
) -> None:
    monkeypatch.setattr(slurm, "LOST_SECONDS", 1.0)
    struck = list[psutil.Process]()

    def strike(event: Event) -> None:
        if number is not None and not struck:
            struck.extend(_workers())
            for worker in struck:
                worker.send_signal(number)

    alone = run_sweep(tiny, text, out=tmp_path / "alone", backend="serial")
    ledger = run_sweep(tiny, text, out=tmp_path / "slurm", backend="slurm", workers=2, emit=strike)
    assert bool(struck) == (number is not None)
    expected = {record.run: record.loss for record in alone.records()}
    assert {record.run: record.loss for record in ledger.records()} == expected
