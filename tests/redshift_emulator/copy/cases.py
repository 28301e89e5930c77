"""Redshift's COPY behaviour as a table: CSV bytes and parameters, and the rows or the load error they give."""

# ruff: noqa: DTZ001 - TIMESTAMP has no zone
from __future__ import annotations

import bz2
import gzip
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Loads:
    """A file that loads, and the rows of the table afterwards."""

    name: str
    columns: str
    body: bytes
    rows: list[Row]
    parameters: str = "csv"


@dataclass(frozen=True)
class Fails:
    """A file with a row that does not load, and its entry in the load-error views."""

    name: str
    columns: str
    body: bytes
    error: tuple[int, int, str, str]  # code, line, column, value
    parameters: str = "csv"


A, B = "a int", "b varchar(8)"
AB = f"{A}, {B}"
TYPES = (
    "a smallint, b bigint, c numeric(8,2), d real, e double precision, f boolean, g char(3), h "
    "varchar(10), i date, j time,"
    " k timetz, l timestamp, m timestamptz, n super"
)
FULL = (
    b'1,2,3.45,0.5,1e10,t,ab,"x,""y""",2024-02-29,10:11:12,10:11:12+02,2024-02-29 10:11:12.5,2024-02-29 10:11:12+02,'
    b'"{""a"":1}"\n'
)

LOADS = [
    Loads(
        "every_type",
        TYPES.replace(", k timetz", ""),
        FULL.replace(b"10:11:12+02,2024", b"2024", 1),
        [
            (
                1,
                2,
                Decimal("3.45"),
                0.5,
                1e10,
                True,
                "ab ",
                'x,"y"',
                date(2024, 2, 29),
                time(10, 11, 12),
                datetime(2024, 2, 29, 10, 11, 12, 500000),
                datetime(2024, 2, 29, 8, 11, 12, tzinfo=UTC),
                '{"a":1}',
            ),
        ],
    ),
    Loads(
        "empty_fields",
        "a int, b varchar(8), c char(2), d date, e boolean, f super",
        b'1,,,,,\n2,"","","","",""\n',
        [(1, "", "  ", None, None, None), (2, "", "  ", None, None, None)],
    ),
    Loads("empty_as_null", AB, b'1,\n2,""\n', [(1, None), (2, None)], "csv emptyasnull"),
    Loads(
        "null_as_the_empty_string", AB, b"1,\n2,\\N\n", [(1, None), (2, "\\N")], "csv null as ''"
    ),
    Loads(
        "backslash_n_is_null", AB, b'1,\\N\n\\N,x\n3,"\\N"\n', [(1, None), (3, None), (None, "x")]
    ),
    Loads(
        "null_as_na",
        "a int, b varchar(8), c date, d numeric(5,2)",
        b"1,NA,NA,NA\n2,,,\nNA,NAN,2024-01-01,1\n",
        [
            (1, None, None, None),
            (2, "", None, None),
            (None, "NAN", date(2024, 1, 1), Decimal("1.00")),
        ],
        "csv null as 'NA'",
    ),
    Loads(
        "null_as_0",
        "a int, b int",
        b"0,1\n1,0\n10,00\n",
        [(1, None), (10, 0), (None, 1)],
        "csv null as '0'",
    ),
    Loads("null_as_nul", AB, b"1,\0\n2,x\n", [(1, None), (2, "x")], "csv null as '\\0'"),
    Loads(
        "blanks_as_null",
        AB,
        b"1,  \n2, x\n  ,y\n",
        [(1, None), (2, " x"), (None, "y")],
        "csv blanksasnull",
    ),
    Loads(
        "trim_blanks",
        "a int, b varchar(8), c char(4)",
        b'1, x ,y \n2,"x  ",z\n',
        [(1, " x", "y   "), (2, "x", "z   ")],
        "csv trimblanks",
    ),
    Loads("header_is_skipped", AB, b"a,b\n1,x\n", [(1, "x")], "csv ignoreheader 1"),
    Loads("two_header_lines", AB, b"a\nb\n1,x\n", [(1, "x")], "csv ignoreheader as 2"),
    Loads("only_a_header", AB, b"a,b", [], "csv ignoreheader 1"),
    Loads("an_empty_file", AB, b"", []),
    Loads("crlf", AB, b'1,x\r\n2,"y\r\nz"\r\n3,', [(1, "x"), (2, "y\r\nz"), (3, "")]),
    Loads("mixed_line_endings", AB, b"1,x\n2,y\r\n3,z\n", [(1, "x"), (2, "y"), (3, "z")]),
    Loads("no_line_ending_at_the_end_of_the_file", AB, b"1,x\n2,y", [(1, "x"), (2, "y")]),
    Loads("line_feed_in_quotes", AB, b'1,"x\ny"\n2,"""q"""\n', [(1, "x\ny"), (2, '"q"')]),
    Loads("blanks_around_quotes", AB, b'1, "x" \n', [(1, "x")]),
    Loads("tab_delimited", AB, b"1\tx,y\n", [(1, "x,y")], "csv delimiter '\\t'"),
    Loads("octal_delimiter", AB, b"1;x\n", [(1, "x")], "csv delimiter as '\\073'"),
    Loads("another_quote", AB, b"1,'x,\"'\n", [(1, 'x,"')], "csv quote as ''''"),
    Loads("plain_delimited", AB, b'1|"x\n', [(1, '"x')], ""),
    Loads("bytes_are_counted", "a varchar(4)", "éé\n".encode(), [("éé",)]),
    Loads(
        "trailing_blanks_beyond_the_length",
        "a varchar(2), b char(2)",
        b"xy   ,zz  \n",
        [("xy", "zz")],
    ),
    Loads(
        "truncate_columns",
        "a varchar(3), b char(2)",
        "éé,xyz\n".encode(),
        [("é", "xy")],
        "csv truncatecolumns",
    ),
    Loads(
        "invalid_characters_replaced",
        AB,
        b"1,a\xff\xfeb\n2,\xe2\x82\n",
        [(1, "a??b"), (2, "??")],
        "csv acceptinvchars",
    ),
    Loads(
        "decimals_are_truncated_to_the_scale",
        "a numeric(8,2)",
        b"20.259\n-0.999\n",
        [(Decimal("-0.99"),), (Decimal("20.25"),)],
    ),
    Loads(
        "decimals_are_rounded_with_roundec",
        "a numeric(8,2)",
        b"20.255\n",
        [(Decimal("20.26"),)],
        "csv roundec",
    ),
    Loads(
        "booleans",
        "a int, b boolean",
        b"1,TRUE\n2,n\n3,0\n4,Yes\n",
        [(1, True), (2, False), (3, False), (4, True)],
    ),
    Loads(
        "iso_timestamps",
        "a timestamp, b timestamptz, c date",
        b"2013-01-01T10:00:00Z,2013-01-01T10:00:00Z,2013-01-01T10:00:00Z\n"
        b"2014-01-01T10:00:00+02:00,2014-01-01,2014-01-01\n",
        [
            (datetime(2013, 1, 1, 10), datetime(2013, 1, 1, 10, tzinfo=UTC), date(2013, 1, 1)),
            (datetime(2014, 1, 1, 10), datetime(2014, 1, 1, tzinfo=UTC), date(2014, 1, 1)),
        ],
        "csv timeformat 'auto' dateformat 'auto'",
    ),
    Loads(
        "other_auto_formats",
        "a timestamp, b date",
        b"01/08/1999 04:05:06 PM,19990108\n8 Jan 2000,J2451187\n",
        [
            (datetime(1999, 1, 8, 16, 5, 6), date(1999, 1, 8)),
            (datetime(2000, 1, 8), date(1999, 1, 8)),
        ],
        "csv timeformat 'auto' dateformat 'auto'",
    ),
    Loads(
        "given_formats",
        "a date, b timestamp",
        b"31.12.2023,12/31/23 23:59:58\n",
        [(date(2023, 12, 31), datetime(2023, 12, 31, 23, 59, 58))],
        "csv dateformat 'DD.MM.YYYY' timeformat 'MM/DD/YY HH24:MI:SS'",
    ),
    Loads(
        "epoch_seconds",
        "a timestamp",
        b"1546300800\n",
        [(datetime(2019, 1, 1),)],
        "csv timeformat 'epochsecs'",
    ),
    Loads(
        "epoch_milliseconds",
        "a timestamptz",
        b"1546300800123\n",
        [(datetime(2019, 1, 1, 0, 0, 0, 123000, tzinfo=UTC),)],
        "csv timeformat as 'epochmillisecs'",
    ),
    Loads(
        "microseconds_are_truncated",
        "a timestamp",
        b"2024-01-01 00:00:00.1234567\n",
        [(datetime(2024, 1, 1, 0, 0, 0, 123456),)],
    ),
    Loads(
        "invalid_date_becomes_null",
        "a int, b date",
        b"1,0000-00-00\n",
        [(1, None)],
        "csv acceptanydate dateformat 'auto'",
    ),
    Loads(
        "short_rows_are_filled",
        "a int, b varchar(8), c int",
        b"1\n2,x\n",
        [(1, "", None), (2, "x", None)],
        "csv fillrecord",
    ),
    Loads(
        "blank_lines_are_ignored",
        AB,
        b"\n1,x\n\n\n2,y\n\n",
        [(1, "x"), (2, "y")],
        "csv ignoreblanklines",
    ),
    Loads("maxerror_drops_rows", AB, b"1,x\nz,x\n3,x\n", [(1, "x"), (3, "x")], "csv maxerror 2"),
    Loads(
        "all_errors_are_ignored",
        AB,
        b"1,x\nz,x\n,,,\n3,x\n",
        [(1, "x"), (3, "x")],
        "csv ignoreallerrors",
    ),
    Loads("noload_stores_no_rows", AB, b'1,x\n "2",y\n', [], "csv noload"),
    Loads(
        "gzip",
        AB,
        gzip.compress(b"1,x\n") + gzip.compress(b"2,y\n"),
        [(1, "x"), (2, "y")],
        "csv gzip",
    ),
    Loads(
        "bzip2",
        AB,
        bz2.compress(b"1,x\n") + bz2.compress(b"2,y\n"),
        [(1, "x"), (2, "y")],
        "csv bzip2",
    ),
    Loads(
        "zstd",
        AB,
        zstd.compress(b"1,x\n") + zstd.compress(b"2,y\n"),
        [(1, "x"), (2, "y")],
        "csv zstd",
    ),
    Loads("utf16", AB, "1,é\n2,z\n".encode("utf-16"), [(1, "é"), (2, "z")], "csv encoding utf16"),
    Loads(
        "utf16_big_endian", AB, "1,é\n".encode("utf-16-be"), [(1, "é")], "csv encoding as utf16be"
    ),
    Loads(
        "geometry_geography_and_hllsketch",
        "a geometry, b geography, c hllsketch",
        b"00fF,,x\n",
        [("00fF", None, "x")],
    ),
    Loads("varbyte", "a int, b varbyte(4)", b"1,00fF\n", [(1, "00ff")]),
    Loads(
        "an_empty_field_does_not_get_the_default", "a int, b int default 7", b"1,\n", [(1, None)]
    ),
]

FAILS = [
    Fails("letters_in_an_int", AB, b"a,b\n1,x\n2,y\nx3,z\n", (1207, 4, "a", "x3"), "csv ignoreheader 1"),
    Fails("a_decimal_in_an_int", A, b"1.0\n", (1207, 1, "a", "1.0")),
    Fails("int_overflow", A, b"1\n2147483648\n", (1222, 2, "a", "2147483648")),
    Fails("too_long", "a varchar(3)", "éé\n".encode(), (1204, 1, "a", "éé")),
    Fails("too_long_for_char", "a char(2)", b"abc\n", (1204, 1, "a", "abc")),
    Fails("multibyte_in_char", "a char(4)", "é\n".encode(), (1220, 1, "a", "é")),
    Fails("bad_utf8", AB, b"1,x\n2,\xa4\n", (1220, 2, "b", "\ufffd")),
    Fails("numeric_overflow", "a numeric(4,2)", b"100\n", (1204, 1, "a", "100")),
    Fails("letters_in_a_numeric", "a numeric(4,2)", b"1,2\n", (1202, 1, "a", "2")),
    Fails("not_a_boolean", "a boolean", b"on\n", (1210, 1, "a", "on")),
    Fails("not_a_number", "a double precision", b"NaN\n", (1208, 1, "a", "NaN")),
    Fails("not_a_date", "a date", b"2023-02-29\n", (1205, 1, "a", "2023-02-29")),
    Fails("t_without_auto", "a timestamp", b"2013-01-01T10:00:00Z\n", (1206, 1, "a", "2013-01-01T10:00:00Z")),
    Fails("not_null", "a int, b varchar(8) not null", b"1,x\n2,\\N\n", (1213, 2, "b", "\\N")),
    Fails("empty_not_null", "a int not null, b varchar(8)", b"1,x\n,y\n", (1213, 2, "a", "")),
    Fails("too_many_fields", AB, b"1,x\n2,y,z\n", (1202, 2, "b", "z")),
    Fails("too_few_fields", AB, b"1,x\n2\n", (1214, 2, "a", "2")),
    Fails("a_blank_line", AB, b"1,x\n\n2,y\n", (1214, 2, "a", "")),
    Fails("a_quote_inside", AB, b'1,x\n2,a"b\n3,z\n', (1214, 2, "b", "")),
    Fails("a_quote_that_is_not_closed", AB, b'1,x\n2,"y\n' + b"3,z\n" * 1000, (1214, 2, "a", "")),
    Fails("a_nul", AB, b"1,x\n2,a\0b\n", (1216, 2, "b", "a.b")),
    Fails("line_feeds_in_quotes_count_as_lines", AB, b'1,"x\n\ny"\nz,y\n', (1207, 4, "a", "z")),
    Fails("crlf_counts_as_one_line", AB, b"1,x\r\n2,y\r\nz,y\r\n", (1207, 3, "a", "z")),
    Fails("a_byte_order_mark_is_data", A, b"\xef\xbb\xbf1\n", (1207, 1, "a", "\ufeff1")),
    Fails("a_carriage_return_alone_does_not_end_a_row", AB, b"1,x\r2,y\r", (1202, 1, "b", "y")),
    Fails("not_json", "a super", b"{a}\n", (1224, 1, "a", "{a}")),
    Fails("not_hex", "a varbyte(2)", b"0g\n", (1219, 1, "a", "0g")),
    Fails("not_a_geometry", "a geometry", b"POINT(1 2)\n", (1219, 1, "a", "POINT(1 2)")),
    Fails("too_long_for_varbyte", "a int, b varbyte(2)", b"1,00ff\n2,00ff00\n", (1204, 2, "b", "00ff00")),
    Fails("maxerror_2_fails_on_the_second_error", AB, b"x,1\n2,x\ny,3\n", (1207, 1, "a", "x"), "csv maxerror 2"),
    Fails("noload_finds_errors", AB, b"1,x\nz,y\n", (1207, 2, "a", "z"), "csv noload"),
]  # fmt: skip
