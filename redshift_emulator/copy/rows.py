"""Takes one row of a file apart, field by field. Pure. Used for the rows that the gate does not let through.

A quoted field may hold delimiters and line ends; blanks around its quotes are ignored; a quote anywhere else is a fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from redshift_emulator.copy.repeats import MANY

MAX_ROW_BYTES = 4 * 1024 * 1024


class Row(NamedTuple):
    """A row: its fields with quotes undone, where each began, and where it stands in the buffer (``end`` is behind its
    line end). When ``broken``, its quotes make no sense: ``fields`` are those before the bad one, ``offsets`` has that
    one too."""

    start: int
    end: int
    fields: tuple[bytes, ...]
    offsets: tuple[int, ...]
    broken: bool = False

    def raw(self, buffer: bytes) -> bytes:
        """The row's own bytes, without its line end."""
        return buffer[self.start : self.end].removesuffix(b"\n").removesuffix(b"\r")


@dataclass(frozen=True)
class _Marks:
    """Delimiter and quote as patterns; ``bar`` is what a bare field cannot hold of the two."""

    delimiter: bytes
    quote: bytes
    bar: bytes
    blanks: bytes

    @classmethod
    def of(cls, delimiter: str, quote: str | None) -> _Marks:
        mark = re.escape(delimiter.encode())
        quoted = re.escape(quote.encode()) if quote else rb"(?!)"
        blanks = rb"" if delimiter in " \t" else rb"[ \t]*+"
        return cls(mark, quoted, mark + (quoted if quote else rb""), blanks)

    @property
    def opened(self) -> bytes:
        """A quoted field up to its closing quote, its content in a group."""
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
    """Reads rows of one dialect. ``quote`` None is plain delimited text, where a quote is data. Of a row with more than
    ``most_fields`` only one more is kept: enough to know."""

    def __init__(self, delimiter: str, quote: str | None, most_fields: int) -> None:
        self._most = most_fields + 1
        self._quote = (quote or "").encode()
        self._marks = marks = _Marks.of(delimiter, quote)
        self._plain = re.compile(rb"([^" + marks.bar + rb"\n]*+)(" + marks.delimiter + rb"|\n|\Z)")
        self._content = re.compile(marks.opened)
        self._closing = re.compile(
            marks.quote + marks.blanks + rb"(" + marks.delimiter + rb"|\r?\n|\r?\Z)"
        )
        others = rb"[^" + marks.bar.removeprefix(marks.delimiter) + rb"\n]++"
        self._surplus = re.compile(
            rb"(?:" + others + rb"|" + marks.opened + marks.quote + rb")" + MANY + rb"\n"
        )

    @cached_property
    def _regular(self) -> re.Pattern[bytes]:
        """A row with as many fields as it should have, in one match: two groups a field, one for each way to write it."""
        marks = self._marks
        quoted = marks.opened + marks.quote + marks.blanks
        field = rb"(?>" + quoted + rb"|([^" + marks.bar + rb"\r\n]*+))"
        return re.compile(marks.delimiter.join([field] * (self._most - 1)) + rb"\r?\n")

    def read(self, buffer: bytes, start: int) -> Row | None:
        """The row that begins at ``start``; None when the buffer ends before the row does.

        The last row of a file needs its line end: the caller adds one that is missing.
        """
        match = self._regular.match(buffer, start)
        return self._take_apart(match) if match else self._read_irregular(buffer, start)

    def _take_apart(self, match: re.Match[bytes]) -> Row:
        groups, start = match.groups(), match.start()
        quote, doubled = self._quote, self._quote * 2
        fields = tuple(
            [
                bare
                if bare is not None
                else (quoted.replace(doubled, quote) if doubled in quoted else quoted)
                for quoted, bare in zip(groups[::2], groups[1::2], strict=True)
            ]
        )
        offsets = [0] * len(fields)
        for place in range(1, len(fields)):
            bare_at = match.start(2 * place + 2)
            offsets[place] = (match.start(2 * place + 1) - 1 if bare_at < 0 else bare_at) - start
        return Row(start, match.end(), fields, tuple(offsets))

    def _read_irregular(self, buffer: bytes, start: int) -> Row | None:
        fields: list[bytes] = []
        offsets: list[int] = []
        position = start
        while len(fields) < self._most:
            offsets.append(position - start)
            found = self._field(buffer, position)
            if found is None:
                end = buffer.find(b"\n", position) + 1
                return Row(start, end, tuple(fields), tuple(offsets), broken=True) if end else None
            field, position, ending = found
            if not ending or ending == b"\r":
                return None
            fields.append(field)
            if ending.endswith(b"\n"):
                return Row(start, position, tuple(fields), tuple(offsets))
        surplus = self._surplus.match(buffer, position)
        return Row(start, surplus.end(), tuple(fields), tuple(offsets)) if surplus else None

    def _field(self, buffer: bytes, position: int) -> tuple[bytes, int, bytes] | None:
        """The field, the place behind its end, and what ended it (empty: the buffer did). None for a misplaced quote."""
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
        """The rest of a file whose last row has a quote that never closes."""
        return Row(start, len(buffer), (), (0,), broken=True)
