"""Rows, lines and their numbers, however the file is cut into blocks; nothing grows or repeats without bound."""

from __future__ import annotations

import time
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from redshift_emulator.copy.columns import Kind
from redshift_emulator.copy.fast_path import build_gate
from redshift_emulator.copy.row_splitter import LineMarks, RowTooLongError, Sieve
from redshift_emulator.copy.rows import MAX_ROW_BYTES, Row, RowReader
from tests.redshift_emulator.copy.builders import column, options

COLUMNS = [column(Kind.INTEGER), column(Kind.VARCHAR)]
Seen = list[tuple[int, bytes, tuple[bytes, ...]]]


def sift(blocks: list[bytes], skip: int = 0) -> tuple[Seen, Seen]:
    """What passed (line, bytes, ()) and what was held back (line, bytes, fields)."""
    passed: Seen = []
    held: Seen = []

    def hold(buffer: bytes, row: Row, line: int) -> None:
        held.append((line, row.raw(buffer), row.fields))

    sieve = Sieve(partial(build_gate, COLUMNS, options()), RowReader(",", '"', 2), skip, hold)
    for block in blocks:
        passed += [(line, data, ()) for data, line in sieve.feed(block)]
    passed += [(line, data, ()) for data, line in sieve.finish()]
    return passed, held


def test_rows_are_told_apart_and_numbered() -> None:
    passed, held = sift([b'h,h\n1,a\n2,"x\ny"\nz,c\n3,d'], skip=1)
    assert passed == [(2, b'1,a\n2,"x\ny"\n', ()), (6, b"3,d\n", ())]
    assert held == [(5, b"z,c", (b"z", b"c"))]


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
def test_a_row_is_taken_apart(text: bytes, fields: tuple[bytes, ...], broken: bool) -> None:
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
    whole, held = sift([data], skip)
    cut_passed, cut_held = sift(blocks, skip)
    assert b"".join(piece for _, piece, _ in cut_passed) == b"".join(piece for _, piece, _ in whole)
    assert cut_held == held


@pytest.mark.parametrize("unit", [b"x", b'"', b"a,", b'1,"\n', b'""', b"\0"])
def test_a_row_that_does_not_end_is_given_up_at_4_mb(unit: bytes) -> None:
    opening = b'1,"' if b'"' in unit or b"\n" in unit else b"1,"
    block = (unit * 70_000)[:65_536] if unit != b'1,"\n' else b"1,a\n" * 16_384
    began = time.process_time()
    with pytest.raises(RowTooLongError) as refused:
        sift([opening] + [block] * (100 * 1024 * 1024 // len(block)))
    assert refused.value.line == 1
    assert time.process_time() - began < 5
    assert MAX_ROW_BYTES == 4 * 1024 * 1024


def test_an_endless_header_is_given_up_too() -> None:
    with pytest.raises(RowTooLongError):
        sift([b"x" * 65_536] * 100, skip=1)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), min_size=1, max_size=20))
def test_line_marks_find_the_line_of_the_file(stretches: list[tuple[int, int]]) -> None:
    expected: list[int] = []
    marks, sent, line = LineMarks(), 1, 1
    for passed, dropped in stretches:
        marks.add(sent, 0, line)
        expected += range(line, line + passed)
        sent, line = sent + passed, line + passed + dropped
    assert [marks.find(place)[1] for place in range(1, sent)] == expected


@settings(max_examples=300, deadline=None)
@given(
    st.text('1a,"\n\r \t', max_size=30),
    st.sampled_from([('"', ","), ('"', "\t"), (None, ","), ("'", " ")]),
)
def test_a_regular_row_reads_as_an_irregular_one(text: str, marks: tuple[str | None, str]) -> None:
    quote, delimiter = marks
    reader = RowReader(delimiter, quote, 2)
    data = text.encode() + b"\n"
    regular, irregular = reader.read(data, 0), reader._read_irregular(data, 0)
    assert (regular and regular[:3]) == (irregular and irregular[:3])
