"""Asking: the inputs of a plan, what each is called and how it is explained. Texts only; no widget, no number."""

from __future__ import annotations

from dataclasses import dataclass

from planner.planning.plans import DEFAULT_LAW

LONGEST = 80
"""Characters that one input may have."""


@dataclass(frozen=True, slots=True)
class Ask:
    """How one input is asked for: its label with the unit, an example, one line of help in plain words, and its name
    where there is no room for the label.
    """

    label: str
    example: str
    help: str
    short: str = ""


GOALS: dict[str, Ask] = {
    "budget_usd": Ask(
        "Budget (US dollars)", "$2M", "What renting the accelerators may cost, such as $2M or 750K.", "Dollars"
    ),
    "budget_flops": Ask(
        "Compute (FLOPs)",
        "1e23",
        "A FLOP is one floating-point operation, a single multiplication or addition. Frontier models take about 1e26.",
        "FLOPs",
    ),
    "budget_gpu_hours": Ask(
        "Accelerator time (GPU-hours)", "500K", "One GPU-hour is one accelerator for one hour.", "GPU-hours"
    ),
    "days": Ask("Time (days on the whole cluster)", "30 days", "Calendar time, such as 30 days or 6 weeks.", "Days"),
    "target_loss": Ask(
        "Loss to reach (nats per token)",
        "2.0",
        "Loss is how badly the model guesses the next token: lower is better, and no model gets to 0.",
        "A loss",
    ),
    "target_model": Ask(
        "Open model to match",
        "llama-3.1-8b",
        "A published model whose loss yours shall reach, as the same law predicts it from size and training tokens.",
        "A known model",
    ),
}
"""The goals of plan(), in the order in which they are offered."""

MORE: dict[str, Ask] = {
    "tokens_available": Ask(
        "Tokens available",
        "empty: no limit",
        "Text you can train on, such as 300B. A token is a piece of a word, about four letters of English. "
        "Where a plan needs more, it reads the same text again.",
        "tokens available",
    ),
    "inference_tokens": Ask(
        "Tokens to be served",
        "empty: none",
        "Tokens the model will read and write in its life, such as 2T. With many, a smaller model trained longer "
        "is cheaper in all.",
        "tokens to be served",
    ),
    "params": Ask(
        "Parameters, if decided",
        "empty: best choice",
        "Parameters are the numbers a model learns: its size. E.g. 7B.",
        "parameters",
    ),
    "tokens": Ask(
        "Training tokens, if decided",
        "empty: best choice",
        "Tokens the model reads in training. E.g. 1.4T.",
        "training tokens",
    ),
    "utilisation": Ask(
        "Utilisation (share of peak)",
        "empty: as published runs",
        "Share of the accelerators' peak speed that a whole run achieves, failures included, such as 35 %.",
        "utilisation",
    ),
    "mfu": Ask(
        "MFU of steady steps (share of peak)",
        "empty: as published runs",
        "Model FLOPs utilisation: share of the peak speed that the training steps themselves achieve, such as 40 %.",
        "MFU",
    ),
    "goodput": Ask(
        "Goodput (share of paid hours)",
        "empty: as published runs",
        "Share of the paid GPU-hours that training steps get; failures, restarts and waiting take the rest.",
        "goodput",
    ),
    "price": Ask(
        "Price (US dollars per GPU-hour)",
        "empty: on demand",
        "A way to rent, a provider, or your own price such as 2.50.",
        "price",
    ),
    "when": Ask(
        "Month of the prices (year-month)",
        "empty: latest",
        "Prices known by then, such as 2026-07. Set it to keep a link from following new prices.",
        "prices of",
    ),
    "law": Ask(
        "Scaling law",
        DEFAULT_LAW,
        "The formula that predicts the loss from size and training tokens, as published.",
        "law",
    ),
}
"""The inputs behind the expander."""

CLUSTER = Ask(
    "Cluster (number x accelerator)", "256x h100", "The accelerators that train together, such as 512x h100 or 8x a100."
)

CASE: dict[str, Ask] = {
    "task": Ask("What shall the model do?", "general", "The main thing you need a language model for."),
    "knowledge": Ask(
        "Which facts must it know?", "none", "Facts beyond what any model has read, and whether they change."
    ),
    "unlabeled_tokens": Ask(
        "Text of your own (tokens)",
        "empty: the tokens available, if given",
        "Text that other models have not read, such as 20B tokens of your own field. Without any, a model of your own "
        "cannot differ from the free ones.",
    ),
    "weeks": Ask("Weeks until it must work", "52", "From today until people use it."),
}
"""The inputs of the verdict in a sentence; the page of the advice asks the rest."""

MODALITIES = {"forecast": "timeseries", "sequence": "dna"}
"""What the model reads in the tasks where that is no text."""
