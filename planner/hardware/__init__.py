"""Accelerators and clusters of them: FLOPs, GPU-hours, days, dollars and energy, both ways."""

from planner.hardware.accelerators import Accelerator
from planner.hardware.clusters import Cluster

__all__ = ["Accelerator", "Cluster"]
