"""Gang: processes of this machine that train one run together, each learning its part of every batch.

They are what torchrun starts on one machine: a process per GPU, which talk through NCCL, or on a CPU through gloo. The
process that starts them trains nothing: it hears the first of them, and ends all where one ends.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.checkpoints import Trunk
from experiments.jobs import MOST_DEATHS, stop_signals
from experiments.ledger import Record, Stop
from experiments.processes import Child, heard, let_hold
from experiments.team import Lost, Team

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from experiments.config import Config
    from experiments.corpus import Corpus
    from experiments.train import Tick

WHY = "One of its processes ended without a word, again and again; the system may be out of memory."

LAST_WORDS_SECONDS = 2.0
"""How long the others of a gang may take to say what ended one that is gone without a word."""


def train_together(config: Config, corpus: Corpus, trunks: Path, *, tick: Tick, device: str, processes: int) -> Record:
    """What `train` gives, from so many processes of this machine; they start again where one of them is lost.

    Raises:
        RuntimeError: one was lost again and again, with no progress in between.
    """
    trunk = Trunk(trunks / config.trunk(corpus.fingerprint), config.identity(corpus.fingerprint))
    deaths: Counter[int] = Counter()
    while True:
        try:
            return _trained(config, corpus, trunks, tick, device, processes)
        except Lost:
            deaths[held := trunk.held_at()] += 1
            if deaths[held] >= MOST_DEATHS:
                raise RuntimeError(WHY) from None


def _trained(config: Config, corpus: Corpus, trunks: Path, tick: Tick, device: str, processes: int) -> Record:
    """The record, once the first process has it; `tick` is called here."""
    members = list[Child]()
    with tempfile.TemporaryDirectory() as folder:
        try:
            for rank in range(processes):
                place = device if device == "cpu" else f"{device}:{rank}"
                asked = config, corpus, trunks, place, rank, processes, Path(folder) / "meeting"
                members.append(Child.begin(_serve, *asked))
            while True:
                for member in heard(members):
                    said = member.said()
                    if said is None:
                        raise _why(members)
                    if isinstance(said, Exception):
                        raise said
                    if isinstance(said, Record):
                        return said
                    tick(*said)
        except Stop:
            let_hold(members)
            raise
        finally:
            for member in members:
                member.end()


def _why(members: Sequence[Child]) -> Exception:
    """What ended a gang of which one is gone without a word: the error of another, or that one was lost."""
    deadline, left = time.monotonic() + LAST_WORDS_SECONDS, list(members)
    while left and time.monotonic() < deadline:
        for member in heard(left):
            said = member.said()
            if isinstance(said, Exception):
                return said
            if said is None:
                left.remove(member)
    return Lost()


def _serve(
    pipe: Connection, config: Config, corpus: Corpus, trunks: Path, device: str, rank: int, size: int, meeting: Path
) -> None:
    """Train as one of the gang, and say how it goes."""
    from experiments.train import train

    with stop_signals() as told:

        def tick(step: int, loss: float) -> None:
            if rank == 0:
                pipe.send((step, loss))
            if told.is_set():
                raise Stop

        try:
            with Team.meeting(meeting, rank=rank, size=size, device=device) as team:
                record = train(config, corpus, trunks, tick=tick, device=device, team=team)
                if rank == 0:
                    pipe.send(record)
                team.wait()
        except (Stop, Lost):
            return
        except Exception as error:  # noqa: BLE001
            pipe.send(error)
