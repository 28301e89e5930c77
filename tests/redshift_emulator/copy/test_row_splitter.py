"""Rows and line numbers do not depend on how the file is cut into blocks; time and memory are bounded."""

from __future__ import annotations

import time
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from redshift_emulator.copy.columns import Kind
from redshift_emulator.copy.fast_path import build_fast_path
from redshift_emulator.copy.row_splitter import LineMap, RowSplitter, RowTooLongError
from redshift_emulator.copy.rows import MAX_ROW_BYTES, Row, RowReader
from tests.redshift_emulator.copy.builders import column, options

COLUMNS = [column(Kind.INTEGER), column(Kind.VARCHAR)]
Seen = list[tuple[int, bytes, tuple[bytes, ...]]]


def split(blocks: list[bytes], skip: int = 0) -> tuple[Seen, Seen]:
    """Return the fast-path pieces (line, bytes, ()) and the other rows (line, bytes, fields)."""
    fast: Seen = []
    slow: Seen = []

    def on_row(buffer: bytes, row: Row, line: int) -> None:
        slow.append((line, row.raw(buffer), row.fields))

    splitter = RowSplitter(
        partial(build_fast_path, COLUMNS, options()), RowReader(",", '"', 2), skip, on_row
    )
    for block in blocks:
        fast += [(line, data, ()) for data, line in splitter.feed(block)]
    fast += [(line, data, ()) for data, line in splitter.finish()]
    return fast, slow


def test_each_row_takes_its_path_and_has_its_line_number() -> None:
    fast, slow = split([b'h,h\n1,a\n2,"x\ny"\nz,c\n3,d'], skip=1)
    assert fast == [(2, b'1,a\n2,"x\ny"\n', ()), (6, b"3,d\n", ())]
    assert slow == [(5, b"z,c", (b"z", b"c"))]


@pytest.mark.parametrize(
    ("text", "fields", "broken"),
    [
        (b'x, "a" ,\n', (b"x", b"a", b""), False),
        (b'x,"a""b"\r\n', (b"x", b'a"b'), False),
        (b'x,"a\r\nb"\n', (b"x", b"a\r\nb"), False),
        (b'x,a"b\n', (b"x",), True),
        (b'x,"a"b\n', (b"x",), True),
        (b'x,"never ends\n1,a\n', (), True),
        (b"\n", (b"",), False),
        (b"a,b,c,d,e\n", (b"a", b"b", b"c"), False),
    ],
)
def test_a_row_is_split_into_fields(text: bytes, fields: tuple[bytes, ...], broken: bool) -> None:
    reader = RowReader(",", '"', 2)
    row = reader.read(text, 0) or reader.read_unclosed(text, 0)
    assert (row.fields, row.broken) == (fields, broken)


@settings(max_examples=500, deadline=None)
@example("1111\n1,a", [4], 1)
@example("h", [], 2)
@given(
    st.text('12a,"\n\r é\\', max_size=60),
    st.lists(st.integers(0, 60), max_size=4),
    st.integers(0, 2),
)
def test_cutting_a_file_into_blocks_changes_nothing(text: str, cuts: list[int], skip: int) -> None:
    data = text.encode()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    blocks = [data[a:b] for a, b in pairwise(places)]
    whole_fast, whole_slow = split([data], skip)
    cut_fast, cut_slow = split(blocks, skip)
    assert b"".join(piece for _, piece, _ in cut_fast) == b"".join(
        piece for _, piece, _ in whole_fast
    )
    assert cut_slow == whole_slow


@pytest.mark.parametrize("unit", [b"x", b'"', b"a,", b'1,"\n', b'""', b"\0"])
def test_a_row_without_end_is_rejected_at_4_mb(unit: bytes) -> None:
    opening = b'1,"' if b'"' in unit or b"\n" in unit else b"1,"
    block = (unit * 70_000)[:65_536] if unit != b'1,"\n' else b"1,a\n" * 16_384
    began = time.process_time()
    with pytest.raises(RowTooLongError) as refused:
        split([opening] + [block] * (100 * 1024 * 1024 // len(block)))
    assert refused.value.line == 1
    assert time.process_time() - began < 5
    assert MAX_ROW_BYTES == 4 * 1024 * 1024


def test_a_header_without_end_is_rejected_too() -> None:
    with pytest.raises(RowTooLongError):
        split([b"x" * 65_536] * 100, skip=1)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), min_size=1, max_size=20))
def test_the_line_map_finds_the_line_of_the_file(stretches: list[tuple[int, int]]) -> None:
    expected: list[int] = []
    line_map, sent, line = LineMap(), 1, 1
    for passed, dropped in stretches:
        line_map.add(sent, 0, line)
        expected += range(line, line + passed)
        sent, line = sent + passed, line + passed + dropped
    assert [line_map.find(place)[1] for place in range(1, sent)] == expected


@settings(max_examples=300, deadline=None)
@given(
    st.text('1a,"\n\r \t', max_size=30),
    st.sampled_from([('"', ","), ('"', "\t"), (None, ","), ("'", " ")]),
)
def test_reading_a_row_with_one_match_equals_reading_it_field_by_field(
    text: str, marks: tuple[str | None, str]
) -> None:
    quote, delimiter = marks
    reader = RowReader(delimiter, quote, 2)
    data = text.encode() + b"\n"
    regular, irregular = reader.read(data, 0), reader._read_irregular(data, 0)
    assert (regular and regular[:3]) == (irregular and irregular[:3])
