"""One statement of a query string: its tokens, its words, and the edits that every statement gets."""

from __future__ import annotations

from collections.abc import Sequence

from redshift_emulator.cursor import Cursor
from redshift_emulator.dialect_rewrites import DIALECT_WORDS, dialect_edits
from redshift_emulator.lexer import Edit, Kind, Token, splice
from redshift_emulator.rewrite import (
    SIZED_TYPES,
    SessionValues,
    long_names,
    numeric_edits,
    word_edits,
)

_WORDS = (Kind.WORD, Kind.SYMBOL)


class Statement:
    """One statement.

    source   the text that the tokens' offsets refer to; it may contain other statements, too
    written  the statement as the client wrote it, if `source` is another form of it
    words    the values of words and symbols; "" for literals, quoted names and numbers
    edits    the edits of words and of the dialect
    """

    __slots__ = ("edits", "end", "source", "start", "tokens", "values", "words", "written")

    def __init__(
        self, source: str, tokens: Sequence[Token], values: SessionValues, written: str = ""
    ) -> None:
        self.source = source
        self.written = written
        self.tokens = tokens
        self.values = values
        self.start = tokens[0].start
        self.end = tokens[-1].end
        self.words = [token.value if token.kind in _WORDS else "" for token in tokens]
        self.edits: list[Edit] = word_edits(tokens, values)
        if not SIZED_TYPES.isdisjoint(self.words):
            self.edits += numeric_edits(tokens)
        if not DIALECT_WORDS.isdisjoint(self.words):
            self.edits += dialect_edits(tokens)

    @property
    def text(self) -> str:
        """The statement as the client wrote it."""
        return self.written or self.source[self.start : self.end]

    @property
    def long_names(self) -> frozenset[str]:
        """The names in it that are too long for PostgreSQL."""
        return long_names(self.tokens, self.values)

    def rewritten(
        self, edits: Sequence[Edit] = (), start: int | None = None, end: int | None = None
    ) -> str:
        """Return the statement, or a part of it, with its own edits and `edits` applied.

        Where both change the same place, `edits` are applied.
        """
        if not edits and not self.edits:
            return self.source[
                self.start if start is None else start : self.end if end is None else end
            ]
        begin, stop = self.start if start is None else start, self.end if end is None else end
        inside = [edit for edit in edits if begin <= edit.start and edit.end <= stop]
        kept = [
            edit
            for edit in self.edits
            if begin <= edit.start
            and edit.end <= stop
            and not any(other.start <= edit.start and edit.end <= other.end for other in inside)
        ]
        return splice(self.source, kept + inside, begin, stop)

    def cursor(self, skip: int = 0) -> Cursor:
        """Return a cursor after the first `skip` tokens."""
        cursor = Cursor(self.source, self.tokens, keep_case=self.values.keep_case)
        cursor.index = skip
        return cursor
