"""Find the clauses of a SELECT, and the items of its lists. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from redshift_emulator.lexer import Kind, is_name
from redshift_emulator.restructure.source import Source

_CLAUSES = frozenset(
    {"into", "from", "where", "group", "having", "qualify", "window", "order", "limit", "offset", "fetch"}
)  # fmt: skip
SET_OPERATORS = frozenset({"union", "except", "intersect", "minus"})
_JOIN_WORDS = frozenset({"inner", "left", "right", "full", "outer", "cross", "natural", "join"})
_NO_ALIAS = (
    _CLAUSES | SET_OPERATORS | _JOIN_WORDS
    | {"on", "using", "pivot", "unpivot", "as", "lateral", "set", "when", "with", "at", "tablesample"}
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """An item of a SELECT list: the tokens of its expression, and its name ("" if it has none)."""

    first: int
    end: int
    name: str
    has_alias: bool


@dataclass(frozen=True)
class Relation:
    """An item of a FROM clause: its tokens without alias, the name or alias by which it is known, and where it ends."""

    first: int
    end: int
    alias: str
    after: int


@dataclass(frozen=True)
class Select:
    """One SELECT: the index of its first token, of its end, and the tokens of each clause without its first word(s)."""

    source: Source
    start: int
    end: int
    clauses: dict[str, tuple[int, int]]

    def clause(self, name: str) -> str:
        """Return the text of a clause with its keyword; "" if there is none."""
        if name not in self.clauses:
            return ""
        first, end = self.clauses[name]
        keyword = name + (" by" if name in ("group", "order") else "")
        return f" {keyword} " + self.source.text(first, end)

    @property
    def head(self) -> int:
        """The index after SELECT, DISTINCT, ALL and TOP n."""
        place = self.start + 1
        if self.source.word(place) in ("distinct", "all"):
            place += 1
        if self.source.word(place) == "top":
            place += 2
        return place

    def items(self) -> Iterator[Item]:
        """Yield the items of the list."""
        first, end = self.head, self.clauses["select"][1]
        for start, stop in self.source.split(first, end):
            yield _item(self.source, start, stop)

    def relations(self) -> Iterator[Relation]:
        """Yield the tables and subqueries of the FROM clause and its joins."""
        if "from" not in self.clauses:
            return
        place, end = self.clauses["from"]
        expecting = True
        while place < end:
            word = self.source.word(place)
            if expecting and word not in ("lateral", "only"):
                relation = _relation(self.source, place, end)
                yield relation
                place, expecting = relation.after, False
                continue
            if word == "(":
                place = self.source.closing(place)
            elif word in (",", "join"):
                expecting = True
            place += 1


def selects(source: Source) -> Iterator[Select]:
    """Yield every SELECT of a statement, the inner ones last."""
    for place, token in enumerate(source.tokens):
        if token.kind is Kind.WORD and token.value == "select" and source.word(place - 1) != ".":
            yield _select(source, place)


def _select(source: Source, start: int) -> Select:
    depth, place = 0, start + 1
    current, first = "select", start + 1
    clauses: dict[str, tuple[int, int]] = {}
    while place < len(source.words):
        word = source.words[place]
        depth += (word == "(") - (word == ")")
        if depth < 0 or (depth == 0 and (word == ";" or word in SET_OPERATORS)):
            break
        if depth == 0 and word in _CLAUSES and _begins(source, place, word):
            clauses[current] = (first, place)
            current, first = word, place + 1 + (word in ("group", "order"))
        place += 1
    clauses[current] = (first, place)
    return Select(source, start, place, clauses)


def _begins(source: Source, place: int, word: str) -> bool:
    """Whether a word begins a clause and is not a name."""
    if source.word(place - 1) in (".", "as"):
        return False
    return word not in ("group", "order") or source.word(place + 1) == "by"


def _item(source: Source, first: int, end: int) -> Item:
    last = end - 1
    if end - first > 2 and source.word(last - 1) == "as" and source.name(last):
        return Item(first, last - 1, source.name(last), has_alias=True)
    if source.word(last) == "*":
        return Item(first, end, "", has_alias=False)
    if end - first > 1 and is_name(source.tokens[last]) and _ends_expression(source, last - 1):
        return Item(first, last, source.name(last), has_alias=True)
    is_column = all(source.word(place) == "." for place in range(first + 1, end, 2))
    if is_column and source.name(last):
        return Item(first, end, source.name(last), has_alias=False)
    called = source.name(first) if source.word(first + 1) == "(" else ""
    return Item(first, end, called, has_alias=False)


def _ends_expression(source: Source, place: int) -> bool:
    """Whether the token can be the last one of an expression that an alias follows."""
    token = source.tokens[place]
    if token.kind is Kind.SYMBOL:
        return token.value in (")", "]")
    return token.kind is not Kind.WORD or token.value not in (
        "and", "or", "not", "is", "like", "ilike", "in", "between", "then", "else", "when", "case", "as"
    )  # fmt: skip


def _relation(source: Source, first: int, end: int) -> Relation:
    if source.word(first) == "(":
        place, alias = source.closing(first) + 1, ""
    else:
        place = first + 1
        while source.word(place) == "." and place + 1 < end:
            place += 2
        alias = source.name(place - 1)
        if source.word(place) == "(":
            place = source.closing(place) + 1
    stop = place
    if source.word(place) == "as":
        place += 1
    if (
        place < end
        and is_name(source.tokens[place])
        and (source.word(place) not in _NO_ALIAS or source.word(place - 1) == "as")
    ):
        alias, place = source.name(place), place + 1
        if place < end and source.word(place) == "(":
            place = source.closing(place) + 1
    return Relation(first, stop, alias, place)
