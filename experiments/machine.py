"""Machine: what the sweep runs on, as it is written beside every run. It needs torch only to look for GPUs."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from planner.errors import InputError, MissingExtra, UnknownName
from planner.hardware.accelerators import Accelerator

SOFTWARE = ("torch", "numpy", "safetensors")
DEVICES = ("cpu", "cuda")

DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""One of these is there wherever torch can find a GPU; importing torch to learn that there is none takes seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One computer: its processor, the cores and bytes of memory that it has, and the names of its GPUs."""

    processor: str
    cores: int
    memory_bytes: int
    gpus: tuple[str, ...]
    system: str
    software: str


def this_machine() -> Machine:
    """The computer that this process runs on."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_bytes=memory_bytes("cpu"),
        gpus=gpus(),
        system=f"{platform.system()} {platform.machine()}",
        software=", ".join([f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in SOFTWARE)]),
    )


def gpus() -> tuple[str, ...]:
    """The names of the GPUs that torch can use here."""
    if not any(map(os.path.exists, DRIVERS)):
        return ()
    import torch

    return tuple(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))


def memory_bytes(device: str) -> int:
    """The memory of this machine, or of its largest GPU."""
    if device == "cpu":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import torch

    return max(torch.cuda.get_device_properties(number).total_memory for number in range(torch.cuda.device_count()))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device_here(asked: str | None) -> str:
    """What torch calls the device to train on: the one asked for, or a GPU where there is one.

    Raises:
        InputError: a GPU was asked for where torch finds none.
    """
    if asked is None:
        return "cuda" if gpus() else "cpu"
    if known_device(asked) == "cuda" and not gpus():
        raise InputError(
            "A GPU was asked for, but torch finds none here.",
            mend="Leave --device out, or install a build of torch for this GPU and see that nvidia-smi lists it.",
        )
    return asked


def known_device(device: str) -> str:
    """The `device`, which is one that torch has a name for."""
    if device not in DEVICES:
        raise UnknownName.of("device", device, known=DEVICES)
    return device


def peak(gpu: str) -> Accelerator | None:
    """The accelerator that torch calls `gpu`, or None where we do not know it."""
    words = gpu.split()
    for count in range(len(words), 0, -1):
        try:
            return Accelerator.of(" ".join(words[:count]))
        except UnknownName:
            continue
    return None


def let_children_import() -> None:
    """Let programs that are started from here import this package, whatever folder they start in."""
    root = str(Path(__file__).parents[1])
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if root not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([root, *filter(None, paths)])


def require_torch() -> None:
    """Raise where the extra that trains is not installed."""
    for package in ("torch", "safetensors", "tqdm", "rich"):
        if find_spec(package) is None:
            raise MissingExtra.of(package, extra="sweep")


def _processor() -> str:
    """The processor's name as the system knows it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
