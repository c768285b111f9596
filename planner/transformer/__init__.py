"""Transformers: a model's shape, from which its parameters, FLOPs, weight and cache bytes are counted exactly."""

from planner.transformer.proportions import LARGEST, SMALLEST, Counting, ladder_flops_per_token, vocab_for
from planner.transformer.published import shape_names, shape_of
from planner.transformer.shapes import Experts, LatentAttention, Transformer

__all__ = [
    "LARGEST", "SMALLEST", "Counting", "Experts", "LatentAttention", "Transformer", "ladder_flops_per_token",
    "shape_names", "shape_of", "vocab_for",
]  # fmt: skip
