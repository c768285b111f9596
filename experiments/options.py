"""Options of the commands of `python -m experiments`, and the bar that they draw."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments.corpus import Source
from experiments.machine import DEVICES
from planner.units import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from experiments.corpus.workers import Tell

BAR = "{desc} {percentage:3.0f} % |{bar}| {elapsed} spent, {remaining} left"

_CORPUS_OPTIONS = (
    click.option(
        "--corpus",
        metavar="PATH",
        help="File or folder of .txt, .md, .jsonl (also .gz, .bz2, .zst) or .parquet; a folder with a finished corpus; "
        "or hub:OWNER/NAME[:config][:split], which is streamed. Default: Python's standard library.",
    ),
    click.option("--vocabulary", type=int, help="Train a byte-pair encoding of so many tokens. Default: bytes."),
    click.option("--tokenizer", metavar="FILE", help="Use an existing tokenizer.json instead."),
    click.option("--text-column", default="text", show_default=True, help="Where .jsonl, .parquet, hub keep text."),
    click.option("--max-bytes", help="Read about this much text, such as '200 MB'. Default: all; of the hub 1 GB."),
    click.option("--allow-repeats", is_flag=True, help="Read a corpus that is too small more than once."),
)

sweep_argument = click.argument("sweep")
out_option = click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder that records the runs.")
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), help="Runs at once. Default: one per core or GPU."
)
device_option = click.option("--device", help=f"{' or '.join(DEVICES)}. Default: a GPU where there is one.")
gpus_option = click.option(
    "--gpus-per-run",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="GPUs of one machine that train a run together, where it would fill one.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def reads(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options that say what to read; it gets them as `source`."""

    @wraps(command)
    def with_source(
        *,
        corpus: str | None,
        vocabulary: int | None,
        tokenizer: str | None,
        text_column: str,
        max_bytes: str | None,
        **others: Any,
    ) -> None:
        source = Source(
            place=corpus,
            vocabulary=vocabulary,
            tokenizer=tokenizer,
            text_column=text_column,
            max_bytes=None if max_bytes is None else round(read(max_bytes, "bytes", name="--max-bytes")),
        )
        command(source=source, **others)

    for option in reversed(_CORPUS_OPTIONS):
        with_source = option(with_source)
    return with_source


@contextmanager
def corpus_bar(*, quiet: bool) -> Iterator[Tell]:
    """What draws a bar for each stage of building a corpus, on a terminal only."""
    from tqdm import tqdm

    bars: dict[str, Any] = {}

    def tell(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            for bar in bars.values():
                bar.close()
            off = True if quiet else None
            bars[stage] = tqdm(desc=stage, total=total, leave=False, disable=off, bar_format=BAR)
        bars[stage].update(done - bars[stage].n)

    try:
        yield tell
    finally:
        for bar in bars.values():
            bar.close()
