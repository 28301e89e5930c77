"""Refused rows: the value is read from the file, and the search for it never prevents the report."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator

import pytest

from etl_core.csv_files.compression import decompressed
from etl_core.loading.copy_refusals import describe_refusal
from etl_core.model.errors import CopyRefusedError, LoadErrorLine, ThrottledError
from etl_core.schema_files.schema_file import CsvOptions
from etl_core.upload_log.outcome import Failure


def refused(
    content: bytes,
    *lines: int,
    column: str = "b",
    options: CsvOptions | None = None,
    piece: int = 1 << 16,
) -> Failure:
    errors = [
        LoadErrorLine("s3://f", line, column, "int4", 1207, "Invalid digit. ") for line in lines
    ]
    pieces = (content[start : start + piece] for start in range(0, len(content), piece))
    return describe_refusal(
        CopyRefusedError("refused", errors), pieces, ("a", "b"), options or CsvOptions()
    ).failure


@pytest.mark.parametrize(
    ("content", "line", "place"),
    [
        (b"a,b\n1,x\n", 2, "line 2, column 'b' (int4), value 'x': Invalid digit (code 1207)"),
        (b"a,b\r\n1,x\r\n", 2, "value 'x'"),
        (b"a,b\n1,x", 2, "value 'x'"),
        (b'a,b\n1,"x ""y"", z"\n', 2, "value 'x \"y\", z'"),
        (b'a,b\n1,"x\ny"\n2,3\n', 2, "value 'x\\ny'"),
        (b"a,b\n1,\n", 2, "value ''"),
        ("a,b\n1,é\n".encode(), 2, "value 'é'"),
        (b"a,b\n1,\xff\n", 2, "value '\\xff'"),
        (
            b"a,b\n" + b"1,2\n" * 100_000 + b"1,x\n",
            100_002,
            "line 100002, column 'b' (int4), value 'x'",
        ),
        (b"a,b\n1," + b"x" * 500 + b"\n", 2, "... (500 bytes)"),
    ],
)
@pytest.mark.parametrize("piece", [5, 1 << 16])
def test_a_refused_value_is_reported_with_its_place_and_reason(
    content: bytes, line: int, place: str, piece: int
) -> None:
    if len(content) > 100_000 and piece == 5:
        piece = 999
    failure = refused(content, line, piece=piece)

    assert place in failure.message
    assert failure.details[0] in failure.message
    assert "Correct the file and upload it again" in failure.message


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [(b"a,b\n1\n", 2, "b"), (b"a,b\n", 9, "b"), (b"a,b\n1,x\n", 2, "c")],
)
def test_a_value_that_cannot_be_found_is_left_out(content: bytes, line: int, column: str) -> None:
    failure = refused(content, line, column=column)

    assert "value" not in failure.message
    assert "Invalid digit" in failure.message


@pytest.mark.parametrize("line", [-1, 0])
@pytest.mark.parametrize("column", ["b", ""])
def test_a_line_that_redshift_does_not_know_is_never_shown(line: int, column: str) -> None:
    def unread() -> Iterator[bytes]:
        raise AssertionError("the file need not be read")
        yield b""

    error = LoadErrorLine("s3://f", line, column, "int4", 1207, "Invalid digit. ")
    failure = describe_refusal(
        CopyRefusedError("refused", [error]), unread(), ("a", "b"), CsvOptions()
    ).failure

    assert "a row whose line is not known" in failure.message
    assert str(line) not in failure.message.replace("1207", "")


def test_rows_with_a_line_are_reported_before_those_without() -> None:
    failure = refused(b"a,b\n1,x\n2,y\n", -1, 3, 2)

    assert [detail.partition(",")[0] for detail in failure.details] == [
        "line 2",
        "line 3",
        "a row whose line is not known",
    ]


def test_an_error_of_the_whole_row_names_no_column() -> None:
    assert "line 2: Invalid digit" in refused(b"a,b\n1\n", 2, column="").message


def test_the_first_ten_refused_rows_are_reported_in_file_order() -> None:
    failure = refused(b"a,b\n" + b"1,x\n" * 20, *range(21, 1, -1))

    assert [line.split(",")[0] for line in failure.details] == [
        f"line {number}" for number in range(2, 12)
    ]


def test_the_delimiter_and_quote_of_the_file_are_used() -> None:
    assert (
        "value 'x;y'"
        in refused(b"a;b\n1;'x;y'\n", 2, options=CsvOptions(delimiter=";", quote="'")).message
    )


@pytest.mark.parametrize("error", [ThrottledError("slow down"), None])
def test_a_file_that_cannot_be_read_again_does_not_hide_the_refusal(
    error: Exception | None,
) -> None:
    def chunks() -> Iterator[bytes]:
        yield gzip.compress(b"a,b\n1,x\n")[:-12]
        if error:
            raise error

    lines = [LoadErrorLine("f", 900, "b", "int4", 1207, "Invalid digit")]
    failure = describe_refusal(
        CopyRefusedError("m", lines), decompressed(chunks(), "GZIP"), ("a", "b"), CsvOptions()
    ).failure

    assert "line 900, column 'b'" in failure.message


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'a,b\n1,"x\n' + b"an ordinary line of text, which has no end\n" * 200_000, 2),
        (b'a,b\n1,"x\n' + b"\n" * 3_000_000, 2),
        (b"a,b\n" + b"1,2\n" * 10_000_000, 9_000_000),
    ],
    ids=["open quote", "open quote and line breaks", "far down"],
)
def test_the_search_for_a_value_is_limited_in_time(content: bytes, line: int) -> None:
    started = time.process_time()
    assert "Invalid digit" in refused(content, line).message

    assert time.process_time() - started < 6
