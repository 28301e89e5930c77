"""Our reader of headers and rows finds the fields that the emulator's COPY finds, for any bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etl_core.csv_files.header import read_header
from etl_core.csv_files.rows import read_rows
from etl_core.model.errors import InvalidDataFileError
from etl_core.schema_files.schema_file import CsvOptions
from redshift_emulator.copy.rows import RowReader

MOST_FIELDS = 60
DIALECTS = [(",", '"'), (";", '"'), ("\t", '"'), (" ", "'"), ("|", "~"), ("\x01", '"')]


class Seen(NamedTuple):
    """A row: its line, and its fields; None if a quote is misplaced or never closed."""

    line: int
    fields: list[str] | None


def by_copy(content: bytes, options: CsvOptions) -> Iterator[Seen]:
    """Yield the rows as the emulator's COPY splits them, up to the first that it refuses."""
    reader = RowReader(options.delimiter, options.quote, MOST_FIELDS)
    buffer = content if content.endswith(b"\n") or not content else content + b"\n"
    position = 0
    while position < len(buffer):
        row = reader.read(buffer, position) or reader.read_unclosed(buffer, position)
        line = buffer.count(b"\n", 0, position) + 1
        fields = [field.decode("utf-8", "surrogateescape") for field in row.fields]
        yield Seen(line, None if row.broken else fields)
        if row.broken:
            return
        position = row.end


def by_us(content: bytes, options: CsvOptions, size: int) -> Iterator[Seen]:
    """Yield the rows as our reader splits them, from pieces of this size, up to the first fault."""
    pieces = (content[start : start + size] for start in range(0, len(content), size))
    for row in read_rows(pieces, options):
        yield Seen(row.line, None if row.fault else row.fields)
        if row.fault:
            return


def options_of(dialect: tuple[str, str], header: str = "none") -> CsvOptions:
    delimiter, quote = dialect
    return CsvOptions.model_validate({"delimiter": delimiter, "quote": quote, "header": header})


_BOM = b"\xef\xbb\xbf"
CONTENTS = (
    st.text("ab1é \t\r\n\"'~,;|\x01", max_size=40).map(str.encode) | st.binary(max_size=30)
).filter(lambda content: content[:1] != _BOM[:1])
"""Without a byte order mark: a file with one needs a header, which COPY skips."""


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=100, deadline=None)
@given(CONTENTS, st.integers(1, 9))
@example(b'"a"\r\n"b" \r\n', 1)
@example(b'a, "b\r\n\r\nc" ,d\r', 2)
@example(b'"a""', 1)
@example(b'""""\n"', 3)
@example(b"\xff,\xc3\xa9\n", 1)
@example(b"a\r\r\nb\n", 2)
def test_rows_are_split_as_copy_splits_them(
    dialect: tuple[str, str], content: bytes, size: int
) -> None:
    options = options_of(dialect)

    assert list(by_us(content, options, size)) == list(by_copy(content, options))


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=60, deadline=None)
@given(st.text("ab é \"'~,;|\x01", min_size=1, max_size=20), st.sampled_from(["\n", "\r\n", ""]))
@example('"id" , "name"', "\n")
@example('"id","name" ', "\r\n")
def test_a_header_is_split_as_a_row(dialect: tuple[str, str], text: str, ending: str) -> None:
    content = (text + ending).encode()
    [row, *_] = by_copy(content, options_of(dialect))
    try:
        header: list[str] | None = list(
            read_header([content], None, options_of(dialect, "first_row"))
        )
    except InvalidDataFileError:
        header = None

    assert header == row.fields or (header is None and not text.strip())


@given(CONTENTS.filter(lambda content: b'"' not in content.partition(b"\n")[0]))
def test_the_rows_below_the_header_are_those_after_its_line(content: bytes) -> None:
    """COPY skips the first line of the file, and we its first row."""
    below = content.partition(b"\n")[2]
    rows = list(by_us(content, options_of((",", '"'), "first_row"), 7))

    assert [row.fields for row in rows] == [
        row.fields for row in by_copy(below, options_of((",", '"')))
    ]
