"""All SQL of the golden files and of a load, parsed by an independent parser: the Redshift dialect of sqlfluff.

A statement that parses may still be rejected by Redshift; test_plans.py runs the statements in the
emulator for that. sqlfluff parses every statement of ours today. If it rejects one that AWS
documents, list that statement here with its page.
"""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlfluff.core import FluffConfig, Linter

from etl_core.loading.ledger import (
    add_columns,
    create_ledger_statements,
    insert_rows,
    ledger_table,
)
from etl_core.loading.ledger_access import protect_statements, select_access
from etl_core.loading.ledger_queries import select_backlog, select_own, select_tables
from etl_core.model.lake_key import Action
from etl_core.recovery.read_ledgers import select_page, select_versions
from etl_core.recovery.tables_requests import VersionQuery
from etl_core.schema_changes.live_table import select_table, select_tables_with, select_views
from etl_core.schema_files.column_types import DIALECT
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.sql import CopyCsv, CopySource, LockTable, describe_sql
from tests.builders import TABLE, a_ledger_row, a_spec, an_upload
from tests.etl_core.schema_changes.golden_plans import golden_plans

_LINTER = Linter(config=FluffConfig(overrides={"dialect": "redshift"}))


def unparsed(statements: list[str]) -> list[str]:
    """Return the statements that do not parse.

    One call for all of them: 80 statements take half a second.
    """
    parsed = _LINTER.parse_string("".join(f"{statement};\n" for statement in statements))
    lines = {violation.line_no for violation in parsed.violations}
    return [statement for number, statement in enumerate(statements, 1) if number in lines]


def test_every_statement_of_a_golden_file_parses_as_redshift() -> None:
    emitted = list(
        dict.fromkeys(one.sql for golden in golden_plans() for one in golden.plan().statements)
    )

    assert len(emitted) >= 70
    assert not any("\n" in statement for statement in emitted)
    assert unparsed(emitted) == []


def test_every_statement_of_a_load_parses_as_redshift() -> None:
    ledger = ledger_table(TABLE)
    table = table_of_schema_file(a_spec(), TABLE)
    source = CopySource(
        "s3://w/m'.json", "arn:aws:iam::1:role/r", "GZIP", "\t", '"', "NA", "auto", "auto", "UTF16"
    )
    elements = [
        *create_ledger_statements(ledger),
        *protect_statements(ledger),
        select_access(),
        select_tables_with(["id", "name"]),
        LockTable(ledger),
        select_own(ledger, an_upload(), Action.APPEND, ()),
        select_backlog(ledger, an_upload(), Action.TRUNCATE, [an_upload(), an_upload("b")]),
        *add_columns(ledger, ["upload_id"]),
        select_table(TABLE),
        select_views(TABLE),
        sa.delete(table),
        CopyCsv(table, ("id", "name"), source),
        sa.select(sa.func.pg_last_copy_count()),
        insert_rows(ledger, [a_ledger_row(), a_ledger_row()]),
        select_tables(),
        select_versions(VersionQuery(TABLE, ("v1", "v2"), ("dev/append/t/a.csv",))),
        select_page("public__t", "0"),
    ]
    literal = {"literal_binds": True}
    statements = [
        " ".join(
            str(element.compile(dialect=DIALECT, compile_kwargs=literal)).replace("%%", "%").split()
        )
        if isinstance(element, (sa.Select, sa.Insert))
        else describe_sql(element)
        for element in elements
    ]
    assert unparsed(statements) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE t ADD COLUMN a INTEGER b",
        "ALTER TABLE t ALTER COLUMN a SET NOT NULL FROM b",
        "SELECT FROM WHERE",
    ],
)
def test_the_parser_rejects_invalid_sql(statement: str) -> None:
    assert unparsed(["SELECT 1", statement, "SELECT 2"]) == [statement]
