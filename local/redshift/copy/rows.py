"""Takes one row of a file apart, field by field. Pure. Used for the rows that the gate does not let through.

A quoted field may hold delimiters and line ends; blanks around its quotes are ignored; a quote anywhere else is a fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_ROW_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Row:
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


class RowReader:
    """Reads rows of one dialect. ``quote`` None is plain delimited text, where a quote is data. Of a row with more than
    ``most_fields`` only one more is kept: enough to know."""

    def __init__(self, delimiter: str, quote: str | None, most_fields: int) -> None:
        self._most = most_fields + 1
        self._quote = (quote or "").encode()
        mark, quoted = re.escape(delimiter.encode()), re.escape(self._quote or b"\0")
        blanks = rb"" if delimiter in " \t" else rb"[ \t]*+"
        self._plain = re.compile(rb"([^" + mark + (quoted if quote else b"") + rb"\n]*+)(" + mark + rb"|\n|\Z)")
        self._content = re.compile(blanks + quoted + rb"((?:[^" + quoted + rb"]++|" + quoted * 2 + rb")*+)")
        inside = quoted + rb"(?:[^" + quoted + rb"]++|" + quoted * 2 + rb")*+" + quoted
        others = rb"[^\n" + (quoted if quote else b"") + rb"]++"
        self._surplus = re.compile(rb"(?:" + others + rb"|" + inside + rb")*+\n")
        self._closing = re.compile(quoted + blanks + rb"(" + mark + rb"|\r?\n|\r?\Z)")

    def read(self, buffer: bytes, start: int) -> Row | None:
        """The row that begins at ``start``; None when the buffer ends before the row does.

        The last row of a file needs its line end: the caller adds one that is missing.
        """
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
        opened = self._content.match(buffer, position) if self._quote else None
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
