"""Splits one row of a file into its fields, for rows that cannot take the fast path. Pure.

A quoted field may contain delimiters and line endings. Blanks around its quotes are ignored. A
quote anywhere else is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

MAX_ROW_BYTES = 4 * 1024 * 1024

# A repeat that gives nothing back (possessive). In some releases of Python 3.11, 3.11.2 among them,
# such a repeat loses its position when its body fails half-way (CPython gh-106052). There it is a
# greedy repeat, which needs more memory and finds the same as long as what follows it cannot match
# less.
ANY_NUMBER = b"*" if re.match(rb'(?:"(?:a|b)*+"c)*+', b'"ab"d').end() else b"*+"  # type: ignore[union-attr]


class Row(NamedTuple):
    """A row: its unquoted fields, their offsets in the row, and its place in the buffer (``end`` is
    after the line ending).

    A ``broken`` row has a misplaced quote: ``fields`` ends before the invalid field, ``offsets``
    includes it.
    """

    start: int
    end: int
    fields: tuple[bytes, ...]
    offsets: tuple[int, ...]
    broken: bool = False

    def raw(self, buffer: bytes) -> bytes:
        """Return the bytes of the row, without its line ending."""
        return buffer[self.start : self.end].removesuffix(b"\n").removesuffix(b"\r")


@dataclass(frozen=True)
class _Marks:
    """Delimiter and quote as patterns.

    ``special`` is what an unquoted field cannot contain of the two.
    """

    delimiter: bytes
    quote: bytes
    special: bytes
    blanks: bytes

    @classmethod
    def of(cls, delimiter: str, quote: str | None) -> _Marks:
        mark = re.escape(delimiter.encode())
        quoted = re.escape(quote.encode()) if quote else rb"(?!)"
        blanks = rb"" if delimiter in " \t" else rb"[ \t]*+"
        return cls(mark, quoted, mark + (quoted if quote else rb""), blanks)

    @property
    def opened(self) -> bytes:
        """Matches a quoted field up to its closing quote, the content in a group."""
        if self.quote == rb"(?!)":
            return rb"(?!)()"
        return (
            self.blanks
            + self.quote
            + rb"((?:[^"
            + self.quote
            + rb"]++|"
            + self.quote * 2
            + rb")*+)"
        )


class RowReader:
    """Reads the rows of one dialect. ``quote`` None is plain delimited text, where a quote is data.

    At most one field more than ``column_count`` is kept of a row.
    """

    def __init__(self, delimiter: str, quote: str | None, column_count: int) -> None:
        self._column_count = column_count
        self._quote = (quote or "").encode()
        self._marks = marks = _Marks.of(delimiter, quote)
        self._plain = re.compile(
            rb"([^" + marks.special + rb"\n]*+)(" + marks.delimiter + rb"|\n|\Z)"
        )
        self._content = re.compile(marks.opened)
        self._closing = re.compile(
            marks.quote + marks.blanks + rb"(" + marks.delimiter + rb"|\r?\n|\r?\Z)"
        )
        others = rb"[^" + marks.special.removeprefix(marks.delimiter) + rb"\n]++"
        self._surplus = re.compile(
            rb"(?:" + others + rb"|" + marks.opened + marks.quote + rb")" + ANY_NUMBER + rb"\n"
        )

    @cached_property
    def _regular(self) -> re.Pattern[bytes]:
        """Matches a row with the right number of fields.

        Each field has two groups: quoted and unquoted. Reading a row with one match is a third
        faster than reading it field by field.
        """
        marks = self._marks
        quoted = marks.opened + marks.quote + marks.blanks
        field = rb"(?>" + quoted + rb"|([^" + marks.special + rb"\r\n]*+))"
        return re.compile(marks.delimiter.join([field] * self._column_count) + rb"\r?\n")

    def read(self, buffer: bytes, start: int) -> Row | None:
        """Return the row that begins at ``start``; None when the buffer ends before the row does.

        The last row of a file must have a line ending: the caller adds a missing one.
        """
        match = self._regular.match(buffer, start)
        return self._from_match(match) if match else self._read_irregular(buffer, start)

    def _from_match(self, match: re.Match[bytes]) -> Row:
        groups, start = match.groups(), match.start()
        quote, doubled = self._quote, self._quote * 2
        fields = tuple(
            [
                plain
                if plain is not None
                else (quoted.replace(doubled, quote) if doubled in quoted else quoted)
                for quoted, plain in zip(groups[::2], groups[1::2], strict=True)
            ]
        )
        offsets = [0] * len(fields)
        for place in range(1, len(fields)):
            plain_at = match.start(2 * place + 2)
            offsets[place] = (match.start(2 * place + 1) - 1 if plain_at < 0 else plain_at) - start
        return Row(start, match.end(), fields, tuple(offsets))

    def _read_irregular(self, buffer: bytes, start: int) -> Row | None:
        fields: list[bytes] = []
        offsets: list[int] = []
        position = start
        while len(fields) <= self._column_count:
            offsets.append(position - start)
            read = self._field(buffer, position)
            if read is None:
                end = buffer.find(b"\n", position) + 1
                return Row(start, end, tuple(fields), tuple(offsets), broken=True) if end else None
            field, position, ending = read
            if not ending or ending == b"\r":
                return None
            fields.append(field)
            if ending.endswith(b"\n"):
                return Row(start, position, tuple(fields), tuple(offsets))
        surplus = self._surplus.match(buffer, position)
        return Row(start, surplus.end(), tuple(fields), tuple(offsets)) if surplus else None

    def _field(self, buffer: bytes, position: int) -> tuple[bytes, int, bytes] | None:
        """Return the field, the position after it, and what ended it (empty: the end of the buffer).

        None for a misplaced quote.
        """
        opened = self._content.match(buffer, position)
        if opened is None:
            plain = self._plain.match(buffer, position)
            if plain is None:
                return None
            field = plain[1].removesuffix(b"\r") if plain[2] == b"\n" else plain[1]
            return field, plain.end(), plain[2]
        if opened.end() == len(buffer):
            return b"", opened.end(), b""
        closed = self._closing.match(buffer, opened.end())
        if closed is None:
            return None
        return opened[1].replace(self._quote * 2, self._quote), closed.end(), closed[1]

    def read_unclosed(self, buffer: bytes, start: int) -> Row:
        """Return the rest of the file as a broken row, because a quote is never closed."""
        return Row(start, len(buffer), (), (0,), broken=True)
