"""What a scan of a file finds: the values that COPY cuts off, ambiguous dates, rows that are no data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl_core.csv_files.findings import Findings, needs_scan
from etl_core.csv_files.row_check import RowCheck
from etl_core.csv_files.rows import read_rows
from etl_core.csv_files.scan import Scan, scan_file, with_blank_lines
from etl_core.csv_files.values import Effect
from etl_core.schema_files.schema_file import SchemaFile
from tests.builders import a_column, a_spec

PRICES = (a_column("id", "INTEGER"), a_column("price", "NUMERIC(6,2)"))


def pieces_of(content: bytes, size: int = 1 << 16) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def scan(content: bytes, *columns: Any, size: int = 1 << 16, **csv: Any) -> Scan:
    spec = a_spec(*columns, csv=csv)
    names = tuple(column.name for column in spec.columns)
    return scan_file(pieces_of(content, size), names, names, spec)


def counts(found: Scan) -> dict[tuple[str, str | None], tuple[int, int]]:
    """Return the count and the first line of each kind of finding."""
    return {
        (each.kind, each.first.column): (each.count, each.first.line) for each in found.warnings
    }


@pytest.mark.parametrize("size", [3, 17, 1 << 16])
def test_values_that_copy_cuts_are_counted_with_the_first_line(size: int) -> None:
    content = b"id,price\n" + b"1,1.50\n" * 100 + b'2,1.505\n3,"0.001"\n4,1.500\n'

    found = scan(content, *PRICES, size=size)

    assert counts(found) == {("value.decimals_cut", "price"): (2, 102)}
    assert (found.rows, found.fault) == (103, None)
    assert "NUMERIC(6,2)" in found.warnings[0].first.issue.hint


@pytest.mark.parametrize(
    ("kind", "value", "finding"),
    [
        ("DATE", "2018-12-05 23:59:59", "value.time_lost"),
        ("DATE", "2018-12-05T00:00:00Z", None),
        ("DATE", "2018-12-05 12:00 AM", None),
        ("TIMESTAMP", "2019-11-03T01:30:00-07:00", "value.offset_lost"),
        ("TIMESTAMP", "2019-11-03 01:30:00 PST", "value.offset_lost"),
        ("TIMESTAMP", "2019-11-03 01:30:00 America/Chicago", "value.offset_lost"),
        ("TIMESTAMP", "2019-11-03T01:30:00Z", None),
        ("TIMESTAMP", "2019-11-03 01:30:00+00:00", None),
        ("TIMESTAMPTZ", "2019-11-03T01:30:00-07:00", None),
        ("TIMESTAMPTZ", "2019-11-03 01:30:00.1234567", "value.fraction_cut"),
        ("TIMESTAMP", "2019-11-03 01:30:00.123456000", None),
        ("TIME", "10:00:00+02", "value.offset_lost"),
        ("TIMETZ", "10:00:00+02", None),
        ("TIME", "24:00:00", None),
        ("NUMERIC", "42.42", "value.decimals_cut"),
        ("NUMERIC(5,2)", "1e-3", "value.decimals_cut"),
        ("NUMERIC(5,2)", "1e2", None),
        ("DOUBLE PRECISION", "42.42", None),
        ("DOUBLE PRECISION", "9007199254740993", "value.digits_rounded"),
        ("DOUBLE PRECISION", "9007199254740992", None),
        ("DOUBLE PRECISION", "0.30000000000000004", None),
        ("DOUBLE PRECISION", "-1.7976931348623157e308", None),
        ("DOUBLE PRECISION", "0.1234567890123456789", "value.digits_rounded"),
        ("DOUBLE PRECISION", "0.50000000000000000000", None),
        ("DOUBLE PRECISION", "1" + "0" * 22, None),
        ("DOUBLE PRECISION", "1" * 2000 + "e-1900", "value.digits_rounded"),
        ("REAL", "16777217", "value.digits_rounded"),
        ("REAL", "16777216", None),
        ("REAL", "37.7749295", "value.digits_rounded"),
        ("REAL", "37.7749", None),
        ("REAL", "37.774929", None),
        ("REAL", "1.0e10", None),
    ],
)
def test_each_kind_of_loss_is_found(kind: str, value: str, finding: str | None) -> None:
    found = scan(f"a,b\n1,{value}\n".encode(), a_column("a"), a_column("b", kind))

    assert [each.kind for each in found.warnings] == ([finding] if finding else [])


@pytest.mark.parametrize(
    "value",
    [
        "03/02/2018",
        "3-2-2018",
        "03.02.2018",
        "01/13/18",
        "180203",
        "03/02/2018 10:21:42",
        "1/5/2012 3:04 PM",
    ],
)
def test_a_date_that_can_be_read_in_two_ways_refuses_the_file_unless_auto_is_named(
    value: str,
) -> None:
    content, columns = f"a,t\n1,{value}\n".encode(), (a_column("a"), a_column("t", "TIMESTAMP"))

    refused, loaded = scan(content, *columns), scan(content, *columns, time_format="auto")

    assert refused.fault is not None
    assert (refused.fault.issue.effect, refused.faults) == (Effect.AMBIGUOUS, 1)
    assert "csv.time_format" in refused.fault.issue.hint or "YYYY-MM-DD" in refused.fault.issue.hint
    assert loaded.fault is None
    assert counts(loaded) == {("value.date_ambiguous", "t"): (1, 2)}


@pytest.mark.parametrize(
    "value",
    ["2018-02-03", "2018/2/3", "20180203", "02/13/2018", "05/05/2018", "3 Feb 2018", "J2451187"],
)
def test_a_date_that_can_be_read_in_one_way_does_not(value: str) -> None:
    assert scan(f"a,d\n1,{value}\n".encode(), a_column("a"), a_column("d", "DATE")).fault is None


def test_the_formats_to_write_are_named() -> None:
    found = scan(b"a,d\n1,03/02/2018\n", a_column("a"), a_column("d", "DATE"))

    assert found.fault is not None
    assert '"DD/MM/YYYY" or "MM/DD/YYYY"' in found.fault.issue.hint


@pytest.mark.parametrize(
    ("on_lossy", "faults", "warnings"), [("warn", 0, 1), ("reject", 2, 0), ("ignore", 0, 0)]
)
def test_the_schema_file_says_what_becomes_of_losses(
    on_lossy: str, faults: int, warnings: int
) -> None:
    found = scan(b"id,price\n1,0.125\n2,0.005\n", *PRICES, on_lossy=on_lossy)

    assert (found.faults, len(found.warnings)) == (faults, warnings)


def test_rows_that_are_no_data_are_noted() -> None:
    content = b'id,price\n1,2\n,\n"",""\nid,price\n\n,\n'

    assert counts(scan(content, *PRICES)) == {
        ("row.all_empty", None): (3, 3),
        ("row.header_repeated", None): (1, 5),
    }
    assert scan(content, *PRICES, empty_rows="reject").faults == 3
    assert scan(b"a\n\n\n", a_column("a")).warnings == ()


def test_skipped_rows_become_empty_lines_and_all_others_stay_as_they_are() -> None:
    content = b'\xef\xbb\xbfid,price\r\n1,2\r\n,\r\n"",""\r\n"3\n,\n",4\r\n5,6'
    spec = a_spec(*PRICES, csv={"empty_rows": "skip"})

    for size in (1, 4, 1000):
        lines = with_blank_lines(pieces_of(content, size), ("id", "price"), ("id", "price"), spec)
        assert b"".join(lines) == (b'\xef\xbb\xbfid,price\r\n1,2\r\n\n\n"3\n,\n",4\r\n5,6')


def test_the_number_of_rows_is_that_of_copy_when_empty_rows_are_skipped() -> None:
    assert scan(b"id,price\n1,2\n,\n3,4\n", *PRICES, empty_rows="skip").rows == 2
    assert scan(b"id,price\n1,2\n,\n3,4\n", *PRICES).rows == 3


def test_utf16_is_scanned_as_well() -> None:
    content = "id,price\n1,0.125\nü,2\n".encode("utf-16")

    found = scan(content, *PRICES, encoding="UTF16", size=5)

    assert counts(found) == {("value.decimals_cut", "price"): (1, 2)}


@pytest.mark.parametrize(
    ("column", "csv", "needed"),
    [
        (a_column("a", "VARCHAR(9)"), {}, True),
        (a_column("a", "VARCHAR(9)"), {"on_lossy": "ignore"}, False),
        (a_column("a", "CHAR(9)"), {}, False),
        (a_column("a", "BIGINT"), {}, False),
        (a_column("a", "DOUBLE PRECISION"), {}, True),
        (a_column("a", "DOUBLE PRECISION"), {"on_lossy": "ignore"}, False),
        (a_column("a", "BOOLEAN"), {}, False),
        (a_column("a", "NUMERIC(9,2)"), {}, True),
        (a_column("a", "NUMERIC(9,2)"), {"on_lossy": "ignore"}, False),
        (a_column("a", "DATE"), {}, True),
        (a_column("a", "DATE"), {"date_format": "YYYY-MM-DD"}, False),
        (a_column("a", "DATE"), {"date_format": "auto", "on_lossy": "ignore"}, True),
        (a_column("a", "TIMESTAMP"), {"time_format": "epochsecs"}, False),
        (a_column("a", "TIMESTAMP"), {"time_format": "YYYY-MM-DD HH:MI:SS"}, True),
    ],
)
def test_only_columns_that_can_lose_something_are_scanned(
    column: dict[str, Any], csv: dict[str, Any], *, needed: bool
) -> None:
    assert needs_scan(("a",), a_spec(column, csv=csv)) is needed


FIELDS = st.sampled_from(
    ["", '""', "1", "1.5", "1.505", '"1.505"', "x", "-2.5", "+3", "1e-9", ".5", "5.", "2024-01-02", "01/02/2024",
     "2024-01-02 00:00", "2024-01-02 10:00:00", "2024-01-02T10:00:00-07:00", "2024-01-02 10:00:00.1234567",
     "c1  ", "abcd      ", '"abc       "', "abcdefghijkl", "é é é é   ",
     "2024-01-02 10:00Z", '"a\nb"', '"a"",""b"', "id", "10:00+02", "240102", " 1", "c0", "c1",
     "1234567", "16777217", "123456.7", "1234.5678", "9007199254740993", "0.30000000000000004", "0.12345678901234567",
     "1.2345678901234567e-05", "12345678901234567.8e99", "1e400", "1e-400", "123456789012345", "-99999999999999.9"]
)  # fmt: skip
TYPES = st.sampled_from(
    [
        "NUMERIC(6,2)",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMPTZ",
        "TIME",
        "VARCHAR(20)",
        "INTEGER",
        "REAL",
        "DOUBLE PRECISION",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_scan_finds_what_a_check_of_every_row_finds(data: st.DataObject) -> None:
    """The regular expression that skips rows never skips one that has a finding."""
    types = data.draw(st.lists(TYPES, min_size=2, max_size=3))
    rows = data.draw(
        st.lists(st.lists(FIELDS, min_size=len(types), max_size=len(types)), max_size=8)
    )
    formats = data.draw(
        st.sampled_from([None, "auto", "YYYY-MM-DD HH:MI:SS", "YYYY-MM-DDTHH:MI:SSOF"])
    )
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    columns = [a_column(f"c{number}", kind) for number, kind in enumerate(types)]
    spec = a_spec(*columns, csv={} if formats is None else {"time_format": formats})
    names = tuple(column.name for column in spec.columns)
    content = "".join(",".join(row) + end for row in [list(names), *rows]).encode()

    found = scan_file(pieces_of(content, data.draw(st.integers(1, 40))), names, names, spec)

    assert (found.faults, counts(found)) == _by_check(content, names, spec)


def _by_check(
    content: bytes, names: tuple[str, ...], spec: SchemaFile
) -> tuple[int, dict[tuple[str, str | None], tuple[int, int]]]:
    findings, faults = Findings(spec), 0
    for each in RowCheck(names, spec, names).findings(read_rows([content], spec.csv)):
        if each.issue.effect is Effect.REFUSED:
            continue
        if findings.is_fault(each):
            faults += 1
        else:
            findings.note(each)
    return faults, counts(Scan(warnings=tuple(findings.warnings())))
