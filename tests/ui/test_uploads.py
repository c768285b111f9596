"""Uploads as strangers send them: each spoiled file gives its sentence within a second, each odd good one a table."""

import gzip
import io
import json
import time
import zipfile
from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from planner.errors import PlannerError
from planner.runs import load_runs
from planner.ui.uploads import MOST_BYTES, guessed, read_upload, read_uploads

HEADER = "params,tokens,loss\n"
GOOD = HEADER + "1e6,2e7,4.1\n2e6,4e7,3.8\n"


def parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def archive(inside: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(inside, "x" * 100)
    return file.getvalue()


def zeros(size: int) -> bytes:
    return b"0" * size


SPOILED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("runs.csv", lambda: b"", "is empty"),
    "blanks": ("runs.csv", lambda: b" \n\n\t \n", "is empty"),
    "header alone": ("runs.csv", lambda: HEADER.encode(), "a header but no rows"),
    "no header": ("runs.csv", lambda: b"1e6,2e7,4.1\n2e6,4e7,3.8\n", "no header"),
    "one column": ("runs.csv", lambda: b"params tokens loss\n1 2 3\n", "one column only"),
    "200,000 columns": (
        "runs.csv",
        lambda: ",".join(f"c{i}" for i in range(200_000)).encode() + b"\n1",
        "200,000 columns",
    ),
    "200,000 quoted columns": (
        "runs.csv",
        lambda: ",".join(f'"c,{i}"' for i in range(200_000)).encode(),
        "columns; at",
    ),
    "too many rows": ("runs.csv", lambda: GOOD.encode() + b"1,2,3\n" * 50_001, "more than 50,000 rows"),
    "too many lines of JSON": ("runs.jsonl", lambda: b'{"a":1}\n' * 50_001, "more than 50,000 rows"),
    "too large": ("runs.csv", lambda: zeros(MOST_BYTES + 1), "at most 10.0 MB are read"),
    "200 MB": ("runs.csv", lambda: zeros(200_000_000), "200 MB; at most"),
    "gzip bomb": ("runs.csv.gz", lambda: gzip.compress(zeros(300_000_000), 1), "unpacks to more than"),
    "gzip in gzip": ("runs.csv.gz", lambda: gzip.compress(gzip.compress(GOOD.encode())), "packed twice"),
    "broken gzip": ("runs.csv.gz", lambda: gzip.compress(GOOD.encode())[:-12], "damaged gzip"),
    "Parquet of repeated nothing": (
        "runs.parquet",
        lambda: parquet(pa.table({"params": pa.array([0.0] * 10_000_000)})),
        "more than 50,000 rows",
    ),
    "Parquet of one long text": (
        "runs.parquet",
        lambda: parquet(pa.table({"params": pa.DictionaryArray.from_arrays([0] * 40_000, ["x" * 100_000])})),
        "far too long",
    ),
    "Parquet without its end": ("runs.parquet", lambda: parquet(pa.table({"a": [1.0]}))[:-6], "damaged Parquet"),
    "Parquet of noise": (
        "runs.parquet",
        lambda: b"PAR1" + bytes(range(256)) * 9 + b"\x10\0\0\0PAR1",
        "damaged Parquet",
    ),
    "Parquet of lists alone": ("runs.parquet", lambda: parquet(pa.table({"a": [[1], [2]]})), "no column of numbers"),
    "Parquet of 300 columns": (
        "runs.parquet",
        lambda: parquet(pa.table({f"c{i}": [1.0] for i in range(300)})),
        "300 columns",
    ),
    "spreadsheet": ("runs.csv", lambda: archive("xl/workbook.xml"), "spreadsheet (.xlsx). Save it as CSV"),
    "old spreadsheet": ("runs.xls", lambda: b"\xd0\xcf\x11\xe0" + zeros(600), "old spreadsheet"),
    "archive": ("runs.zip", lambda: archive("runs.csv"), "ZIP archive"),
    "picture": ("runs.csv", lambda: b"\x89PNG\r\n\x1a\n" + zeros(99), "a picture"),
    "document": ("runs.csv", lambda: b"%PDF-1.7 ...", "PDF document"),
    "pickle": ("runs.csv", lambda: b"\x80\x04\x95\x10\0\0\0\0\0\0\0", "never opened"),
    "binary": ("runs.csv", lambda: bytes(range(256)) * 40, "is not text"),
    "web page": ("runs.csv", lambda: b"<!DOCTYPE html><script>alert(1)</script>", "web page"),
    "ragged": ("runs.csv", lambda: GOOD.encode() + b"1,2,3,4,5\n", "Line 4 of runs.csv has 5 cells, its header 3"),
    "open quotation": ("runs.csv", lambda: GOOD.encode() + b'"1e6,2,3\n4,5,6\n', "Line 5 of runs.csv cannot be read"),
    "twins": ("runs.csv", lambda: b"loss,loss,params\n1,2,3\n", "two columns called 'loss'"),
    "endless cell": ("runs.csv", lambda: GOOD.encode() + b"x" * 60_000 + b",2,3\n", "60,000 characters"),
    "decimal or thousand": ("runs.csv", lambda: b"params;loss\n1e6;2,345\n1e7;1,987\n", "a decimal or a thousand"),
    "no JSON": ("runs.jsonl", lambda: b'{"params": 1}\n{params: 2}\n', "Line 2 of runs.jsonl is no JSON"),
    "JSON of numbers": ("runs.json", lambda: b"[1, 2, 3]", "is no record"),
    "JSON nested without end": ("runs.json", lambda: b"[" * 200_000, "nested too deeply"),
    "JSON of lists alone": ("runs.jsonl", lambda: b'{"a": [1]}\n{"a": {"b": 2}}', "no plain values"),
    "JSON of many columns": (
        "runs.jsonl",
        lambda: json.dumps({f"c{i}": 1 for i in range(300)}).encode(),
        "300 columns",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_upload_gives_its_sentence_within_a_second(name: str) -> None:
    called, make, said = SPOILED[name]
    content = make()
    before = time.process_time()
    with pytest.raises(PlannerError) as caught:
        read_upload(called, content)
    assert time.process_time() - before < 1
    assert said in f"{caught.value.problem} {caught.value.mend}"
    assert caught.value.mend
    assert len(caught.value.problem) < 300


FRAME = pd.DataFrame({"params": [1e6, 2e6], "tokens": [2e7, 4e7], "loss": [4.1, 3.8]})
ODD: dict[str, tuple[str, bytes, str]] = {
    "plain": ("runs.csv", GOOD.encode(), ""),
    "semicolons and decimal commas": (
        "runs.csv",
        b"params;tokens;loss\n1e6;2e7;4,1\n2e6;4e7;3,8\n",
        "Decimal commas are read as points.",
    ),
    "tabs in a .csv": ("runs.csv", GOOD.replace(",", "\t").encode(), "a tab stands between the cells."),
    "UTF-16": ("runs.csv", GOOD.encode("utf-16"), ""),
    "UTF-16 without its mark": ("runs.csv", GOOD.encode("utf-16-le"), ""),
    "UTF-8 with its mark": ("runs.csv", GOOD.encode("utf-8-sig"), ""),
    "Windows": (
        "runs.csv",
        "name,params,tokens,loss\ngröße,1e6,2e7,4.1\nä,2e6,4e7,3.8\n".encode("cp1252"),
        "Windows-1252",
    ),
    "lines of an old Mac": ("runs.csv", GOOD.replace("\n", "\r").encode(), ""),
    "packed": ("runs.csv.gz", gzip.compress(GOOD.encode()), "The file is unpacked."),
    "wrong ending": ("runs.parquet", GOOD.encode(), ""),
    "lines of JSON": ("runs.csv", FRAME.to_json(orient="records", lines=True).encode(), ""),
    "list of JSON": ("runs.json", FRAME.to_json(orient="records").encode(), ""),
    "Parquet": ("runs.parquet", parquet(pa.Table.from_pandas(FRAME)), ""),
    "Parquet with lists": (
        "runs.parquet",
        parquet(pa.Table.from_pandas(FRAME).append_column("curve", [[[1.0], [2.0]]])),
        "Left out, because they hold no numbers or texts: curve.",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_upload_is_the_table_that_was_meant(name: str) -> None:
    called, content, note = ODD[name]
    table = read_upload(called, content)
    assert note in " ".join(table.notes)
    assert bool(table.notes) == bool(note)
    runs = load_runs(table.frame)
    for column in FRAME:
        assert list(runs.column(column)) == pytest.approx(list(FRAME[column]))


def test_rows_are_numbered_as_an_editor_numbers_their_lines() -> None:
    table = read_upload("runs.csv", b"params,tokens,loss\n\n1,2,3\n\n4,5,6\n")
    assert list(table.frame.index) == [3, 5]


def test_the_name_of_a_file_is_never_a_path() -> None:
    table = read_upload("../../etc/passwd\n<b>", GOOD.encode())
    assert table.name == "../../etc/passwd <b>"


@pytest.mark.parametrize("cell", ["=1+1", "+SUM(A1)", "@x", "![x](http://evil.example/p.png)", "<img src=x>"])
def test_cells_of_formulas_and_markup_stay_text(cell: str) -> None:
    table = read_upload("runs.csv", f"{HEADER}{cell},2e7,4.1\n".encode())
    assert table.frame["params"].iloc[0] == cell


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["Model Size", "Train tokens", "eval/loss"],
         {"params": "Model Size", "tokens": "Train tokens", "loss": "eval/loss"}),
        (["N", "D", "C", "L"], {"params": "N", "tokens": "D", "flops": "C", "loss": "L"}),
        (["Name", "State", "config.n_params", "tokens_seen", "val/loss", "train/loss"],
         {"params": "config.n_params", "tokens": "tokens_seen", "loss": "val/loss", "status": "State"}),
        (["parameters (non-embedding)", "tokens", "loss"],
         {"params": "parameters (non-embedding)", "tokens": "tokens", "loss": "loss"}),
        (["<b>", "=1+1"], {}),
    ],
)  # fmt: skip
def test_columns_are_recognised_by_what_people_call_them(names: list[str], found: dict[str, str]) -> None:
    assert guessed(names) == found


BOARD = b"Wall time,Step,Value\n1.0,10,4.2\n2.0,20,3.9\n3.0,30,3.7\n"
WANDB = b"""Step,small - val/loss,small - val/loss__MIN,small - val/loss__MAX,big - val/loss
10,4,4,4,
20,3,3,3,2.5
"""


def test_curves_of_tensorboard_become_a_row_for_each_run() -> None:
    table = read_uploads([("run-a-tag-loss.csv", BOARD), ("run-b-tag-loss.csv", BOARD.replace(b"3.7", b"3.1"))])
    assert list(table.frame["run"]) == ["a", "b"]
    assert list(table.frame["loss"]) == ["3.7", "3.1"]
    assert table.frame["params"].isna().all()
    assert "Fill in parameters" in table.notes[0]


def test_a_chart_of_weights_and_biases_becomes_a_row_for_each_run() -> None:
    table = read_uploads([("wandb_export.csv", WANDB)])
    assert list(table.frame["run"]) == ["small", "big"]
    assert list(table.frame["loss"]) == ["3", "2.5"]


def test_a_table_among_curves_is_told() -> None:
    with pytest.raises(PlannerError, match=r"runs.csv is a table of runs"):
        read_uploads([("a.csv", BOARD), ("runs.csv", GOOD.encode())])
