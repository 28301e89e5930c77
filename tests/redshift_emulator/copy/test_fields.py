"""The conversion of single fields: Redshift's load semantics and error codes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.fields import converter_of
from redshift_emulator.copy.load_errors import FieldError
from redshift_emulator.copy.options import CopyOptions
from tests.redshift_emulator.copy.builders import column, numeric, options

CSV = options()


def convert(target: Column, raw: bytes, given: CopyOptions = CSV) -> bytes | None:
    return converter_of(target, given)(raw)


@pytest.mark.parametrize(
    ("target", "raw", "parameters", "expected"),
    [
        (column(Kind.INTEGER), b"+007", "", b"7"),
        (column(Kind.INTEGER), b"+7", "", b"7"),
        (column(Kind.INTEGER), b"", "", None),
        (column(Kind.INTEGER), b"   ", "", None),
        (column(Kind.INTEGER), b"\\N", "", None),
        (column(Kind.BIGINT), b"-9223372036854775808", "", b"-9223372036854775808"),
        (numeric(8, 2), b"20.259", "", b"20.25"),
        (numeric(8, 2), b"20.259", "ROUNDEC", b"20.26"),
        (numeric(8, 2), b"-20.259", "", b"-20.25"),
        (numeric(8, 2), b"1.5e3", "", b"1500.00"),
        (numeric(3, 3), b".1239", "", b"0.123"),
        (column(Kind.DOUBLE), b".5", "", b".5"),
        (column(Kind.BOOLEAN), b"yEs", "", b"yEs"),
        (column(Kind.BOOLEAN), b"0", "", b"0"),
        (column(Kind.VARCHAR), b"", "", b""),
        (column(Kind.VARCHAR), b"", "EMPTYASNULL", None),
        (column(Kind.VARCHAR), b"", "NULL AS ''", None),
        (column(Kind.VARCHAR), b"NA", "NULL AS 'NA'", None),
        (column(Kind.VARCHAR), b"\\N", "NULL AS 'NA'", b"\\N"),
        (column(Kind.VARCHAR), b"  ", "", b"  "),
        (column(Kind.VARCHAR), b"  ", "BLANKSASNULL", None),
        (column(Kind.VARCHAR), b"  a ", "TRIMBLANKS", b"  a"),
        (column(Kind.CHAR), b"a ", "TRIMBLANKS", b"a "),
        (column(Kind.VARCHAR, 3), b"abc   ", "", b"abc"),
        (column(Kind.VARCHAR, 3), "ééé".encode(), "TRUNCATECOLUMNS", "é".encode()),
        (column(Kind.VARCHAR), b"a\xff\xfeb", "ACCEPTINVCHARS '^'", b"a^^b"),
        (column(Kind.VARCHAR), b"\0", "NULL AS '\\0'", None),
        (column(Kind.DATE), b"2024-02-29", "", b"2024-02-29"),
        (column(Kind.DATE), b"2024-02-29 10:00:00", "DATEFORMAT 'auto'", b"2024-02-29"),
        (column(Kind.DATE), b"29/02/2024", "DATEFORMAT 'DD/MM/YYYY'", b"2024-02-29"),
        (column(Kind.DATE), b"nonsense", "DATEFORMAT 'auto' ACCEPTANYDATE", None),
        (column(Kind.TIMESTAMP), b"2024-02-29 10:00:00.1234567", "", b"2024-02-29 10:00:00.123456"),
        (
            column(Kind.TIMESTAMP),
            b"2024-02-29T10:00:00+02:00",
            "TIMEFORMAT 'auto'",
            b"2024-02-29 10:00:00",
        ),
        (
            column(Kind.TIMESTAMP),
            b"1546300800",
            "TIMEFORMAT 'epochsecs'",
            b"2019-01-01 00:00:00.000000",
        ),
        (
            column(Kind.TIMESTAMP),
            b"1546300800123",
            "TIMEFORMAT 'epochmillisecs'",
            b"2019-01-01 00:00:00.123000",
        ),
        (column(Kind.TIMESTAMPTZ), b"2024-02-29 10:00:00+02", "", b"2024-02-29 10:00:00+02:00"),
        (
            column(Kind.TIMESTAMPTZ),
            b"29.02.2024 10:00:00 EST",
            "TIMEFORMAT 'auto'",
            b"2024-02-29 10:00:00-05:00",
        ),
        (column(Kind.TIME), b"10:00:00.5", "", b"10:00:00.5"),
        (column(Kind.TIMETZ), b"10:00-3", "", b"10:00:00-03:00"),
        (column(Kind.SUPER), b'{"a": [1, null]}', "", b'{"a": [1, null]}'),
        (column(Kind.VARBYTE), b"00fF", "", b"\\x00fF"),
    ],
)
def test_a_field_is_converted(
    target: Column, raw: bytes, parameters: str, expected: bytes | None
) -> None:
    assert convert(target, raw, options(parameters)) == expected


@pytest.mark.parametrize(
    ("target", "raw", "parameters", "code", "reason"),
    [
        (column(Kind.INTEGER), b"x1", "", 1207, "Invalid digit, Value 'x', Pos 0, Type: Integer"),
        (
            column(Kind.BIGINT),
            b"20200407.0",
            "",
            1207,
            "Invalid digit, Value '.', Pos 8, Type: Long",
        ),
        (column(Kind.INTEGER), b" 1", "", 1207, "Invalid digit, Value ' ', Pos 0, Type: Integer"),
        (column(Kind.SMALLINT), b"32768", "", 1222, "Overflow (Short valid range -32768 to 32767)"),
        (column(Kind.BIGINT), b"9" * 4_000_000, "", 1222, "Overflow (Long"),
        (numeric(4, 2), b"100", "", 1204, "Overflow for NUMERIC(4,2)"),
        (numeric(4, 2), b"1e999999999999", "", 1204, "Overflow for NUMERIC(4,2)"),
        (numeric(4, 2), b"NaN", "", 1207, "Invalid digit, Value 'N', Pos 0, Type: Decimal"),
        (column(Kind.DOUBLE), b"inf", "", 1208, "Invalid digit, Value 'i', Pos 0, Type: Double"),
        (column(Kind.DOUBLE), b"1e400", "", 1204, "out of range"),
        (column(Kind.REAL), b"1e39", "", 1204, "out of range"),
        (column(Kind.REAL), b"1e-60", "", 1204, "out of range"),
        (column(Kind.BOOLEAN), b"on", "", 1210, "Unknown boolean format"),
        (column(Kind.CHAR), "é".encode(), "", 1220, "Multibyte character not supported for CHAR"),
        (column(Kind.CHAR, 2), b"abc", "", 1204, "Char length exceeds DDL length"),
        (column(Kind.VARCHAR, 3), "éé".encode(), "", 1204, "String length exceeds DDL length"),
        (column(Kind.VARCHAR), b"a\xa4", "", 1220, "Bad UTF8 hex sequence: a4 (error 3)"),
        (column(Kind.VARCHAR), b"\xc3", "", 1220, "Bad UTF8 hex sequence: c3 (error 2)"),
        (column(Kind.VARCHAR), b"\xed\xa0\x80", "", 1220, "(error 4)"),
        (column(Kind.VARCHAR), b"\xf8\x88\x80\x80\x80", "", 1220, "(error 1)"),
        (
            column(Kind.VARCHAR),
            b"a\0b",
            "",
            1216,
            "Missing newline: Unexpected character 0x62 found at location 2",
        ),
        (
            column(Kind.VARCHAR),
            b"a\0",
            "NULL AS '\\0'",
            1218,
            "Invalid null byte - field longer than 1 byte",
        ),
        (column(Kind.VARCHAR, not_null=True), b"\\N", "", 1213, "Missing data for not-null field"),
        (column(Kind.INTEGER, not_null=True), b"", "", 1213, "Missing data for not-null field"),
        (
            column(Kind.DATE),
            b"2024-2-9",
            "",
            1205,
            "Invalid Date Format - length must be 10 or more",
        ),
        (column(Kind.DATE), b"2023-02-30", "", 1205, "Invalid Date Format [YYYY-MM-DD]"),
        (
            column(Kind.TIMESTAMP),
            b"2024-02-29T10:00:00",
            "",
            1206,
            "format or value [YYYY-MM-DD HH24:MI:SS]",
        ),
        (
            column(Kind.TIMESTAMP),
            b"1546300800",
            "TIMEFORMAT 'auto'",
            1206,
            "Invalid timestamp format",
        ),
        (column(Kind.TIMESTAMP), b"2024-02-29 24:00:00", "", 1206, "Invalid timestamp format"),
        (column(Kind.SUPER), b"{a: 1}", "", 1224, "Invalid JSON"),
        (column(Kind.SUPER), b"NaN", "", 1224, "Invalid JSON"),
        (column(Kind.SUPER), b"[" * 1_000_000, "", 1224, "Invalid JSON"),
        (column(Kind.VARBYTE), b"0", "", 1219, "Invalid hexadecimal"),
        (column(Kind.OTHER), b"x", "", 1223, "Invalid data type"),
    ],
)
def test_an_invalid_field_is_rejected_with_code_and_reason(
    target: Column, raw: bytes, parameters: str, code: int, reason: str
) -> None:
    with pytest.raises(FieldError) as refused:
        convert(target, raw, options(parameters))
    assert refused.value.code == code
    assert reason in refused.value.reason


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(list(Kind)),
    st.binary(max_size=30) | st.text("0123456789-+.eE: T/JanFebZ", max_size=20).map(str.encode),
    st.sampled_from(
        ["", "DATEFORMAT 'auto' TIMEFORMAT 'auto'", "ACCEPTINVCHARS TRUNCATECOLUMNS NULL AS '\\0'"]
    ),
)
def test_any_field_gives_a_value_or_a_load_error(kind: Kind, raw: bytes, parameters: str) -> None:
    try:
        value = convert(column(kind), raw, options(parameters))
    except FieldError:
        return
    assert value is None or (b"\0" not in value and value.decode() is not None)
