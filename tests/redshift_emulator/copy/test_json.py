"""COPY of JSON: which part of an object goes to which column, and what is refused (copy-parameters-data-format)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.json_columns import (
    parse_paths,
    shred_by_name,
    shred_by_path,
    shred_whole,
)
from redshift_emulator.copy.json_records import JsonReader
from redshift_emulator.copy.load_errors import RowError
from redshift_emulator.copy.records import Record
from redshift_emulator.copy.row_splitter import RowTooLongError
from redshift_emulator.errors import SqlError
from tests.redshift_emulator.copy.lake import Lake

NUMBER = Column("a", Kind.INTEGER)
TEXT = Column("b", Kind.VARCHAR, 100)
JSON = Column("c", Kind.SUPER)
BY_NAME = shred_by_name([NUMBER, TEXT], ignore_case=False)


def read(data: bytes, *, block: int = 1 << 20, skip: int = 0) -> list[Record]:
    """Return the records of a file that arrives in blocks of this size."""
    reader = JsonReader(BY_NAME, skip)
    records: list[Record] = []
    for start in range(0, len(data), block):
        records += reader.feed(data[start : start + block])
    return [*records, *reader.finish()]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"a": 1, "b": "x"}', [b"1", b"x"]),
        ('{"b": "x\\n\\u00e9\\"", "other": [{}]}', [None, 'x\né"'.encode()]),
        ('{"a": null, "b": ""}', [None, b""]),
        ('{"a": 12345678901234567890.10, "b": true}', [b"12345678901234567890.10", b"true"]),
        ('{"b": {"k": [1, 2]}, "A": 5}', [None, b'{"k": [1, 2]}']),
        ("{}", [None, None]),
    ],
)
def test_members_go_to_the_columns_of_their_name(text: str, values: list[bytes | None]) -> None:
    assert BY_NAME(text) == values


def test_names_match_in_any_case_only_with_ignorecase() -> None:
    shred = shred_by_name([NUMBER, TEXT], ignore_case=True)
    assert shred('{"A": 1, "B": "x"}') == [b"1", b"x"]


@pytest.mark.parametrize(
    "text",
    ["{'a': 1}", '{"a": 1,}', '{"a" 1}', '{"a": 1 "b": 2}', '{"a": NaN}', "[1, 2]", '{"a": [1}'],
)  # fmt: skip
def test_a_malformed_object_is_refused(text: str) -> None:
    (first, *_) = read(text.encode())
    assert isinstance(first.values, RowError)
    assert first.values.code == 1224


def test_paths_reach_into_objects_and_arrays() -> None:
    paths = parse_paths(b'{"jsonpaths": ["$.n.m[1]", "$.t", "$.n"]}')
    assert paths == [("n", "m", 1), ("t",), ("n",)]
    shred = shred_by_path([NUMBER, TEXT, JSON], paths)
    assert shred('{"n": {"m": [7, 8]}, "t": "x"}') == [b"8", b"x", b'{"m": [7, 8]}']


def test_a_path_to_a_missing_member_is_null_and_to_a_missing_element_an_error() -> None:
    shred = shred_by_path([NUMBER, TEXT], [("a", "b"), (0,)])
    with pytest.raises(RowError, match="Not an array or index out of range"):
        shred('{"a": {}}')
    assert shred_by_path([NUMBER], [("a", "b")])('{"a": 1}') == [None]
    assert shred_by_path([NUMBER, TEXT], [(0,), (1,)])('[1, "x"]') == [b"1", b"x"]


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"{",
        b'{"jsonpaths": "$.a"}',
        b'{"jsonpaths": [""]}',
        b'{"jsonpaths": [1]}',
        b'{"jsonpaths": ["a"]}',
        b'{"jsonpaths": ["$.a.*"]} x',
        b'{"jsonpaths": ["$[\'a\']", "$.b"]}',
        b'{"jsonpaths": ["$[-1]"]}',
    ],
)
def test_a_file_of_paths_that_is_not_valid_is_refused(text: bytes) -> None:
    with pytest.raises(SqlError, match="Invalid JSONPath format"):
        parse_paths(text)


def test_a_file_without_paths_means_auto() -> None:
    assert parse_paths(b'{"paths": []}') is None


def test_as_many_paths_as_columns_are_needed() -> None:
    with pytest.raises(
        SqlError, match="JSONPath size: 1, Number of columns in table or column list: 2"
    ):
        shred_by_path([NUMBER, TEXT], [("a",)])


def test_noshred_loads_whole_objects_into_one_super_column() -> None:
    assert shred_whole([JSON])('{"a": [1]}') == [b'{"a": [1]}']
    with pytest.raises(SqlError, match="one column of type SUPER"):
        shred_whole([NUMBER])


def test_the_line_of_a_record_is_its_last() -> None:
    records = read(b'header\n{"a":\n1}\n\n{"a": 2}{"a": 3}', skip=1)
    assert [(record.line, record.values) for record in records] == [
        (3, [b"1", None]),
        (5, [b"2", None]),
        (5, [b"3", None]),
    ]


def test_text_between_objects_is_an_error_of_its_own() -> None:
    records = read(b'{"a": 1}, {"a": 2} tail')
    bad = [record.raw for record in records if isinstance(record.values, RowError)]
    assert bad == [b", ", b"tail"]
    assert [record.values for record in records if record.raw not in bad] == [
        [b"1", None],
        [b"2", None],
    ]


def test_an_object_that_does_not_end_is_an_error() -> None:
    (record,) = read(b'{"a": "x')
    assert isinstance(record.values, RowError)


def test_an_object_larger_than_4_mb_is_not_kept() -> None:
    reader = JsonReader(BY_NAME, 0)
    assert list(reader.feed(b'{"a": "' + b"x" * (3 << 20))) == []
    with pytest.raises(RowTooLongError):
        list(reader.feed(b"x" * (4 << 20)))


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text(max_size=5) | st.integers(), max_size=3),
        max_size=4,
    ),
    st.integers(1, 40),
)  # fmt: skip
def test_how_a_file_is_cut_into_blocks_makes_no_difference(
    objects: list[dict[str, object]], block: int
) -> None:
    data = "\n".join(json.dumps(each) for each in objects).encode()
    whole = [record.values for record in read(data)]
    assert [record.values for record in read(data, block=block)] == whole
    assert len(whole) == len(objects)


def test_copy_loads_json_and_reports_what_it_cannot_load(lake: Lake) -> None:
    table = lake.table("a int, b varchar(3), c super")
    data = b'{"a": 1, "b": "x", "c": {"k": [1]}}\n{"a": "no"}\n{"b": "\xc3\xa9\xc3\xa9"}\n{"a": 4, "b": null}'
    url = lake.put(data)
    assert "Load into table" in str(lake.refusal(table, url, "JSON 'auto'"))
    lake.copy(table, url, "FORMAT AS JSON 'auto' MAXERROR 5")
    assert lake.rows(table) == [(1, "x", '{"k": [1]}'), (4, None, None)]
    (first, second) = sorted(lake.errors(url), key=lambda error: error.line)[-2:]
    assert (first.code, first.line, first.column, first.value) == (1207, 2, "a", "no")
    assert (second.code, second.line, second.column) == (1204, 3, "b")


def test_copy_loads_json_by_a_file_of_paths(lake: Lake) -> None:
    table = lake.table("a int, b varchar(9)")
    paths = lake.put(b'{"jsonpaths": ["$.n.m", "$.list[0]"]}')
    lake.copy(table, lake.put(b'{"n": {"m": 5}, "list": ["x"]}'), f"JSON '{paths}'")
    assert lake.rows(table) == [(5, "x")]
    assert "NoSuchKey" in str(lake.refusal(table, lake.put(b"{}"), f"JSON '{paths}-missing'"))
