"""Reading a statement token by token: the tool of the hand-written readers (CREATE TABLE, ALTER TABLE, COPY, ...)."""

from __future__ import annotations

from collections.abc import Sequence

from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import END, Kind, Token, identifier, is_name, literal


class Cursor:
    """A position in the tokens of one statement. `sql` is the text that the tokens' offsets point into; with `keep_case`
    (enable_case_sensitive_identifier) quoted names are not folded."""

    def __init__(self, sql: str, tokens: Sequence[Token], *, keep_case: bool = False) -> None:
        self.sql = sql
        self.tokens = tokens
        self.keep_case = keep_case
        self.index = 0

    @property
    def token(self) -> Token:
        """The token under the cursor; END behind the last."""
        return self.tokens[self.index] if self.index < len(self.tokens) else END

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self.index >= len(self.tokens)

    def peek(self, ahead: int = 1) -> Token:
        """A token further on."""
        place = self.index + ahead
        return self.tokens[place] if place < len(self.tokens) else END

    def next(self) -> Token:
        """Takes the token under the cursor; a syntax error behind the last."""
        if self.at_end:
            raise self.syntax_error()
        self.index += 1
        return self.tokens[self.index - 1]

    def at(self, *words: str) -> bool:
        """Whether these words (or symbols) come next, in this order."""
        return all(
            self.peek(place).value == word and self.peek(place).kind in (Kind.WORD, Kind.SYMBOL)
            for place, word in enumerate(words)
        )

    def take(self, *words: str) -> bool:
        """Takes these words when they come next."""
        if not self.at(*words):
            return False
        self.index += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Takes these words or raises a syntax error."""
        for word in words:
            if not self.take(word):
                raise self.syntax_error()

    def take_any(self, *words: str) -> str:
        """Takes one of these words and returns it; "" when none comes next."""
        if self.token.kind in (Kind.WORD, Kind.SYMBOL) and self.token.value in words:
            return self.next().value
        return ""

    def name(self) -> str:
        """Takes an identifier, folded and cut."""
        if not is_name(self.token):
            raise self.syntax_error()
        return identifier(self.next(), self.keep_case)

    def qualified_name(self) -> tuple[str, ...]:
        """Takes a name with up to two qualifiers: (table,), (schema, table) or (database, schema, table)."""
        parts = [self.name()]
        while len(parts) < 3 and self.take("."):
            parts.append(self.name())
        return tuple(parts)

    def string(self) -> str:
        """Takes a string literal and returns its text."""
        if self.token.kind is not Kind.STRING:
            raise self.syntax_error()
        return literal(self.next())

    def integer(self) -> int:
        """Takes a whole number, with a sign if it has one."""
        sign = -1 if self.take("-") else 1
        if self.token.kind is not Kind.NUMBER or not self.token.value.isdigit():
            raise self.syntax_error()
        return sign * int(self.next().value)

    def skip_group(self) -> tuple[int, int]:
        """Takes a parenthesised group with all that is in it; returns the token indexes (of "(", behind ")")."""
        first, depth = self.index, 0
        self.expect("(")
        depth = 1
        while depth:
            value = self.next()
            if value.kind is Kind.SYMBOL:
                depth += (value.value == "(") - (value.value == ")")
        return first, self.index

    def name_list(self) -> list[str]:
        """Takes a parenthesised list of names."""
        self.expect("(")
        names = [self.name()]
        while self.take(","):
            names.append(self.name())
        self.expect(")")
        return names

    def expect_end(self) -> None:
        """A syntax error unless everything was read."""
        if not self.at_end:
            raise self.syntax_error()

    def syntax_error(self) -> SqlError:
        """The error for the token under the cursor, worded as Redshift words it."""
        if self.at_end:
            return SqlError("42601", "syntax error at end of input")
        return SqlError(
            "42601", f'syntax error at or near "{self.sql[self.token.start : self.token.end]}"'
        )
