"""One statement of a query string: its tokens, its words, and the edits every statement gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from local.redshift.cursor import Cursor
from local.redshift.lexer import Edit, Kind, Token, splice
from local.redshift.rewrite import SessionValues, long_names, word_edits


@dataclass(frozen=True)
class Statement:
    """The tokens point into `source`, which may hold other statements as well."""

    source: str
    tokens: Sequence[Token]
    values: SessionValues

    @property
    def start(self) -> int:
        """Where the statement begins in `source`."""
        return self.tokens[0].start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.tokens[-1].end

    @property
    def text(self) -> str:
        """As the client wrote it."""
        return self.source[self.start : self.end]

    @cached_property
    def words(self) -> list[str]:
        """The values of words and symbols; "" for literals, quoted names and numbers."""
        return [token.value if token.kind in (Kind.WORD, Kind.SYMBOL) else "" for token in self.tokens]

    @cached_property
    def edits(self) -> list[Edit]:
        """The word-level edits."""
        return word_edits(self.tokens, self.values)

    @property
    def long_names(self) -> frozenset[str]:
        """The names in it that PostgreSQL stores under a short one."""
        return long_names(self.tokens, self.values)

    def rewritten(self, edits: Sequence[Edit] = (), start: int | None = None, end: int | None = None) -> str:
        """The statement (or a part) with the word-level edits and these made; these win where both want a place."""
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
        """A cursor behind the first `skip` tokens."""
        cursor = Cursor(self.source, self.tokens)
        cursor.index = skip
        return cursor
