"""Many small files become one file with the same rows, or stay apart."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.csv_files.rows import read_rows
from etl_core.loading.combined_file import MIN_FILES, combine
from etl_core.loading.data_file import CopyShape, DataFile, Head, Part
from etl_core.loading.file_scan import scan_small
from etl_core.model.errors import CopyRefusedError, LoadErrorLine
from etl_core.model.object_versions import StoredVersion
from etl_core.model.status import Status
from etl_core.schema_files.schema_file import CsvOptions
from tests.builders import LAKE, WORK, a_column, a_spec
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline

CSV = CsvOptions()
HEADER = b"id,name\n"


def a_part(content: bytes, compression: str | None = None, csv: CsvOptions = CSV) -> Part:
    version = StoredVersion("lake", "k.csv", "v1", "", len(content), True)
    file = DataFile("id", version, compression, Head(content, iter(())), "s3://lake/k.csv", False)
    shape = CopyShape(("id", "name"), compression, csv)
    scan = scan_small(file, shape, a_spec(a_column("id"), a_column("name", "VARCHAR(20)")))
    return Part(file, shape, None if scan is None else scan.rows)


def parts(*contents: bytes) -> list[Part]:
    """Return enough parts to be combined: the given ones, and plain ones."""
    plain = [HEADER + b"%d,x\n" % number for number in range(MIN_FILES - len(contents))]
    return [a_part(content) for content in (*contents, *plain)]


def rows_of(content: bytes) -> list[list[str]]:
    return [row.fields for row in read_rows([content], CSV)]


CONTENTS = st.lists(
    st.sampled_from(["1", "a b", ",", "\n", "\r\n", "\r", '"', '""', "é", "\x1a", "\t", "\ufeff"]),
    max_size=12,
).map(lambda pieces: "".join(pieces).encode())


@given(st.lists(CONTENTS, min_size=1, max_size=3), st.sampled_from([b"\n", b"\r\n"]))
def test_a_combined_file_has_the_rows_of_all_files(contents: list[bytes], end: bytes) -> None:
    files = [
        a_part(b"id,name" + end + content)
        for content in [*contents, *[b"7,plain" + end] * MIN_FILES]
    ]
    files = [part for part in files if part.rows is not None]

    combined = combine(files)

    if combined is not None:
        wanted = [rows_of(next(iter(part.file.head))) for part in files]
        assert rows_of(combined) == [row for rows in wanted for row in rows]


def test_the_header_comes_first_and_a_missing_line_end_is_added() -> None:
    combined = combine(parts(b"id,name\n1,a", b'\xef\xbb\xbfid,name\n2,"b\nb"\n'))

    assert combined is not None
    assert combined.startswith(b'id,name\n1,a\n2,"b\nb"\n0,x\n')
    assert combined.count(HEADER) == 1


@pytest.mark.parametrize("last", [b"8,x", b"8,x\n", b""])
def test_files_without_a_header_keep_their_first_rows(last: bytes) -> None:
    csv = CsvOptions(header="none")
    contents = [*(b"%d,x\n" % number for number in range(MIN_FILES)), last]

    combined = combine([a_part(content, csv=csv) for content in contents])

    rows = [row.fields for row in read_rows([combined or b""], csv)]
    assert rows == [[str(number), "x"] for number in range(MIN_FILES + bool(last))]


def test_compressed_files_are_combined_without_compression() -> None:
    files = [
        a_part(gzip.compress(HEADER + b"%d,x\n" % number), "GZIP") for number in range(MIN_FILES)
    ]

    assert rows_of(combine(files) or b"") == [[str(number), "x"] for number in range(MIN_FILES)]


@pytest.mark.parametrize(
    "content",
    [
        b"id,name\r\n1,a\r\n",
        b"id,name\n1,a\r\n",
        b"id,name\n1,a\r",
        b"id,name\n1,a\x1a",
        b"id,name\n1,\x00\n",
        b'id,"na\nme"\n1,a\n',
    ],
    ids=["other line end", "mixed line ends", "CR at the end", "SUB", "NUL", "header of two lines"],
)
def test_a_file_that_could_change_its_meaning_is_not_combined(content: bytes) -> None:
    assert combine(parts(content)) is None
    assert combine(parts()) is not None


def test_files_that_are_few_large_or_not_utf_8_are_not_combined() -> None:
    assert combine(parts()[1:]) is None
    utf_16 = [
        a_part("id,name\n1,a\n".encode("utf-16"), csv=CsvOptions(encoding="UTF16"))
        for _ in range(MIN_FILES)
    ]
    assert combine(utf_16) is None
    bomb = gzip.compress(HEADER + b"1,a\n" * (1 << 19))
    assert combine([*parts(), a_part(bomb, "GZIP")]) is None


def put_pending(pipeline: InMemoryPipeline, count: int) -> None:
    for number in range(count):
        key, content = f"dev/append/t/{number}.csv", HEADER + b"%d,x\n" % (number + 10)
        pipeline.backlog.note(pipeline.put(key, content))


def refuse(pipeline: InMemoryPipeline, key: str) -> None:
    """Let the next COPY be refused; a trial COPY then finds line 2 of this file."""
    pipeline.on("COPY", CopyRefusedError("load into table t failed"))
    line = LoadErrorLine(f"s3://{LAKE}/{key}", 2, "id", "int4", 1207, "Invalid digit")
    pipeline.warehouse.refused = [line]


def test_a_copy_reads_the_combined_file_and_each_upload_gets_its_rows(
    pipeline: InMemoryPipeline,
) -> None:
    put_pending(pipeline, MIN_FILES)
    # COPY does not read the object, so it may change at that moment.
    pipeline.on("COPY", lambda: pipeline.put("dev/append/t/1.csv", HEADER + b"99,new\n"))

    outcome = pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n7,g\n")

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 2)
    loaded = [[str(number + 10), "x"] for number in range(MIN_FILES)]
    assert sorted(pipeline.warehouse.table("t") or []) == sorted(
        [*ROWS, ["6", "f"], ["7", "g"], *loaded]
    )
    manifest = json.loads(pipeline.store.current(pipeline.warehouse.copies[-1].source.manifest_url))
    [entry] = manifest["entries"]
    assert entry["url"].startswith(f"s3://{WORK}/combined/")
    assert pipeline.warehouse.log.count("COPY") == 1
    rows = {row["s3_key"]: row["rows_loaded"] for row in pipeline.warehouse.ledger("public__t")}
    assert [rows[f"dev/append/t/{number}.csv"] for number in range(MIN_FILES)] == [1] * MIN_FILES


def test_a_refused_combined_file_leaves_out_the_file_at_fault(pipeline: InMemoryPipeline) -> None:
    put_pending(pipeline, MIN_FILES)
    refuse(pipeline, "dev/append/t/3.csv")

    outcome = pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert outcome.status is Status.LOADED
    keys = {row["s3_key"] for row in pipeline.warehouse.ledger("public__t")}
    assert "dev/append/t/3.csv" not in keys
    assert len(pipeline.warehouse.table("t") or []) == len(ROWS) + 1 + MIN_FILES - 1


def test_the_upload_itself_is_explained_by_its_own_lines(pipeline: InMemoryPipeline) -> None:
    put_pending(pipeline, MIN_FILES)
    refuse(pipeline, "dev/append/t/d.csv")

    outcome = pipeline.drop("dev/append/t/d.csv", b"id,name\nx6,f\n")

    assert outcome.error is not None
    assert "line 2, column 'id', value 'x6'" in outcome.error.message


def test_a_refused_combined_file_whose_fault_nobody_finds_is_loaded_from_the_files(
    pipeline: InMemoryPipeline,
) -> None:
    put_pending(pipeline, MIN_FILES)
    pipeline.on("COPY", CopyRefusedError("load into table t failed"))

    outcome = pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert outcome.status is Status.LOADED
    manifest = json.loads(pipeline.store.current(pipeline.warehouse.copies[-1].source.manifest_url))
    assert len(manifest["entries"]) == MIN_FILES + 1
