"""Files with ignored columns or skipped rows: COPY reads a copy that has only what is loaded."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.csv_files.rows import read_rows
from etl_core.csv_files.written_rows import RowWriter
from etl_core.model.status import Status
from etl_core.schema_files.schema_file import CsvOptions
from tests.builders import WORK, a_schema_file
from tests.etl_core.in_memory_pipeline import InMemoryPipeline


def a_pipeline(**csv: Any) -> InMemoryPipeline:
    """Return a pipeline with a table t (id integer, name varchar(20))."""
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file(csv=csv))
    return pipeline


def copied(pipeline: InMemoryPipeline) -> bytes:
    """Return the copy that COPY read."""
    [name] = {key for bucket, key in pipeline.store.versions if key.startswith("rewritten/")}
    return pipeline.store.versions[WORK, name][-1]


def test_ignored_columns_are_not_loaded() -> None:
    pipeline = a_pipeline(ignore_columns=["", "Note"])
    outcome = pipeline.drop("dev/append/t/x.csv", b',name,note,ID\n0,"a,b",x,1\n1,"c\r\nd","y",2')

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 2)
    assert pipeline.warehouse.copies[-1].columns == ("name", "id")
    assert copied(pipeline) == b'name,ID\n"a,b",1\n"c\r\nd",2\n'
    assert pipeline.warehouse.table("t") == [["a,b", "1"], ["c\r\nd", "2"]]


def test_a_file_without_the_ignored_columns_is_read_as_it_is() -> None:
    pipeline = a_pipeline(ignore_columns="note")
    pipeline.drop("dev/append/t/x.csv", b"id,name\n1,a\n")

    assert not any(key.startswith("rewritten/") for _, key in pipeline.store.versions)
    assert pipeline.warehouse.table("t") == [["1", "a"]]


def test_the_copy_of_a_compressed_file_is_not_compressed() -> None:
    pipeline = a_pipeline(ignore_columns="x", delimiter=";")
    pipeline.drop(
        "dev/append/t/x.csv.gz", gzip.compress("id;x;name\n1;;é;\n".encode()[:-2] + b"\n")
    )

    assert copied(pipeline) == "id;name\n1;é\n".encode()
    assert pipeline.warehouse.copies[-1].source.compression is None


def test_a_file_in_utf_16_stays_in_its_encoding() -> None:
    pipeline = a_pipeline(ignore_columns="x", encoding="UTF16LE")
    upload = pipeline.put("dev/append/t/x.csv", "id,x,name\n1,2,é\n".encode("utf-16-le"))
    pipeline.warehouse.hook = lambda word, _: None
    with pytest.raises(UnicodeDecodeError):  # the fake reads only UTF-8
        pipeline.load(upload)

    assert copied(pipeline).decode("utf-16-le") == "id,name\n1,é\n"


def test_rows_that_are_skipped_and_columns_that_are_ignored() -> None:
    pipeline = a_pipeline(ignore_columns="x", empty_rows="skip")
    pipeline.drop("dev/append/t/x.csv", b"id,x,name\n1,2,a\n,,\n3,4,b\n")

    assert copied(pipeline) == b"id,name\n1,a\n\n3,b\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"id,x,name\n1,2,a\n3,4\n", "line 3"),
        (b'id,x,name\n1,2,a\n3,4,b"c\n', "line 3"),
        (b'id,x,name\n1,2,"a\n3,4,b\n', "line 2"),
    ],
)
def test_a_row_that_cannot_be_split_refuses_the_file(content: bytes, says: str) -> None:
    pipeline = a_pipeline(ignore_columns="x")
    outcome = pipeline.drop("dev/append/t/x.csv", content)

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert says in outcome.error.message
    assert pipeline.warehouse.table("t") == []


def test_a_late_truncate_loads_such_files_again() -> None:
    pipeline = a_pipeline(ignore_columns="x")
    late = pipeline.put("dev/truncate/t/all.csv", b"id,name\n7,g\n")
    pipeline.drop("dev/append/t/x.csv", b"id,x,name\n1,2,a\n")
    outcome = pipeline.load(late)

    assert outcome.status is Status.LOADED
    assert sorted(pipeline.warehouse.table("t") or []) == [["1", "a"], ["7", "g"]]


@given(
    st.lists(
        st.lists(st.text("ab, ;\"'\r\n\t\ud8ff\x01é", max_size=6), min_size=2, max_size=3),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([(",", '"'), (";", "'"), ("\t", '"'), (" ", '"'), ("\x01", '"')]),
)
def test_written_rows_are_read_with_the_same_fields(
    rows: list[list[str]], dialect: tuple[str, str]
) -> None:
    rows = [[field.replace("\ud8ff", "\udcff") for field in row] for row in rows]
    options = CsvOptions(delimiter=dialect[0], quote=dialect[1], header="none")
    content = "".join(map(RowWriter(options).line, rows)).encode("utf-8", "surrogateescape")

    assert [row.fields for row in read_rows([content], options)] == rows
