"""The lexer: what it makes of texts, and that no text breaks it."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import (
    Edit,
    Kind,
    Token,
    cut,
    identifier,
    literal,
    quote_literal,
    quote_name,
    splice,
    statements,
    tokenize,
)
from redshift_emulator.planner import Planner
from redshift_emulator.refusals import REFUSALS
from redshift_emulator.relations import LEADER_FUNCTIONS
from redshift_emulator.rewrite import INTERESTING, SessionValues, stored_name
from redshift_emulator.statement_fingerprints import shape_of, template_of
from redshift_emulator.steps import Step
from redshift_emulator.wire import raw

PIECES = st.sampled_from(
    ["'", '"', "\\", "--", "/*", "*/", "$$", "$a$", "$1", ";", "(", ")", ",", ".", "::", "\n", " ", "E", "#t", "select", "from",
     "where", "create", "table", "alter", "column", "type", "varchar", "(3)", "distkey", "sortkey", "encode", "lock", "copy",
     "values", "insert into t", "1e5", "1.", "é", "\x00", "t", "set", "show", "on conflict", "numeric", "default", "null",
     "primary key", "identity(1,1)", "truncate", "vacuum", "sysdate", "add", "drop", "rename", "to", "begin", "as"]
)  # fmt: skip

SHAPES = {
    word
    for row in REFUSALS
    for shape in row.shapes
    for word in shape.strip("^").replace("(", " ( ").split()
}
WORDS = (
    SHAPES
    | INTERESTING
    | LEADER_FUNCTIONS
    | {"a", "b.c", "'x'", "1", "=", ",", "(", ")", "from", "t", "is", "null"}
)


def values_of(sql: str) -> list[str]:
    return [token.value for token in tokenize(sql)]


def test_tokens_know_their_place() -> None:
    sql = 'SELECT "A b", 1.5e3 -- rest\n FROM /* a /* nested */ one */ T;'
    tokens = tokenize(sql)
    assert [sql[token.start : token.end] for token in tokens] == [
        "SELECT",
        '"A b"',
        ",",
        "1.5e3",
        "FROM",
        "T",
        ";",
    ]
    assert [token.value for token in tokens] == ["select", '"A b"', ",", "1.5e3", "from", "t", ";"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("'a''b'", "a'b"), (r"'a\'b'", "a'b"), (r"'\\'", "\\"), (r"'\n\t'", "\n\t"), (r"'\101\x41'", "AA"), ("$$a'b$$", "a'b"),
     ("$x$a$$b$x$", "a$$b")],
)  # fmt: skip
def test_literals(written: str, meant: str) -> None:
    (token,) = tokenize(written)
    assert token.kind is Kind.STRING
    assert literal(token) == meant


def test_statements_are_split_outside_of_literals() -> None:
    parts = statements(tokenize("a ';' ; ; $$;$$ b;"))
    assert [[token.value for token in part] for part in parts] == [["a", "';'"], ["$$;$$", "b"]]


@pytest.mark.parametrize("sql", ["'a", '"a', "/* a", "$$a", "'a\\'", '""'])
def test_what_does_not_end_is_a_syntax_error(sql: str) -> None:
    with pytest.raises(SqlError) as caught:
        tokenize(sql)
    assert caught.value.sqlstate == "42601"


def test_names_fold_ascii_alone_and_are_cut_between_characters() -> None:
    assert [identifier(token) for token in tokenize('"AÉ" AÉ "a""B"')] == ["aÉ", "aÉ", 'a"b']
    assert len(cut("é" * 100).encode()) == 126
    assert cut("a" * 200) == "a" * 127


@given(st.text())
def test_quoting_round_trips(text: str) -> None:
    (token,) = tokenize(quote_literal(text))
    assert literal(token) == text
    if text:
        (name,) = tokenize(quote_name(text))
        assert name.value[1:-1].replace('""', '"') == text


@given(st.lists(PIECES | st.text(max_size=5), max_size=30))
def test_any_text_becomes_tokens_or_an_sql_error(pieces: list[str]) -> None:
    sql = "".join(pieces)
    try:
        tokens = tokenize(sql)
    except SqlError:
        return
    assert all(before.end <= after.start for before, after in itertools.pairwise(tokens))
    assert all(token.start < token.end for token in tokens)
    assert splice(sql, []) == sql


@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map(" ".join))
def test_any_text_becomes_a_plan_or_an_sql_error(sql: str) -> None:
    with contextlib.suppress(SqlError):
        Planner().plan(raw(sql), SessionValues())


@given(st.text(min_size=1, max_size=200))
def test_stored_names_fit_and_differ(name: str) -> None:
    stored = stored_name(cut(name))
    assert len(stored.encode("utf-8", "surrogateescape")) <= 63
    assert (
        stored == cut(name)
        or stored_name(cut(name + "x")) != stored
        or cut(name) == cut(name + "x")
    )


def test_an_unbalanced_quote_in_a_long_text_is_found_at_once() -> None:
    with pytest.raises(SqlError):
        tokenize("insert into t values ('" + "x" * 5_000_000)


def test_edits_are_made_from_the_end_or_in_any_order() -> None:
    assert splice("abcdef", [Edit(4, 5, "E"), Edit(1, 2, "")]) == "acdEf"
    assert Token(Kind.WORD, "a", 0, 1).value == "a"


LITERALS = st.sampled_from(
    [
        "1",
        "0",
        "2.5",
        "70000",
        "'x'",
        "''",
        "'it''s'",
        "'a \"b\"'",
        "'-- /* $'",
        "'1'",
        "E'x'",
        "$1",
        "$$x$$",
    ]
)


@given(
    st.sampled_from(
        [
            "select",
            "insert into t",
            "update t set a =",
            "delete from t",
            "delete",
            "with",
            "merge into t",
        ]
    ),
    st.lists(
        st.sampled_from(
            [*sorted(WORDS), "LITERAL", "LITERAL", '"Q 1"', "top", "::numeric", "sysdate"]
        )
        | PIECES,
        max_size=15,
    ),
    st.lists(LITERALS, min_size=15, max_size=15),
    st.lists(LITERALS, min_size=15, max_size=15),
)
@settings(max_examples=500)
def test_a_plan_made_from_another_text_of_the_shape_is_the_full_plan(
    head: str, pieces: list[str], first: list[str], second: list[str]
) -> None:
    known, asked = (
        " ".join(
            [
                head,
                *(literals[at] if piece == "LITERAL" else piece for at, piece in enumerate(pieces)),
            ]
        )
        for literals in (first, second)
    )
    planner = Planner()
    plan_or_refusal(planner, known)
    assert plan_or_refusal(planner, asked) == plan_or_refusal(Planner(), asked)


def plan_or_refusal(planner: Planner, sql: str) -> list[Step] | str:
    """The plan of a text, or the words in which it is refused."""
    try:
        return planner.plan(raw(sql), SessionValues())
    except SqlError as refused:
        return refused.message


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        (
            "SELECT a1 FROM t WHERE b = 1.5 AND c <> 'it''s'",
            ("SELECT a1 FROM t WHERE b = ", None, None, " AND c <> ", None, "", ""),
        ),
        ("SELECT \"a 1 'x'\", 1", ("SELECT ", "\"a 1 'x'\"", None, ", ", None, None, "")),
        ("SELECT a, é1, 1", ("SELECT a, é1, ", None, None, "")),
        ("SELECT '/* -- $'", ("SELECT ", None, "", "")),
    ],
)
def test_a_shape_is_a_text_without_its_literals(sql: str, shape: tuple[str | None, ...]) -> None:
    assert shape_of(raw(sql)) == tuple(part if part is None else raw(part) for part in shape)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 -- it's\n, 'x'",
        r"SELECT 'it\'s', 'x'",
        r"""SELECT 'a"b\'c"d', 1""",
        "SELECT $$x$$, 1",
        "SELECT 1 /* '*/, 'x'",
        "SELECT a FROM t WHERE 1",
    ],
)
def test_a_text_whose_literals_are_not_clear_is_planned_every_time(sql: str) -> None:
    assert template_of(raw(sql), lambda other: Planner().plan(other, SessionValues())) is None


def test_literals_come_back_where_they_belong() -> None:
    text = b"SELECT \"A\", sysdate FROM t WHERE b = 'x' AND c = 7"
    template = template_of(text, lambda other: Planner().plan(other, SessionValues()))
    assert template is not None
    asked = text.replace(b"'x'", b"'it''s'").replace(b"7", b"0.5")
    assert template.fill(asked) == b"SELECT \"a\", sysdate() FROM t WHERE b = 'it''s' AND c = 0.5"


def test_a_value_that_is_read_as_true_is_never_part_of_a_shape() -> None:
    planner = Planner()
    for number, condition in ((2, "2"), (1, "true"), (3, "3")):
        [step] = planner.plan(b"SELECT a FROM t WHERE %d" % number, SessionValues())
        assert step.sql.endswith("WHERE " + condition)
