"""Split Redshift SQL into tokens with offsets, so that a statement can be read and edited in place.

    tokens = tokenize('SELECT "Id" FROM t; VACUUM')
    for statement in statements(tokens): ...
    splice(sql, [Edit(7, 11, '"id"')])

Comments and white space are skipped; every other character belongs to a token. Plain strings have
backslash escapes; there is no E''.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from redshift_emulator.errors import SqlError

MAX_NAME_BYTES = 127


class Kind(IntEnum):
    """The kind of a token."""

    WORD = 1
    QUOTED = 2
    STRING = 3
    NUMBER = 4
    PARAMETER = 5
    SYMBOL = 6


class Token(NamedTuple):
    """A token: its kind, its offsets, and its `value` (a WORD in lower case, everything else as written)."""

    kind: Kind
    value: str
    start: int
    end: int


class Edit(NamedTuple):
    """A replacement of the text between two offsets."""

    start: int
    end: int
    text: str


END = Token(Kind.SYMBOL, "", 0, 0)

_SCANNER = re.compile(
    r"""
    (?:[ \t\n\r\f\v]++|--[^\n\r]*+)*+
    (?: (?P<word>    \#?[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*+ )
  | (?P<string>  '(?:[^'\\]++|\\.|'')*+' )
  | (?P<quoted>  "(?:[^"]++|"")*+" )
  | (?P<number>  \d++(?:\.\d*+)?+(?:[eE][+-]?\d++)?+ | \.\d++(?:[eE][+-]?\d++)?+ )
  | (?P<param>   \$\d++ )
  | (?P<symbol>  ::|:=|<=|>=|<>|!=|\|\||(?!/\*|\$[A-Za-z_0-9]*+\$). )
  | (?P<dollar>  \$(?:[A-Za-z_][A-Za-z0-9_]*+)?\$ )
  | (?P<comment> /\* )
  | \Z )
    """,
    re.VERBOSE | re.DOTALL,
)
_GROUPS = dict(_SCANNER.groupindex)
_DOLLAR = _GROUPS["dollar"]
_WORD, _COMMENT = Kind.WORD, None
_KINDS: dict[int, Kind | None] = {
    _GROUPS["word"]: Kind.WORD,
    _GROUPS["string"]: Kind.STRING,
    _GROUPS["quoted"]: Kind.QUOTED,
    _GROUPS["number"]: Kind.NUMBER,
    _GROUPS["param"]: Kind.PARAMETER,
    _GROUPS["symbol"]: Kind.SYMBOL,
    _GROUPS["dollar"]: Kind.STRING,
    _GROUPS["comment"]: _COMMENT,
}
# An unterminated or empty quotation, which the scanner matches as a symbol.
_SUSPECT = frozenset({"'", '"', '""'})
_COMMENT_MARK = re.compile(r"/\*|\*/")
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def tokenize(sql: str) -> list[Token]:
    """Return the tokens of a text.

    SqlError 42601 for an unterminated string, quoted name or comment.
    """
    tokens: list[Token] = []
    match_at, kinds, make, lower = (
        _SCANNER.match,
        _KINDS,
        tuple.__new__,
        str.lower if sql.isascii() else fold,
    )
    position = 0
    while match := match_at(sql, position):
        group = match.lastindex
        if group is None:
            break
        start, position = match.span(group)
        kind, value = kinds[group], sql[start:position]
        if kind is _WORD:
            value = lower(value)
        elif value in _SUSPECT or group >= _DOLLAR:
            kind, position = _special(sql, group, start, position)
            if kind is _COMMENT:
                continue
            value = sql[start:position]
        # Creates the same tuple as Token(...), whose __new__ would take a third of the time.
        tokens.append(make(Token, (kind, value, start, position)))
    return tokens


def _special(sql: str, group: int, start: int, end: int) -> tuple[Kind | None, int]:
    """Return kind and end of what the scanner cannot match: comments (which are no token), dollar
    quotes, unterminated quotes.
    """
    value = sql[start:end]
    if group == _GROUPS["comment"]:
        return _COMMENT, _comment_end(sql, start)
    if group == _DOLLAR:
        return Kind.STRING, _dollar_end(sql, start, value)
    if value in ("'", '"'):
        what = "quoted string" if value == "'" else "quoted identifier"
        raise SqlError("42601", f"unterminated {what} at offset {start}")
    raise SqlError("42601", 'zero-length delimited identifier at or near """"')


def _comment_end(sql: str, start: int) -> int:
    """Return the end of a comment. Comments nest."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(sql, start):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    raise SqlError("42601", f"unterminated /* comment at offset {start}")


def _dollar_end(sql: str, start: int, tag: str) -> int:
    end = sql.find(tag, start + len(tag))
    if end < 0:
        raise SqlError("42601", f"unterminated dollar-quoted string at offset {start}")
    return end + len(tag)


def statements(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the tokens of each statement, without semicolons. Empty statements are left out."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.value == ";" and token.kind is Kind.SYMBOL:
            parts.append([])
        else:
            parts[-1].append(token)
    return [statement for statement in parts if statement]


def value_at(tokens: Sequence[Token], place: int) -> str:
    """Return the value of the token at an index; "" before the first and after the last token."""
    return tokens[place].value if 0 <= place < len(tokens) else ""


def splice(sql: str, edits: Iterable[Edit], start: int = 0, end: int | None = None) -> str:
    """Return the text between `start` and `end` with all edits applied. Edits must not overlap."""
    parts: list[str] = []
    position = start
    for edit in sorted(edits):
        parts += (sql[position : edit.start], edit.text)
        position = edit.end
    parts.append(sql[position : len(sql) if end is None else end])
    return "".join(parts)


def fold(text: str) -> str:
    """Convert ASCII letters to lower case, as Redshift folds names."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def cut(name: str) -> str:
    """Cut a name to 127 bytes, never inside a character."""
    raw = name.encode("utf-8", "surrogateescape")
    return name if len(raw) <= MAX_NAME_BYTES else raw[:MAX_NAME_BYTES].decode("utf-8", "ignore")


def identifier(token: Token, keep_case: bool = False) -> str:  # noqa: FBT001, FBT002 - a session setting, passed on
    """Return the name that a WORD or QUOTED token means: folded and cut at 127 bytes (r_names).

    Quoted names are folded, too, unless enable_case_sensitive_identifier is on (`keep_case`).
    """
    if token.kind is Kind.WORD:
        return cut(token.value)
    name = token.value[1:-1].replace('""', '"')
    return cut(name if keep_case else fold(name))


def is_name(token: Token) -> bool:
    """Whether a token can be a name."""
    return token.kind in (Kind.WORD, Kind.QUOTED)


def quote_name(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Return a text as a string literal, for a server with backslash escapes in plain literals."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


_ESCAPE = re.compile(r"''|\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def literal(token: Token) -> str:
    """Return the text that a STRING token means, without quotes (or dollar quotes) and escapes."""
    if token.value.startswith("$"):
        tag = token.value[: token.value.index("$", 1) + 1]
        return token.value[len(tag) : -len(tag)]
    return _ESCAPE.sub(_unescape, token.value[1:-1])


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    if code is None:
        return "'"
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)
