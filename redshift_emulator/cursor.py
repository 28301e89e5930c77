"""Read a statement token by token.

Used by the readers of CREATE TABLE, ALTER TABLE, COPY and others.
"""

from __future__ import annotations

from collections.abc import Sequence

from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import END, Kind, Token, identifier, is_name, literal

# Words that cannot be used as names without quotes (r_pg_keywords).
RESERVED = frozenset(
    {"aes128", "aes256", "all", "allowoverwrite", "analyse", "analyze", "and", "any", "array", "as",
     "asc", "authorization", "az64", "backup", "between", "binary", "blanksasnull", "both",
     "bytedict", "bzip2", "case", "cast", "check", "collate", "column", "constraint", "create",
     "credentials", "cross", "current_date", "current_time", "current_timestamp", "current_user",
     "current_user_id", "default", "deferrable", "deflate", "defrag", "delta", "delta32k", "desc",
     "disable", "distinct", "do", "else", "emptyasnull", "enable", "encode", "encrypt",
     "encryption", "end", "except", "explicit", "false", "for", "foreign", "freeze", "from", "full",
     "globaldict256", "globaldict64k", "grant", "group", "gzip", "having", "identity", "ignore",
     "ilike", "in", "initially", "inner", "intersect", "interval", "into", "is", "isnull", "join",
     "leading", "left", "like", "limit", "localtime", "localtimestamp", "lun", "luns", "lzo",
     "lzop", "minus", "mostly16", "mostly32", "mostly8", "natural", "new", "not", "notnull", "null",
     "nulls", "off", "offline", "offset", "oid", "old", "on", "only", "open", "or", "order",
     "outer", "overlaps", "parallel", "partition", "percent", "permissions", "pivot", "placing",
     "primary", "raw", "readratio", "recover", "references", "rejectlog", "resort", "respect",
     "restore", "right", "select", "session_user", "similar", "snapshot", "some", "sysdate",
     "system", "table", "tag", "tdes", "text255", "text32k", "then", "timestamp", "to", "top",
     "trailing", "true", "truncatecolumns", "union", "unique", "unnest", "unpivot", "user", "using",
     "verbose", "wallet",
     "when", "where", "with", "without"}
)  # fmt: skip


class Cursor:
    """A position in the tokens of one statement.

    The tokens' offsets refer to `sql`. With `keep_case` (enable_case_sensitive_identifier) quoted
    names are not folded. Every method that takes something raises a syntax error if something else
    comes next, unless it says otherwise.
    """

    def __init__(self, sql: str, tokens: Sequence[Token], *, keep_case: bool = False) -> None:
        self.sql = sql
        self.tokens = tokens
        self.keep_case = keep_case
        self.index = 0

    def copy(self) -> Cursor:
        """Return another cursor at this position."""
        other = Cursor(self.sql, self.tokens, keep_case=self.keep_case)
        other.index = self.index
        return other

    @property
    def token(self) -> Token:
        """The current token; END after the last one."""
        return self.tokens[self.index] if self.index < len(self.tokens) else END

    @property
    def at_end(self) -> bool:
        """Whether all tokens have been taken."""
        return self.index >= len(self.tokens)

    def peek(self, ahead: int = 1) -> Token:
        """Return a later token without taking it; END after the last one."""
        place = self.index + ahead
        return self.tokens[place] if place < len(self.tokens) else END

    def next(self) -> Token:
        """Take the current token."""
        if self.at_end:
            raise self.syntax_error()
        self.index += 1
        return self.tokens[self.index - 1]

    def at(self, *words: str) -> bool:
        """Whether these words or symbols come next, in this order."""
        return all(
            self.peek(place).value == word and self.peek(place).kind in (Kind.WORD, Kind.SYMBOL)
            for place, word in enumerate(words)
        )

    def take(self, *words: str) -> bool:
        """Take these words if they come next. Return whether they did."""
        if not self.at(*words):
            return False
        self.index += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Take these words."""
        for word in words:
            if not self.take(word):
                raise self.syntax_error()

    def take_any(self, *words: str) -> str:
        """Take one of these words and return it; "" if none of them comes next."""
        if self.token.kind in (Kind.WORD, Kind.SYMBOL) and self.token.value in words:
            return self.next().value
        return ""

    def name(self) -> str:
        """Take an identifier and return it, folded and cut."""
        if not is_name(self.token):
            raise self.syntax_error()
        return identifier(self.next(), self.keep_case)

    def qualified_name(self) -> tuple[str, ...]:
        """Take a name with up to two qualifiers: (table,), (schema, table) or (database, schema, table)."""
        parts = [self.name()]
        while len(parts) < 3 and self.take("."):
            parts.append(self.name())
        return tuple(parts)

    def string(self) -> str:
        """Take a string literal and return its text."""
        if self.token.kind is not Kind.STRING:
            raise self.syntax_error()
        return literal(self.next())

    def integer(self) -> int:
        """Take a whole number with an optional minus sign and return it."""
        sign = -1 if self.take("-") else 1
        if self.token.kind is not Kind.NUMBER or not self.token.value.isdigit():
            raise self.syntax_error()
        return sign * int(self.next().value)

    def skip_group(self) -> tuple[int, int]:
        """Take a parenthesised group. Return the index of its "(" and the index after its ")"."""
        first, depth = self.index, 0
        self.expect("(")
        depth = 1
        while depth:
            value = self.next()
            if value.kind is Kind.SYMBOL:
                depth += (value.value == "(") - (value.value == ")")
        return first, self.index

    def name_list(self) -> list[str]:
        """Take a parenthesised list of names and return them."""
        self.expect("(")
        names = [self.name()]
        while self.take(","):
            names.append(self.name())
        self.expect(")")
        return names

    def expect_end(self) -> None:
        """Raise a syntax error unless all tokens have been taken."""
        if not self.at_end:
            raise self.syntax_error()

    def syntax_error(self) -> SqlError:
        """Return the syntax error for the current token, in Redshift's words."""
        if self.at_end:
            return SqlError("42601", "syntax error at end of input")
        return SqlError(
            "42601", f'syntax error at or near "{self.sql[self.token.start : self.token.end]}"'
        )


def refuse_reserved(cursor: Cursor) -> None:
    """Raise a syntax error if a reserved word comes next where a new name is expected.

    `oid` passes: names of system columns have an error of their own.
    """
    if (
        cursor.token.kind is Kind.WORD
        and cursor.token.value in RESERVED
        and cursor.token.value != "oid"
    ):
        raise cursor.syntax_error()
