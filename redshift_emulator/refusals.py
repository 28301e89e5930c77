"""The statements that Redshift refuses: one table of (name, SQLSTATE, message, source, patterns).

A pattern is a sequence of words: `^` is the start of the statement, `...` skips any tokens, `name(`
is a call. A refusal without patterns is raised where it is detected, by its name: `raise
refusal("add column not null")`.

`source` is the origin of the message: an AWS page, a public issue, or `unconfirmed` if no source
shows its exact wording. Brackets mean that the source confirms the refusal, but not its wording.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from redshift_emulator import missing
from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import Kind, Token

FEATURES = "[c_unsupported-postgresql-features]"
FUNCTIONS = "[c_unsupported-postgresql-functions]"
_LIMIT = "a limit of the emulator, not of Redshift"


@dataclass(frozen=True)
class Refusal:
    """One row.

    `message` may contain {placeholders}; `patterns` match the statements that are refused.
    """

    name: str
    sqlstate: str
    message: str
    source: str
    patterns: tuple[str, ...] = ()


REFUSALS: tuple[Refusal, ...] = (
    # Transactions
    Refusal("in a block", "25001", "{command} cannot run inside a transaction block", "SQLMesh#5572, flyway#2438"),
    Refusal(
        "in a string", "25001", "{command} cannot run inside a multiple commands statement", "snowplow redshift models"
    ),
    Refusal("vacuum", "XX000", "VACUUM is running", "dbt-core#639; SQLSTATE unconfirmed"),
    Refusal("savepoint", "0A000", "SQL command \"SAVEPOINT\" not supported", FUNCTIONS, ("^savepoint",)),
    Refusal(
        "rollback to", "0A000", "SQL command \"ROLLBACK TO SAVEPOINT\" not supported", FUNCTIONS,
        ("^rollback to", "^rollback work to", "^rollback transaction to"),
    ),
    Refusal("release", "0A000", "SQL command \"RELEASE SAVEPOINT\" not supported", FUNCTIONS, ("^release",)),
    Refusal(
        "two-phase", "0A000", "PREPARE TRANSACTION is not supported", "unconfirmed",
        ("^prepare transaction", "^commit prepared", "^rollback prepared"),
    ),
    # ALTER TABLE
    Refusal(
        "alter using", "0A000", "ALTER TABLE ALTER COLUMN does not support USING expression", "dbeaver#9449"
    ),
    Refusal(
        "alter default", "0A000", "ALTER COLUMN SET/DROP DEFAULT is not supported", "django-redshift-backend#96"
    ),
    Refusal("alter not null", "0A000", "ALTER COLUMN SET/DROP NOT NULL is not supported", "[r_ALTER_TABLE]"),
    Refusal(
        "add column not null", "0A000",
        "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression",
        "trino TestRedshiftConnector",
    ),
    Refusal("add column key", "0A000", "cannot add a column with {what} to an existing table", "[r_ALTER_TABLE]"),
    Refusal("drop sortkey", "0A000", "cannot drop sortkey column \"{column}\"", "dbt-redshift#333"),
    Refusal("drop distkey", "0A000", "cannot drop distkey column \"{column}\"", "[r_ALTER_TABLE]"),
    Refusal("drop last column", "0A000", "cannot drop the only column of table \"{table}\"", "[r_ALTER_TABLE]"),
    Refusal(
        "alter type", "0A000",
        "cannot alter column \"{column}\" from type {actual}: only VARCHAR may change its length",
        "[r_ALTER_TABLE]",
    ),
    Refusal(
        "alter type encoding", "0A000", "cannot alter type of a column with encoding {encoding}", "[r_ALTER_TABLE]"
    ),
    Refusal("alter type key", "0A000", "cannot alter type of a column with a {key} constraint", "[r_ALTER_TABLE]"),
    Refusal(
        "alter type shrink default", "0A000", "cannot decrease a VARCHAR column size with default value",
        "django-redshift-backend#96",
    ),
    Refusal(
        "alter type too short", "0A000",
        "target column size should be greater or equal to current maximum column size ({longest})",
        "unconfirmed [r_ALTER_TABLE]",
    ),
    Refusal("alter encoding same", "0A000", "column \"{column}\" has encoding {encoding} already", "[r_ALTER_TABLE]"),
    Refusal("encoding", "0A000", "encoding \"{encoding}\" is not valid for type {type}",
        "[az64-encoding, zstd-encoding]"),
    Refusal("add key nullable", "0A000",
        "column \"{column}\" of a primary key must have been created NOT NULL", "[r_ALTER_TABLE]"),
    Refusal("append columns", "0A000",
        "ALTER TABLE APPEND: columns {columns} are in one of the tables only", "[r_ALTER_TABLE_APPEND]"),
    Refusal(
        "append unlike", "0A000", "ALTER TABLE APPEND: column \"{column}\" differs in type, NOT NULL, encoding or key",
        "[r_ALTER_TABLE_APPEND]",
    ),
    # CREATE TABLE
    Refusal("check", "0A000", "CHECK constraints are not supported", FEATURES),
    Refusal("exclude", "0A000", "EXCLUDE constraints are not supported", FEATURES),
    Refusal("type", "0A000", "Column \"{column}\" has unsupported type \"{type}\".",
        "unconfirmed [c_unsupported-postgresql-datatypes]"),
    Refusal("diststyle and distkey", "42601", "DISTKEY cannot be used with DISTSTYLE {style}", "[r_CREATE_TABLE_NEW]"),
    Refusal("two distkeys", "42601", "only one DISTKEY column is allowed", "[r_CREATE_TABLE_NEW]"),
    Refusal("two sortkeys", "42601", "SORTKEY was given more than once", "[r_CREATE_TABLE_NEW]"),
    Refusal("key column", "42703", "column \"{column}\" named in {clause} does not exist", "unconfirmed"),
    Refusal("key type", "0A000", "column \"{column}\" of type {type} cannot be a {clause}", "[r_CREATE_TABLE_NEW]"),
    Refusal("identity type", "42601", "identity column \"{column}\" must have type INT or BIGINT",
        "[r_CREATE_TABLE_NEW]"),
    Refusal("temporary schema", "42601", "temporary tables cannot specify a schema name", "[r_CREATE_TABLE_NEW]"),
    Refusal("system column", "42701", "column name \"{column}\" conflicts with a system column name", FEATURES),
    # Statements and clauses
    Refusal("index", "0A000", "SQL command \"CREATE INDEX\" not supported", FEATURES, (
        "^create index", "^create unique index", "^drop index", "^alter index", "^reindex")),
    Refusal("sequence", "0A000", "Sequences are not supported", FEATURES, (
        "^create sequence", "^create temp sequence", "^drop sequence", "^alter sequence",
        "nextval(", "currval(", "setval(")),
    Refusal("trigger", "0A000", "Triggers are not supported", FEATURES, ("^create trigger",
        "^create constraint trigger", "^drop trigger")),
    Refusal("rule", "0A000", "Rules are not supported", FEATURES, ("^create rule", "^drop rule",
        "^create or replace rule")),
    Refusal("type command", "0A000", "SQL command not supported", FEATURES, (
        "^create type", "^create domain", "^drop type", "^drop domain", "^alter type",
        "^create tablespace", "^create extension", "^create aggregate", "^create operator",
        "^create cast", "^create collation", "^create server", "^create unlogged", "^create policy",
        "^create publication", "^create subscription", "^create event", "^cluster", "^listen",
        "^notify",
        "^unlisten", "^load", "^do", "^discard", "^reassign", "^checkpoint", "^security", "^import", "^values")),
    Refusal("on conflict", "42601", "syntax error at or near \"on\"", "[r_INSERT_30], django-redshift-backend", (
        "^insert ... on conflict",)),
    Refusal("returning", "42601", "syntax error at or near \"returning\"", "[r_INSERT_30], django-redshift-backend", (
        "^insert ... returning", "^update ... returning", "^delete ... returning")),
    Refusal("write in with", "42601", "syntax error at or near \"{command}\"", "embulk-output-jdbc#72"),
    Refusal("row lock", "0A000", "SELECT FOR UPDATE/SHARE is not supported", "[r_SELECT_synopsis]", (
        "for update", "for share", "for no key", "for key share")),
    Refusal("distinct on", "0A000", "SELECT DISTINCT ON is not supported", FEATURES, ("distinct on (",)),
    Refusal("distinct from", "0A000", "IS DISTINCT FROM is not supported", "django-redshift-backend", (
        "is distinct from", "is not distinct from")),
    Refusal("values list", "0A000", "VALUES list is supported only in INSERT", FEATURES, (
        "( values (", "from values (", "as values (")),
    Refusal("filter", "42601", "syntax error at or near \"(\"", "[c_Aggregate_Functions]", (") filter (",)),
    Refusal("tablesample", "42601", "syntax error at or near \"tablesample\"", "[r_FROM_clause30]", (
        "tablesample system", "tablesample bernoulli")),
    Refusal("frame", "42601", "syntax error at or near \"{word}\"", "[r_Window_function_synopsis]"),
    Refusal("collation", "42601", "syntax error at or near \"collate\"", "[c_collation_sequences]"),
    Refusal("explain", "42601", "syntax error at or near \"{word}\"", "[r_EXPLAIN]"),
    Refusal("update outer join", "0A000", "Target table must be part of an equijoin predicate",
        "r_UPDATE; SQLSTATE unconfirmed"),
    Refusal("late view names", "0A000",
        "All the relation names inside should be qualified when creating views with no schema binding.",
        "public reports; SQLSTATE unconfirmed [r_CREATE_VIEW]"),
    Refusal("lateral", "42601", "syntax error at or near \"lateral\"", FEATURES, ("lateral (",)),
    Refusal("escape string", "42704", "type \"e\" does not exist", "jOOQ#10628, npgsql#515"),
    Refusal("standard strings", "42704",
        "unrecognized configuration parameter \"standard_conforming_strings\"", "sqlalchemy#9494", (
        "^show standard_conforming_strings", "^set standard_conforming_strings")),
    Refusal("merge same table", "0A000", "MERGE: the source must not be the target table", "[r_MERGE]"),
    Refusal("merge system table", "0A000", "MERGE: the target must not be a system table", "[r_MERGE]"),
    Refusal("merge condition", "0A000",
        "MERGE: the condition must be equalities between source and target", "[r_MERGE]"),
    Refusal("unload query", "0A000", "UNLOAD needs one SELECT", "[r_UNLOAD]"),
    Refusal("unload not empty", "XX000",
        "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix,"
        " manually removing the target files in S3, or using the ALLOWOVERWRITE option.",
        "public reports; SQLSTATE unconfirmed"),
    Refusal("emulator", "0A000", "{command} is not supported by this emulator", _LIMIT),
    Refusal("statement size", "54001",
        "Statement is too large. Statement Size: {size} bytes. Maximum Allowed: 16777216 bytes",
        "unconfirmed [c_redshift-sql]"),
    Refusal("emulator parquet", "0A000",
        "{command} is not supported by this emulator without the package pyarrow:"
        " pip install 'redshift-emulator[parquet]'", _LIMIT),
    Refusal("emulator clause", "0A000", "{what} is not supported by this emulator", _LIMIT, missing.CLAUSES),
    Refusal("emulator statement", "0A000", "{what} is not supported by this emulator", _LIMIT,
        tuple("^" + words for words in missing.STATEMENTS)),
    Refusal("emulator name", "0A000", "{what} is not supported by this emulator", _LIMIT,
        (*missing.RELATIONS, *missing.VALUES)),
    # Functions
    Refusal("emulator function", "0A000", "{function}() is not supported by this emulator", _LIMIT,
        tuple(name + "(" for name in missing.FUNCTIONS)),
    Refusal("compute function", "0A000",
        "One or more of the used functions must be applied on at least one user created tables. "
        "Examples of user table only"
        " functions are LISTAGG, MEDIAN, PERCENTILE_CONT, etc", "[c_sql-functions-leader-node]"),
    Refusal("leader function", "0A000",
        "Specified types or functions (one per INFO message) not supported on Redshift tables.",
        "[c_SQL_functions_leader_node_only]"),
    Refusal("function", "42883", "function {function}() does not exist", FUNCTIONS, (
        "pg_advisory_lock(", "pg_advisory_xact_lock(", "pg_try_advisory_lock(",
        "pg_try_advisory_xact_lock(", "pg_advisory_unlock(", "pg_advisory_unlock_all(",
        "pg_advisory_lock_shared(", "pg_sleep(", "clock_timestamp(", "statement_timestamp(",
        "transaction_timestamp(", "string_agg(", "array_agg(", "regexp_matches(", "json_agg(",
        "jsonb_agg(", "to_json(", "to_jsonb(", "row_to_json(", "gen_random_uuid(", "unnest(",
        "regexp_split_to_table(", "regexp_split_to_array(",
        "octet_length_large(", "pg_column_size(", "xmlparse(", "lastval(", "width_bucket(", "current_query(",
        "every(", "corr(", "covar_pop(", "covar_samp(", "regr_avgx(", "regr_avgy(", "regr_count(",
        "regr_intercept(", "regr_r2(", "regr_slope(", "regr_sxx(", "regr_sxy(", "regr_syy(", "xmlagg(",
        "div(", "setseed(", "bit_length(", "overlay(", "encode(", "format(", "quote_nullable(",
        "convert_from(", "convert_to(", "justify_days(", "justify_hours(", "justify_interval(",
        "generate_subscripts(", "pg_table_size(", "pg_indexes_size(", "pg_total_relation_size(",
        "pg_database_size(", "pg_tablespace_size(", "pg_size_pretty(", "inet_client_addr(",
        "inet_client_port(", "inet_server_addr(", "inet_server_port(", "pg_conf_load_time(",
        "pg_is_other_temp_schema(", "pg_listening_channels(", "pg_my_temp_schema(",
        "pg_postmaster_start_time(", "pg_trigger_depth(")),
)  # fmt: skip

_BY_NAME = {row.name: row for row in REFUSALS}


def refusal(name: str, **values: object) -> SqlError:
    """Return the error of a row with its placeholders filled in."""
    row = _BY_NAME[name]
    return SqlError(row.sqlstate, row.message.format(**values) if values else row.message)


@dataclass(frozen=True)
class _Pattern:
    row: Refusal
    words: tuple[str, ...]
    at_start: bool


def _patterns_by_trigger() -> dict[str, list[_Pattern]]:
    """Return the patterns by trigger: a word that every statement that matches contains."""
    patterns: dict[str, list[_Pattern]] = {}
    for row in REFUSALS:
        for text in row.patterns:
            at_start = text.startswith("^")
            words = tuple(text.removeprefix("^").replace("(", " (").split())
            key = max((word for word in words if word not in "()*"), key=len)
            patterns.setdefault(words[-1] if "..." in words else key, []).append(
                _Pattern(row, words, at_start)
            )
    return patterns


_PATTERNS = _patterns_by_trigger()
_TRIGGERS = frozenset(_PATTERNS)

# What may follow COLLATE; "(" begins the function, pg_catalog the name in psql's queries.
_COLLATIONS = frozenset(
    (name,) for name in ("case_sensitive", "cs", "case_insensitive", "ci", "(", "pg_catalog")
)
# Frames that Redshift lacks (it has only ROWS), what begins one, and what comes before a column of that name.
_FRAMES = frozenset({"range", "groups"})
_FRAME_STARTS = frozenset({"between", "unbounded", "current", ""})
_BEFORE_COLUMN = frozenset({"by", ",", "."})
# After these a word and a parenthesis are a table or alias and its columns: CREATE TABLE t (...),
# FROM t AS u (...).
_BEFORE_NAME = frozenset(
    {"table", "exists", "view", "into", "copy", "analyze", "references", "with", "recursive", "as"}
)
# The commands that write, and the word that follows. After UPDATE the table's name follows.
_WRITES = {"insert": "into", "delete": "from", "merge": "into", "update": ""}


def check_refusals(tokens: Sequence[Token], words: Sequence[str]) -> None:
    """Raise the refusal of a pattern that a statement matches.

    `words` are the values of the tokens; "" for tokens that are neither word nor symbol.
    """
    for trigger in _TRIGGERS.intersection(words):
        for pattern in _PATTERNS[trigger]:
            if _matches(words, pattern):
                values = {"function": pattern.words[0], "what": " ".join(pattern.words).upper()}
                shown = any("{" + name + "}" in pattern.row.message for name in values)
                raise refusal(pattern.row.name, **(values if shown else {}))
    if "with" in words:
        _check_with(tokens, words)
    if not _FRAMES.isdisjoint(words):
        _check_frames(words)
    if "collate" in words:
        _check_collate(words)
    for token, following in itertools.pairwise(tokens):
        if token.value == "e" and following.kind is Kind.STRING and token.end == following.start:
            raise refusal("escape string")


def _check_collate(words: Sequence[str]) -> None:
    """Refuse the collations that Redshift lacks: all but its own two (c_collation_sequences)."""
    for place, word in enumerate(words):
        if word == "collate" and place and tuple(words[place + 1 : place + 2]) not in _COLLATIONS:
            raise refusal("collation")


def _check_frames(words: Sequence[str]) -> None:
    """Refuse window frames other than ROWS.

    A column may be called `range` or `groups`, so the word counts only inside OVER (...).
    """
    openers = [""]
    for place, word in enumerate(words):
        if word == "(":
            openers.append(words[place - 1] if place else "")
        elif word == ")" and len(openers) > 1:
            openers.pop()
        elif (
            word in _FRAMES
            and openers[-1] == "over"
            and words[place - 1] not in _BEFORE_COLUMN
            and words[place + 1] in _FRAME_STARTS
        ):
            raise refusal("frame", word=word)


def _check_with(tokens: Sequence[Token], words: Sequence[str]) -> None:
    """Refuse writes in a WITH, and MERGE after one (r_MERGE).

    Check a statement that writes after a WITH as without it.
    """
    depth = 0
    for place, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if not place or not begins_a_write(words, place):
            continue
        if depth or word == "merge":
            raise refusal("write in with", command=word)
        if words[0] == "with":
            check_refusals(tokens[place:], words[place:])
            return


def begins_a_write(words: Sequence[str], place: int) -> bool:
    """Whether the word at an index is INSERT, UPDATE, DELETE or MERGE as a command and not as a name."""
    if words[place] not in _WRITES or place == 0:
        return words[place] in _WRITES
    following = _WRITES[words[place]]
    return words[place - 1] in ("(", ")") and (
        words[place + 1 : place + 2] == [following]
        if following
        else "set" in words[place + 2 : place + 9]
    )


def is_name_of(words: Sequence[str], place: int) -> bool:
    """Whether the word before a parenthesis is the name of a table with a column list, and not a function."""
    while place > 1 and words[place - 1] == ".":
        place -= 2
    return place > 0 and words[place - 1] in _BEFORE_NAME


def _matches(words: Sequence[str], pattern: _Pattern) -> bool:
    if not pattern.at_start:
        size, called = len(pattern.words), pattern.words[1:] == ("(",)
        return any(
            tuple(words[place : place + size]) == pattern.words
            and not (called and is_name_of(words, place))
            for place in range(len(words) - size + 1)
        )
    if "..." not in pattern.words:
        return tuple(words[: len(pattern.words)]) == pattern.words
    gap = pattern.words.index("...")
    tail = pattern.words[gap + 1 :]
    rest = words[gap:]
    return tuple(words[:gap]) == pattern.words[:gap] and any(
        tuple(rest[place : place + len(tail)]) == tail for place in range(len(rest) - len(tail) + 1)
    )
