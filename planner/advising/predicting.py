"""domain_loss(option, assessment) -> the loss that an option should reach on the user's text, in nats per token."""

from __future__ import annotations

from planner.advising.assessing import Assessment
from planner.advising.assuming import Draws, estimated
from planner.advising.measuring import nats_per_unit
from planner.advising.views import AS_IT_COMES
from planner.estimate import Estimate


def domain_loss(option: str, assessment: Assessment) -> Estimate | None:
    """With its range; None where the law says nothing: no language, no model to start from, or no budget to train.

    For ranking only: text that is looked up lowers no loss of the model, and losses are no scores of a task.
    """
    landscape, case = assessment.landscape, assessment.case
    if not case.is_language:
        return None
    if option == "pretrain" and _pays(assessment):
        return _estimate(landscape.scratch_loss(assessment.run_flops, landscape.serve_params), assessment)
    if option == "pretrain" or not landscape.bases:
        return None
    if option in AS_IT_COMES:
        return _estimate(landscape.untuned_losses().min(axis=0), assessment)
    if option == "ft":
        return _estimate(landscape.tuned_losses().min(axis=0), assessment)
    if option == "cpt":
        return _estimate(landscape.adapted_losses(assessment.adaptation_flops).min(axis=0), assessment)
    return None


def _pays(assessment: Assessment) -> bool:
    """Whether there is money for a run at all."""
    return bool(assessment.run_flops[0] >= assessment.view.useful_flops)


def _estimate(losses: Draws, assessment: Assessment) -> Estimate:
    return estimated(losses * nats_per_unit(assessment.calibration))
