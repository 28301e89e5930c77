"""Navigation into SUPER values: `body.user.tags[0]`, and `FROM t, t.body.items AS i`. Pure. Source: query-super.

A chain of names is a path if it begins with a column, or with a table, its column and more. The tables and aliases of
the whole statement are known from its FROM clauses; a chain that begins with none of them is a column and a path.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_emulator.lexer import Kind, is_name, quote_literal, quote_name
from redshift_emulator.restructure.select import selects
from redshift_emulator.restructure.source import Source

_BEFORE_A_NAME = frozenset(
    {"from", "join", "into", "update", "table", "view", "as", "::", "exists", "using", "schema", "on",
     "only", "lateral", "type"}
)  # fmt: skip
_BEFORE_A_TABLE = frozenset({"from", "join", "into", "update", "delete", "using", "only"})


@dataclass(frozen=True)
class Chain:
    """Names and subscripts: the tokens, and the steps (a name, or an index in brackets)."""

    first: int
    end: int
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Tables:
    """What the statement's FROM clauses name.

    These are the tables by their aliases, arrays that are unnested, and the places where tables are named.
    """

    aliases: frozenset[str]
    arrays: frozenset[str]
    places: frozenset[int]
    unnested: tuple[tuple[Chain, int, str], ...]


def super_path(source: Source) -> str | None:
    """Replace one path or one unnested array; None if there is none."""
    if not _may_have_paths(source):
        return None
    tables = _tables(source)
    for chain, after, alias in tables.unnested:
        text = f"LATERAL pg_rs.elements({_navigate(source, chain, tables)}) AS {alias}"
        return source.replaced(chain.first, after, text)
    items = {
        (item.first, item.end)
        for select in selects(source)
        for item in select.items()
        if not item.has_alias
    }
    for place, token in enumerate(source.tokens):
        if is_name(token) and place not in tables.places and source.word(place - 1) != ".":
            chain = _chain(source, place)
            if _is_path(source, chain, tables):
                text = _navigate(source, chain, tables)
                if (chain.first, chain.end) in items and not chain.steps[-1].startswith("["):
                    text += " AS " + quote_name(chain.steps[-1])
                return source.replaced(chain.first, chain.end, text)
    return None


def _may_have_paths(source: Source) -> bool:
    """Whether a statement may have paths. Quick, because nearly every statement has none."""
    known = _named_tables(source)
    for place, word in enumerate(source.words):
        if word == "[":
            return True
        if word != "." or source.word(place - 2) == "." or source.word(place - 2) in _BEFORE_A_NAME:
            continue
        chain = _chain(source, place - 1)
        is_listed = source.word(place - 2) == "," and source.name(chain.end) != ""
        if len(chain.steps) > 2 or is_listed or chain.steps[0] not in known:
            return True
    return False


def _tables(source: Source) -> Tables:
    relations = [relation for select in selects(source) for relation in select.relations()]
    aliases = {relation.alias for relation in relations if relation.alias}
    aliases |= _named_tables(source)
    unnested: list[tuple[Chain, int, str]] = []
    places: set[int] = set()
    for relation in relations:
        chain = _chain(source, relation.first)
        is_unnested = (
            len(chain.steps) > 1
            and chain.steps[0] in aliases
            and relation.alias != chain.steps[-1]
            and source.word(chain.first - 1) in (",", "join")
        )
        if is_unnested:
            unnested.append((chain, relation.after, relation.alias))
        places.update(range(relation.first, relation.after))
    subqueries = {place for place in places if source.word(place) == "("}
    inside = {at for place in subqueries for at in range(place, source.closing(place) + 1)}
    arrays = frozenset(alias for _, _, alias in unnested) | _unnested_before(source)
    return Tables(frozenset(aliases), arrays, frozenset(places - inside), tuple(unnested))


def _named_tables(source: Source) -> set[str]:
    """Return the names and aliases after FROM, JOIN, INTO, UPDATE and USING, also of DELETE and MERGE."""
    names: set[str] = set()
    for place, word in enumerate(source.words):
        follows = source.word(place + 1)
        if word in _BEFORE_A_TABLE and follows != "from" and source.name(place + 1):
            chain = _chain(source, place + 1)
            names.add(chain.steps[-1])
            names.add(source.name(chain.end + (source.word(chain.end) == "as")))
        elif word == ")" and source.word(place + 1) not in ("as", "from", "over"):
            names.add(source.name(place + 1))
    return names - {""}


def _unnested_before(source: Source) -> frozenset[str]:
    """Return the aliases of arrays that an earlier pass has unnested."""
    return frozenset(
        source.name(source.closing(place + 1) + 2)
        for place, word in enumerate(source.words)
        if word == "elements"
        and source.word(place - 1) == "."
        and source.word(place - 2) == "pg_rs"
    )


def _chain(source: Source, place: int) -> Chain:
    steps, at = [source.name(place)], place + 1
    while True:
        if source.word(at) == "." and source.name(at + 1):
            steps.append(source.name(at + 1))
            at += 2
        elif (
            source.word(at) == "["
            and source.word(at + 2) == "]"
            and source.tokens[at + 1].kind is Kind.NUMBER
        ):
            steps.append(f"[{source.tokens[at + 1].value}]")
            at += 3
        else:
            return Chain(place, at, tuple(steps))


def _is_path(source: Source, chain: Chain, tables: Tables) -> bool:
    if (
        len(chain.steps) < 2
        or source.word(chain.end) in ("(", ".")
        or source.word(chain.first - 1) in _BEFORE_A_NAME
    ):
        return False
    return len(chain.steps) > _column_steps(chain, tables)


def _column_steps(chain: Chain, tables: Tables) -> int:
    """Return how many steps name the column: 1, or 2 to 4 with its table, schema and database."""
    if chain.steps[0] in tables.arrays:
        return 1
    if chain.steps[0] in tables.aliases:
        return 2
    for place in (1, 2):
        if len(chain.steps) > place + 1 and chain.steps[place] in tables.aliases:
            return place + 2
    return 1


def _navigate(source: Source, chain: Chain, tables: Tables) -> str:
    count = _column_steps(chain, tables)
    text = source.text(chain.first, chain.first + 2 * count - 1)
    for step in chain.steps[count:]:
        member = step[1:-1] if step.startswith("[") else quote_literal(step)
        text = f"pg_rs.member({text}, {member})"
    return text
