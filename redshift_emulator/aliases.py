"""Redshift lets WHERE name an alias of the SELECT list; PostgreSQL does not. Expanded here for catalog queries alone, since
a user's table may have a column of that name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from redshift_emulator.lexer import Edit, Kind, Token, identifier, is_name

_CLAUSES = frozenset({"group", "having", "order", "limit", "union"})


def alias_edits(source: str, tokens: Sequence[Token]) -> list[Edit]:
    """The edits that put the expressions in place of their aliases, in every branch of a UNION."""
    edits: list[Edit] = []
    for branch in _branches(tokens):
        edits += _branch_edits(source, branch)
    return edits


def _branches(tokens: Sequence[Token]) -> Iterator[list[tuple[int, Token]]]:
    """The tokens of every branch, each with its depth in parentheses."""
    depth = 0
    branch: list[tuple[int, Token]] = []
    for token in tokens:
        depth -= token.value == ")"
        if depth == 0 and token.kind is Kind.WORD and token.value == "union":
            yield branch
            branch = []
        branch.append((depth, token))
        depth += token.value == "("
    yield branch


def _branch_edits(source: str, branch: list[tuple[int, Token]]) -> Iterator[Edit]:
    aliases = _aliases(source, branch)
    in_where = False
    for place, (depth, token) in enumerate(branch):
        if depth == 0 and token.kind is Kind.WORD and token.value in _CLAUSES:
            in_where = False
        if (
            in_where
            and token.kind is Kind.WORD
            and token.value in aliases
            and not _qualified(branch, place)
        ):
            yield Edit(token.start, token.end, aliases[token.value])
        in_where = in_where or (depth == 0 and token.kind is Kind.WORD and token.value == "where")


def _qualified(branch: list[tuple[int, Token]], place: int) -> bool:
    around = [
        branch[other][1].value for other in (place - 1, place + 1) if 0 <= other < len(branch)
    ]
    return "." in around or "(" in around[1:]


def _aliases(source: str, branch: list[tuple[int, Token]]) -> dict[str, str]:
    """Every `expression AS alias` of the SELECT list."""
    found: dict[str, str] = {}
    start = -1
    for place, (depth, token) in enumerate(branch):
        word = token.value if token.kind in (Kind.WORD, Kind.SYMBOL) and depth == 0 else ""
        if start < 0:
            start = token.end if word == "select" else start
        elif word in (",", "from"):
            alias, before = branch[place - 1][1], branch[place - 2][1]
            if before.value == "as" and is_name(alias):
                found[identifier(alias)] = source[start : before.start].strip()
            start = token.end
            if word == "from":
                break
    return found
