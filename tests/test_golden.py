"""Published figures that are arithmetic on published figures, and belong to no one module."""

import pytest

from planner import plan
from planner.constants import constant
from planner.hardware import Cluster
from planner.laws import Additive


def test_carbon_per_energy_of_llama_3_405b() -> None:
    """Meta's model card: 30.84M H100-hours at 700 W emitted 8,930 t, so 0.4137 kg per kWh of the chips."""
    assert 8930e3 / Cluster("h100").kwh_as_reported("30.84M", pue=1.0) == pytest.approx(0.4137, rel=1e-3)


def test_gpu_hours_between_interruptions_of_llama_3() -> None:
    """arXiv 2407.21783, section 3.3.4: 419 unexpected interruptions in 54 days of 16,384 GPUs."""
    between = 54 * 24 * 16384 / 419
    assert round(between) == 50677
    assert constant("costs", "gpu_hours_per_failure").value == pytest.approx(between, rel=1e-3)


def test_data_of_an_inference_aware_model_grows_as_published() -> None:
    """Sardana et al. 2023 (arXiv 2401.00448), first version of the abstract: 13.6B parameters, 2.84x data."""
    law = Additive(E=1.69, A=406.4, B=410.7, alpha=0.336, beta=0.283)
    ratio = law.beta * law.B / (law.alpha * law.A)
    tokens = (ratio * 30e9**law.alpha) ** (1 / law.beta)
    found = plan(target_loss=float(law.loss(30e9, tokens)), law=law, inference_tokens=1e13)
    assert found.tokens / tokens == pytest.approx(2.84, rel=0.01)
