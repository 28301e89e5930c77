"""Which rows of a file are bad, and that nothing is lost: bad rows and other rows are the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from etl_core.csv_files import bad_rows
from etl_core.csv_files.bad_rows import (
    BadRows,
    TooManyBadRowsError,
    UncertainRowsError,
    find_bad_rows,
)
from etl_core.csv_files.findings import Findings
from etl_core.csv_files.loadable_rows import loadable_rows
from etl_core.csv_files.row_check import RowCheck
from etl_core.csv_files.rows import CsvRow, read_rows
from etl_core.csv_files.scan import as_utf8, is_empty_row
from etl_core.schema_files.schema_file import SchemaFile
from tests.builders import a_column, a_spec

COLUMNS = ("id", "name", "day", "price")
PLAIN = (
    a_column("id", "SMALLINT", nullable=False),
    a_column("name", "VARCHAR(5)"),
    a_column("day", "DATE"),
    a_column("price", "NUMERIC(4,2)"),
)
HEADER = b"id,name,day,price\n"


def spec_of(**options: Any) -> SchemaFile:
    return a_spec(*PLAIN, csv=options)


def pieces_of(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def find(content: bytes, size: int = 7, **options: Any) -> BadRows:
    header = () if options.get("header") == "none" else COLUMNS
    return find_bad_rows(pieces_of(content, size), COLUMNS, header, spec_of(**options))


def without_bad(content: bytes, bad: BadRows, size: int = 5, *, keeps_lines: bool = True) -> bytes:
    return b"".join(bad.removed_from(pieces_of(content, size), keeps_lines=keeps_lines))


def reasons(bad: BadRows) -> list[list[str]]:
    return list(csv.reader(io.StringIO(bad.reasons.decode())))


def test_bad_rows_are_kept_as_they_are_written() -> None:
    content = HEADER + b'1,a,2024-01-02,1\r\nx,"b\r\nc",2024-01-02,1\r\n2,abcdef,2024-01-32,1\n3,,,'
    bad = find(content)

    assert bad.header == HEADER
    assert bad.rows == b'x,"b\r\nc",2024-01-02,1\r\n2,abcdef,2024-01-32,1\n'
    assert (bad.good, bad.count) == (2, 2)
    assert without_bad(content, bad) == HEADER + b"1,a,2024-01-02,1\r\n\n\n\n3,,,"
    assert without_bad(content, bad, keeps_lines=False) == HEADER + b"1,a,2024-01-02,1\r\n3,,,"


def test_the_reasons_name_line_column_value_and_every_fault() -> None:
    bad = find(HEADER + b"1,,,\n,abcdef,2024-01-32,1\n1,2\n")

    [header, *rows] = reasons(bad)
    assert header == ["line", "column", "value", "reason"]
    assert [row[:3] for row in rows] == [
        ["3", "id", ""], ["3", "name", "abcdef"], ["3", "day", "2024-01-32"], ["4", "", "1,2"],
    ]  # fmt: skip
    assert "VARCHAR" in rows[1][3] or "5" in rows[1][3]


def test_a_byte_order_mark_is_no_part_of_the_kept_header() -> None:
    bad = find(b"\xef\xbb\xbf" + HEADER + b"x,,,\n")

    assert (bad.header, bad.rows) == (HEADER, b"x,,,\n")


def test_the_last_row_gets_a_line_end() -> None:
    assert find(HEADER + b"1,,,\nx,,,").rows == b"x,,,\n"


def test_a_file_without_a_header_has_none_in_the_quarantine() -> None:
    bad = find(b"x,,,\n1,,,\n", header="none")

    assert (bad.header, bad.rows, bad.good) == (b"", b"x,,,\n", 1)


@pytest.mark.parametrize("encoding", ["UTF16", "UTF16LE"])
def test_utf_16_is_kept_as_utf_8(encoding: str) -> None:
    codec = {"UTF16": "utf-16", "UTF16LE": "utf-16-le"}[encoding]
    content = (HEADER + "1,é,,\nx,é,,\n2,ü,,\n".encode()).decode().encode(codec)
    bad = find(content, encoding=encoding)

    text = as_utf8(pieces_of(content, 3), spec_of(encoding=encoding).csv)
    assert bad.rows == "x,é,,\n".encode()
    assert b"".join(bad.removed_from(text, keeps_lines=False)) == (
        HEADER + "1,é,,\n2,ü,,\n".encode()
    )


def test_values_that_copy_cuts_are_bad_only_if_the_schema_file_refuses_them() -> None:
    content = HEADER + b"1,,2024-01-02 10:00,1\n2,,,1.005\n3,,,\n"

    assert find(content).count == 0
    assert [each.kind for each in find(content).warnings] == [
        "value.time_lost",
        "value.decimals_cut",
    ]
    assert find(content, on_lossy="reject").count == 2
    assert find(content, on_lossy="reject").warnings == ()


def test_warnings_count_only_rows_that_are_loaded() -> None:
    bad = find(HEADER + b"x,,,1.005\n1,,,1.005\n")

    assert [(each.kind, each.count, each.first.line) for each in bad.warnings] == [
        ("value.decimals_cut", 1, 3)
    ]


@pytest.mark.parametrize(
    ("option", "expected"), [("load", (1, 1)), ("skip", (0, 1)), ("reject", (1, 1))]
)
def test_rows_without_values(option: str, expected: tuple[int, int]) -> None:
    """`id` is NOT NULL, so that a row without values cannot be loaded."""
    bad = find(HEADER + b",,,\n1,,,\n\n", empty_rows=option)

    assert (bad.count, bad.good) == expected


def test_an_ambiguous_date_is_bad_without_a_format() -> None:
    content = HEADER + b"1,,01/02/2024,\n2,,2024-02-01,\n"

    assert find(content).rows == b"1,,01/02/2024,\n"
    assert find(content, date_format="auto").count == 0


def test_a_quote_in_a_value_is_one_bad_row() -> None:
    bad = find(HEADER + b'1,5",,\n2,a,,\n')

    assert (bad.rows, bad.good) == (b'1,5",,\n', 1)


@pytest.mark.parametrize("rows", [b'1,"a,,\n2,b,,\n', b'1,"a,,\n2,b,,\n3,"c",,\n4,"d,,\n5,e,,\n'])
def test_a_quote_that_may_hide_other_rows_refuses_the_file(rows: bytes) -> None:
    with pytest.raises(UncertainRowsError) as refused:
        find(HEADER + rows)
    assert refused.value.first.line == 2


def test_more_bad_rows_than_can_be_kept_refuse_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bad_rows, "MOST_BAD_ROWS", 2)
    assert find(HEADER + b"x,,,\n" * 2).count == 2
    with pytest.raises(TooManyBadRowsError):
        find(HEADER + b"x,,,\n" * 3)

    monkeypatch.setattr(bad_rows, "MOST_BAD_BYTES", 200)
    with pytest.raises(TooManyBadRowsError):
        find(HEADER + b"x," + b"y" * 200 + b",,\n")


def test_a_value_that_is_not_utf8_is_kept_in_its_row_and_readable_in_the_reasons() -> None:
    bad = find(HEADER + b"1,\xff,,\n")

    assert bad.rows == b"1,\xff,,\n"
    assert reasons(bad)[1][2] == "\ufffd"


def test_a_line_number_without_the_bad_rows_becomes_that_of_the_file() -> None:
    bad = find(HEADER + b'1,,,\nx,"\n",,\n2,,,\nx,,,\n3,,,\n')

    assert [bad.line_before(line) for line in (-1, 1, 2, 3, 4)] == [-1, 1, 2, 5, 7]


FIELDS = st.one_of(
    st.sampled_from(
        [
        "1", "-32768", "32767", "32768", "99999", "+1", "1.0", ".", "a", "abcde", "abcdef", "é", "éé",
        "ééé", "2024-02-29", "2023-02-29", "2024-04-31", "2024-12-31", "0000-01-01", "01/02/2024",
        "2024-01-02T10:00", "1.25", "1.255", "99.99", "100", "-0", "\\N", "NA", "true"
    ]
    ),
    st.sampled_from(["", " ", "a ", "abcde  ", '"a"', '"a""b"', '"a\nb"', '"x', "\x00", "a\r", "é\n"]),
    st.text("ab1é,\"\n\r \t.-", max_size=4),
)  # fmt: skip
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "on_lossy": st.sampled_from(["warn", "reject", "ignore"]),
        "empty_rows": st.sampled_from(["load", "skip", "reject"]),
        "empty_as_null": st.booleans(),
        "blank_as_null": st.booleans(),
        "null_as": st.sampled_from(["NA", "1", "a"]),
        "date_format": st.sampled_from(["auto", "YYYY-MM-DD", "DD/MM/YYYY"]),
    },
)
ROWS = st.lists(
    st.lists(FIELDS, min_size=3, max_size=5).map(",".join) | st.just("1,a,2024-01-02,1.5"),
    max_size=12,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.sampled_from(["\n", "\r\n"]), OPTIONS, st.integers(1, 40), st.booleans())
@example(["1,\\N,,", ",,,"], "\n", {"empty_rows": "skip"}, 3, False)
def test_bad_and_good_rows_are_the_file(
    rows: list[str], ending: str, options: dict[str, Any], size: int, not_null_text: bool
) -> None:
    columns = (PLAIN[0], PLAIN[1] | {"nullable": not not_null_text}, *PLAIN[2:])
    spec = a_spec(*columns, csv=options)
    content = HEADER + "".join(row + ending for row in rows).encode()
    try:
        bad = find_bad_rows(pieces_of(content, size), COLUMNS, COLUMNS, spec)
    except UncertainRowsError:
        assume(False)
    check, findings = RowCheck(COLUMNS, spec, COLUMNS), Findings(spec)

    def count(text: bytes) -> int:
        """Return how many rows the text has, without empty lines and skipped rows."""
        found = [row for row in read_rows([text], spec.csv) if row.fault or row.fields != [""]]
        return sum(not is_skipped(row) for row in found)

    def is_skipped(row: CsvRow) -> bool:
        return spec.csv.empty_rows == "skip" and is_empty_row(row, len(COLUMNS))

    kept = without_bad(content, bad)
    good = list(read_rows([kept], spec.csv))
    # Every byte is in one of the two.
    rest, aside = io.BytesIO(without_bad(content, bad, keeps_lines=False)), io.BytesIO(bad.rows)
    rebuilt = b""
    for extent in bad.extents:
        rebuilt += rest.read(extent.start - len(rebuilt)) + aside.read(extent.end - extent.start)
    assert rebuilt + rest.read() == content
    assert aside.read() == b""
    # Every row is.
    assert (bad.good, bad.good + bad.count) == (count(kept), count(content))
    # What is kept fits, and what is set aside does not.
    for row in good:
        assert is_skipped(row) or not any(map(findings.is_fault, check.of_row(row)))
    for row in read_rows([bad.header + bad.rows], spec.csv):
        assert any(map(findings.is_fault, check.of_row(row)))
    # The other rows keep their lines.
    original = {row.line: row.fields for row in read_rows([content], spec.csv)}
    assert all(original[row.line] == row.fields for row in good if row.fields != [""])


TYPES = st.sampled_from(
    "SMALLINT INTEGER BIGINT NUMERIC(4,2) NUMERIC(2,2) NUMERIC(38,0) REAL BOOLEAN VARCHAR(3) CHAR(3) DATE TIMESTAMP "
    "TIMESTAMPTZ TIME TIMETZ SUPER VARBYTE(4)".replace("DOUBLE", "").split()
) | st.just("DOUBLE PRECISION")
VALUES = FIELDS | st.sampled_from(
    [
        "2024-01-02T10:00:00Z", "2024-01-02T10:00:00+02:00", "2024-01-02T24:00", "10:00", "24:00:00",
        "10:00:00.1234567", "1e5", "9999999999", "t", "yes", "2024-01-02T10:00:00.123456",
        "2024-01-02T10:00:00-09:30", "999999999999999999", "9223372036854775808", "0.000000001", "TRUE",
        "1234567", "16777217", "123456.7", "1234.5678", "9007199254740993", "0.30000000000000004",
        "0.12345678901234567", "123456789012345", "-99999999999999.9", "12345678901234567.8"
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(TYPES, VALUES, st.booleans(), st.booleans(), OPTIONS, st.sampled_from([",", ";", "\t"]))
def test_the_quick_pattern_matches_only_rows_that_load_as_they_are(
    kind: str,
    value: str,
    nullable: bool,
    quoted: bool,
    options: dict[str, Any],
    delimiter: str,
) -> None:
    spec = a_spec(
        a_column("id", "INTEGER"),
        a_column("v", kind, nullable=nullable),
        csv=options | {"delimiter": delimiter, "time_format": "auto"},
    )
    columns = ("id", "v")
    field = f'"{value}"' if quoted else value
    line = f"7{delimiter}{field}\n".encode()
    match = loadable_rows(columns, columns, spec).match(line)
    if match is None or match.end() < len(line):
        return
    rows = list(read_rows([line], spec.csv.model_copy(update={"header": "none"})))

    assert len(rows) == line.count(b"\n") == 1
    assert list(RowCheck(columns, spec, columns).of_row(rows[0])) == []


def test_the_quick_pattern_matches_common_rows() -> None:
    spec = a_spec(
        a_column("id", "INTEGER", nullable=False),
        a_column("name", "VARCHAR(20)", nullable=False),
        a_column("at", "TIMESTAMP"),
        a_column("price", "NUMERIC(10,2)"),
        a_column("ok", "BOOLEAN"),
    )
    columns = ("id", "name", "at", "price", "ok")
    text = '1,Zoë,2024-02-28 10:00:00,12.50,true\r\n2,"a, b",2024-12-31,,f\n3,,,-1,\n'.encode()
    match = loadable_rows(columns, columns, spec).match(text)

    assert match is not None
    assert match.end() == len(text)
