"""Plans: cached by fingerprint, and long INSERTs that are not tokenized."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from redshift_emulator.errors import SqlError
from redshift_emulator.plan_queries import plan_long_insert
from redshift_emulator.planner import MAX_CACHED_LENGTH, Planner
from redshift_emulator.refusals import REFUSALS
from redshift_emulator.relations import LEADER_FUNCTIONS
from redshift_emulator.rewrite import REWRITTEN_WORDS, SessionValues
from redshift_emulator.statement_fingerprints import fingerprint_of, make_template
from redshift_emulator.step import Step
from redshift_emulator.wire import raw
from tests.redshift_emulator.conftest import error, rows
from tests.redshift_emulator.sql_pieces import PIECES

PATTERN_WORDS = {
    word
    for row in REFUSALS
    for pattern in row.patterns
    for word in pattern.strip("^").replace("(", " ( ").split()
}
WORDS = (
    PATTERN_WORDS
    | REWRITTEN_WORDS
    | LEADER_FUNCTIONS
    | {"a", "b.c", "'x'", "1", "=", ",", "(", ")", "from", "t", "is", "null"}
)


@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map(" ".join))
def test_any_text_becomes_a_plan_or_an_sql_error(sql: str) -> None:
    with contextlib.suppress(SqlError):
        Planner().plan(raw(sql), SessionValues())


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
def test_a_plan_from_a_text_with_the_same_fingerprint_equals_the_full_plan(
    head: str, pieces: list[str], first: list[str], second: list[str]
) -> None:
    first_text, second_text = (
        " ".join(
            [
                head,
                *(literals[at] if piece == "LITERAL" else piece for at, piece in enumerate(pieces)),
            ]
        )
        for literals in (first, second)
    )
    planner = Planner()
    plan_or_refusal(planner, first_text)
    assert plan_or_refusal(planner, second_text) == plan_or_refusal(Planner(), second_text)


def plan_or_refusal(planner: Planner, sql: str) -> list[Step] | str:
    """Return the plan of a text, or the message with which it is refused."""
    try:
        return planner.plan(raw(sql), SessionValues())
    except SqlError as refused:
        return refused.message


@pytest.mark.parametrize(
    ("sql", "fingerprint"),
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
def test_a_fingerprint_is_a_text_without_its_literals(
    sql: str, fingerprint: tuple[str | None, ...]
) -> None:
    assert fingerprint_of(raw(sql)) == tuple(
        part if part is None else raw(part) for part in fingerprint
    )


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
def test_a_text_whose_literals_are_ambiguous_has_no_template(sql: str) -> None:
    assert make_template(raw(sql), lambda other: Planner().plan(other, SessionValues())) is None


def test_a_template_puts_the_literals_into_their_places() -> None:
    text = b"SELECT \"A\", sysdate FROM t WHERE b = 'x' AND c = 7"
    template = make_template(text, lambda other: Planner().plan(other, SessionValues()))
    assert template is not None
    other = text.replace(b"'x'", b"'it''s'").replace(b"7", b"0.5")
    assert template.fill(other) == b"SELECT \"a\", sysdate() FROM t WHERE b = 'it''s' AND c = 0.5"


def test_where_1_shares_no_plan_with_other_numbers() -> None:
    planner = Planner()
    for number, condition in ((2, "2"), (1, "true"), (3, "3")):
        [step] = planner.plan(b"SELECT a FROM t WHERE %d" % number, SessionValues())
        assert step.sql.endswith("WHERE " + condition)


def test_a_long_insert_of_literals_is_executed(cursor: Cursor) -> None:
    cursor.execute('CREATE TABLE t ("A" integer, b varchar(20))')
    written = ", ".join(f"({number}, 'it''s {number}')" for number in range(1000))
    cursor.execute(f'INSERT INTO t ("A", b) VALUES {written}')
    assert rows(cursor, "SELECT count(*), max(b) FROM t") == [(1000, "it's 999")]
    assert error(cursor, f"INSERT INTO t VALUES {written} ON CONFLICT DO NOTHING")[0] == "42601"


HIDDEN = [
    "INSERT INTO t VALUES (1, 'x') -- '\n; SELECT soundex(a) FROM t; -- '",
    "INSERT INTO t VALUES (1, 'x') /* '*/; SELECT soundex(a) FROM t; --'",
    "INSERT INTO t VALUES (1, 'x'); SELECT soundex(a) FROM t",
    "INSERT INTO t VALUES (1, 'x'), (2, 'y' || soundex(a))",
    "INSERT INTO t -- VALUES ('\n(a) SELECT soundex(a) FROM t -- ')",
    "INSERT INTO t /* VALUES ('*/ SELECT soundex(a) FROM t --')",
    "INSERT INTO \"t VALUES ('\"; SELECT soundex(a) FROM t; --')",
]


@pytest.mark.parametrize("sql", HIDDEN)
def test_a_hidden_statement_in_a_long_insert_is_refused(sql: str) -> None:
    assert plan_long_insert(sql, SessionValues()) is None
    with pytest.raises(SqlError, match="soundex"):
        Planner().plan(raw(sql + " " * MAX_CACHED_LENGTH), SessionValues())


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO s.t VALUES (1, -2.5, 'it''s', 'a\\'b'), (+.5, NULL, true, DEFAULT);",
        "insert into \"A b\" (\"C d\", e)values('-- x', '/* y')",
    ],
)
def test_the_rows_of_a_long_insert_stay_unchanged(sql: str) -> None:
    step = plan_long_insert(sql, SessionValues(keep_case=True))
    assert step is not None
    assert step.sql == sql
