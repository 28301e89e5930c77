"""Rows of common files take the fast path; rows that Redshift reads differently from PostgreSQL do not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.convert import RowConverter
from redshift_emulator.copy.fast_path import build_fast_path
from redshift_emulator.copy.rows import RowReader
from tests.redshift_emulator.copy.builders import column, numeric, options

MIXED = [
    Column("id", Kind.BIGINT, not_null=True),
    Column("n", Kind.INTEGER),
    numeric(8, 2),
    Column("f", Kind.DOUBLE),
    Column("b", Kind.BOOLEAN),
    Column("c", Kind.CHAR, 2),
    Column("v", Kind.VARCHAR, 8),
    Column("d", Kind.DATE),
    Column("t", Kind.TIMESTAMP),
    Column("z", Kind.TIMESTAMPTZ),
]
FULL = '1,2,3.45,6.7e8,true,ab,"x,""y",2024-01-31,2024-01-31 10:00:00,2024-01-31 10:00:00+02'
EMPTY = "1,,,,,,,,,"
NULLS = "1,NA,NA,NA,NA,NA,NA,NA,NA,NA"
ISO = "1,2,3,4,f,a,é,2024-01-31,2013-01-01T10:00:00Z,2013-01-01T10:00:00.123Z"


def takes_fast_path(
    rows: bytes, columns: list[Column], parameters: str = "", newline: bytes = b"\n"
) -> bool:
    return build_fast_path(columns, options(parameters), newline).accept(rows, 0) == len(rows)


@pytest.mark.parametrize(
    ("rows", "parameters", "newline"),
    [
        ((FULL, EMPTY, FULL), "", "\n"),
        ((FULL, EMPTY), "", "\r\n"),
        ((FULL, EMPTY), "EMPTYASNULL", "\n"),
        ((NULLS, FULL), "NULL AS 'NA'", "\n"),
        ((NULLS, FULL), "NULL AS 'NA'", "\r\n"),
        ((ISO,), "TIMEFORMAT 'auto' DATEFORMAT 'auto'", "\n"),
        (('"1","2","3.4","5","t","ab","c\nd","2024-01-31","2024-01-31 10:00:00",""',), "", "\n"),
        (("1;2;3;4;f;a;b;2024-01-31;2024-01-31 10:00:00;",), "DELIMITER ';'", "\n"),
    ],
)
def test_rows_of_common_files_take_the_fast_path(
    rows: tuple[str, ...], parameters: str, newline: str
) -> None:
    assert takes_fast_path(
        "".join(row + newline for row in rows).encode(), MIXED, parameters, newline.encode()
    )


@pytest.mark.parametrize(
    ("target", "field", "parameters"),
    [
        (column(Kind.INTEGER), b"2147483648", ""),
        (column(Kind.INTEGER), b" 1", ""),
        (column(Kind.SMALLINT), b"40000", ""),
        (column(Kind.BIGINT), b"9999999999999999999", ""),
        (numeric(4, 2), b"1.239", ""),
        (numeric(4, 2), b"123", ""),
        (column(Kind.DOUBLE), b"NaN", ""),
        (column(Kind.BOOLEAN), b"on", ""),
        (column(Kind.VARCHAR, 2), b"abc", ""),
        (column(Kind.VARCHAR, 3), "éé".encode(), ""),
        (column(Kind.VARCHAR), b"\xff", ""),
        (column(Kind.VARCHAR), b"\\N", ""),
        (column(Kind.VARCHAR), b"a\0", ""),
        (column(Kind.VARCHAR), b'a"b', ""),
        (column(Kind.VARCHAR), b' "a"', ""),
        (column(Kind.VARCHAR), b"  ", "BLANKSASNULL"),
        (column(Kind.VARCHAR), b"a ", "TRIMBLANKS"),
        (column(Kind.VARCHAR, not_null=True), b"NA", "NULL AS 'NA'"),
        (column(Kind.VARCHAR, not_null=True), b'"NA"', "NULL AS 'NA'"),
        (column(Kind.VARCHAR, not_null=True), b"", "EMPTYASNULL"),
        (column(Kind.VARCHAR), b"", "NULL AS 'NA' EMPTYASNULL"),
        (column(Kind.CHAR), "é".encode(), ""),
        (column(Kind.DATE), b"2023-02-29", ""),
        (column(Kind.DATE), b"2023-04-31", ""),
        (column(Kind.DATE), b"01/02/2023", "DATEFORMAT 'auto'"),
        (column(Kind.DATE), b"2023-04-30", "DATEFORMAT 'YYYY-DD-MM'"),
        (column(Kind.TIMESTAMP), b"2023-04-30T10:00:00", ""),
        (column(Kind.TIMESTAMP), b"2023-04-30 24:00:00", ""),
        (column(Kind.TIMESTAMP), b"2023-04-30 10:00:00.1234567", ""),
        (column(Kind.SUPER), b"[1", ""),
        (column(Kind.VARBYTE), b"00", ""),
        (column(Kind.INTEGER, not_null=True), b"", ""),
    ],
)
def test_a_field_that_needs_conversion_keeps_its_row_off_the_fast_path(
    target: Column, field: bytes, parameters: str
) -> None:
    other = Column("i", Kind.INTEGER)
    assert not takes_fast_path(field + b",1\n", [target, other], parameters)


def test_invalid_utf8_keeps_only_its_own_row_off_the_fast_path() -> None:
    fast_path = build_fast_path([column(Kind.VARCHAR), column(Kind.VARCHAR)], options(), b"\n")
    rows = b"a,b\nc,d\n\xff,e\nf,g\n"
    assert fast_path.accept(rows, 0) == rows.index(b"\xff")


def test_a_row_that_does_not_match_at_its_end_costs_one_pass() -> None:
    columns = [column(Kind.VARCHAR, 100) for _ in range(200)]
    fast_path = build_fast_path(columns, options("NULL AS '0'"), b"\n")
    row = b",".join([b'"a""b"', b"0"] * 100) + b",too many\n"
    began = time.process_time()
    assert fast_path.accept(row, 0) == 0
    assert time.process_time() - began < 0.5


FIELDS = st.sampled_from(
    [
        "",
        "1",
        "-0",
        "NA",
        "\\N",
        '""',
        '"a""b"',
        '"x\ny"',
        "t",
        "2024-01-31",
        "2024-01-31 10:00:00",
        "é",
        " ",
        "1.5",
        "\r",
    ]
) | st.text('01-,"\n é\\NA', max_size=6)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(MIXED), min_size=1, max_size=4),
    st.lists(FIELDS, min_size=1, max_size=4),
    st.sampled_from(
        [
            "",
            "NULL AS 'NA'",
            "NULL AS ''",
            "EMPTYASNULL",
            "BLANKSASNULL TRIMBLANKS",
            "TIMEFORMAT 'auto'",
        ]
    ),
    st.sampled_from([b"\n", b"\r\n"]),
)
def test_every_row_on_the_fast_path_also_converts(
    columns: list[Column], fields: list[str], parameters: str, newline: bytes
) -> None:
    given_options = options(parameters)
    buffer = ",".join(fields).encode() + newline
    end = build_fast_path(columns, given_options, newline).accept(buffer, 0)
    reader = RowReader(",", '"', len(columns))
    position = 0
    while position < end:
        row = reader.read(buffer, position)
        assert row is not None
        RowConverter(columns, given_options).convert(row)
        position = row.end
    assert position == end
