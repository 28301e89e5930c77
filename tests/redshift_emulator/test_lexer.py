"""The lexer splits texts into tokens, and every text becomes tokens or an SqlError."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
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
from redshift_emulator.rewrite import stored_name
from tests.redshift_emulator.sql_pieces import PIECES


def values_of(sql: str) -> list[str]:
    return [token.value for token in tokenize(sql)]


def test_tokens_have_offsets_and_values() -> None:
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
    [("'a''b'", "a'b"), (r"'a\'b'", "a'b"), (r"'\\'", "\\"), (r"'\n\t'", "\n\t"), (r"'\101\x41'",
    "AA"), ("$$a'b$$", "a'b"),
     ("$x$a$$b$x$", "a$$b")],
)  # fmt: skip
def test_a_literal_is_unescaped(written: str, meant: str) -> None:
    (token,) = tokenize(written)
    assert token.kind is Kind.STRING
    assert literal(token) == meant


def test_semicolons_in_literals_do_not_split_statements() -> None:
    parts = statements(tokenize("a ';' ; ; $$;$$ b;"))
    assert [[token.value for token in part] for part in parts] == [["a", "';'"], ["$$;$$", "b"]]


@pytest.mark.parametrize("sql", ["'a", '"a', "/* a", "$$a", "'a\\'", '""'])
def test_an_unterminated_quotation_or_comment_is_a_syntax_error(sql: str) -> None:
    with pytest.raises(SqlError) as caught:
        tokenize(sql)
    assert caught.value.sqlstate == "42601"


def test_only_ascii_letters_are_folded_and_names_are_cut_between_characters() -> None:
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


@given(st.text(min_size=1, max_size=200))
def test_stored_names_fit_into_63_bytes_and_stay_different(name: str) -> None:
    stored = stored_name(cut(name))
    assert len(stored.encode("utf-8", "surrogateescape")) <= 63
    assert (
        stored == cut(name)
        or stored_name(cut(name + "x")) != stored
        or cut(name) == cut(name + "x")
    )


def test_an_unterminated_quote_in_a_long_text_is_found_fast() -> None:
    with pytest.raises(SqlError):
        tokenize("insert into t values ('" + "x" * 5_000_000)


def test_edits_may_be_given_in_any_order() -> None:
    assert splice("abcdef", [Edit(4, 5, "E"), Edit(1, 2, "")]) == "acdEf"
    assert Token(Kind.WORD, "a", 0, 1).value == "a"
