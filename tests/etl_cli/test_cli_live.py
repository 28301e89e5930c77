"""`etl plan` against a live table in the emulator: it shows what an upload would do."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from etl_cli.main import main
from etl_core.loading.ledger import create_ledger_statements, insert_rows, ledger_table
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from redshift_emulator.server import Server
from tests.builders import NOON, TABLE, a_column, a_ledger_row, a_schema_file, a_spec
from tests.etl_core.live import LiveTable

_COLUMNS = (a_column(), a_column("name", "VARCHAR(9)"))


class LivePlan:
    """Runs `etl plan` against the emulator."""

    def __init__(self, folder: Path, server: Server, ca_file: Path) -> None:
        self._file, self._server, self.ca_file = folder / "schema.json", server, ca_file
        self.environment = {
            "REDSHIFT_USER": "awsuser",
            "REDSHIFT_PASSWORD": server.options.password,
        }

    def run(self, schema: bytes, *more: str, keyboard: str = "") -> Result:
        self._file.write_bytes(schema)
        host, port = self._server.address
        place = (
            "--host",
            host,
            "--port",
            str(port),
            "--database",
            "dev",
            "--ca-file",
            str(self.ca_file),
        )
        arguments = ["plan", str(self._file), "--table", "t", *place, *more]
        result = CliRunner().invoke(main, arguments, env=self.environment, input=keyboard)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result


@pytest.fixture
def runner(tmp_path: Path, emulator: Server, certificates: Path, live: LiveTable) -> LivePlan:
    live.create(table_of_schema_file(a_spec(*_COLUMNS), TABLE))
    set_in_force(live, a_spec(*_COLUMNS))
    return LivePlan(tmp_path, emulator, certificates / "ca.pem")


def set_in_force(live: LiveTable, *specs: SchemaFile) -> None:
    """Write a ledger in which these schema files were applied in this order.

    Without files there is no ledger.
    """
    ledger = ledger_table(TABLE)
    live.run("DROP SCHEMA IF EXISTS etl_ledger CASCADE")
    for statement in create_ledger_statements(ledger) if specs else ():
        live.autocommit.execute(statement)
    for number, spec in enumerate(specs):
        row = a_ledger_row(
            "schema", schema_file=spec, landed_at=NOON.replace(second=number), upload_id=str(number)
        )
        live.autocommit.execute(insert_rows(ledger, [row]))


def test_a_table_that_matches_needs_no_change(runner: LivePlan) -> None:
    result = runner.run(a_schema_file(a_column(), a_column("name", "VARCHAR(9)")))

    assert (result.exit_code, result.output) == (
        0,
        "nothing to do: the table matches the schema file\n",
    )


def test_the_statements_are_shown_and_not_run(runner: LivePlan, live: LiveTable) -> None:
    result = runner.run(
        a_schema_file(a_column(), a_column("name", "VARCHAR(20)"), a_column("note", "DATE"))
    )

    assert result.exit_code == 1
    assert (
        'ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(20);  -- autocommit, widen'
        in result.output
    )
    assert [column.name for column in live.read().columns] == ["id", "name"]


def test_a_table_that_does_not_exist_is_created(runner: LivePlan) -> None:
    result = runner.run(a_schema_file(a_column()), "--table", "absent.orders")

    assert result.exit_code == 1
    assert 'CREATE TABLE "absent"."orders"' in result.output


def test_a_view_on_a_changed_column_refuses_the_plan(runner: LivePlan, live: LiveTable) -> None:
    live.run("CREATE VIEW public.names AS SELECT name FROM public.t")

    result = runner.run(a_schema_file(a_column(), allowed_changes=["drop"]), "--json")

    assert result.exit_code == 2
    assert "used by the view public.names" in result.output


def test_a_table_that_the_pipeline_did_not_create_is_planned_as_an_adoption(
    runner: LivePlan, live: LiveTable
) -> None:
    set_in_force(live)

    refused = runner.run(a_schema_file(a_column(), allowed_changes=["drop"]))
    adopted = runner.run(a_schema_file(*_COLUMNS, a_column("note", "DATE")))

    assert refused.exit_code == 2
    assert "column 'name' is in the table, but not in the schema file" in refused.output
    assert "This pipeline did not create the table" in refused.output
    assert adopted.exit_code == 1


def test_a_schema_without_permission_for_schema_files_refuses_the_plan(
    runner: LivePlan, live: LiveTable
) -> None:
    final = a_spec(*_COLUMNS, schema_version="7", allowed_operations=["append", "truncate"])
    set_in_force(live, a_spec(*_COLUMNS), final)

    result = runner.run(a_schema_file(*_COLUMNS, a_column("note", "DATE")))

    assert result.exit_code == 2
    assert (
        'the schema in force (version 7) allows append, truncate. Only a schema that lists "schema"'
        in result.output
    )
    assert runner.run(final.to_json().encode()).exit_code == 0


def test_a_prompt_asks_for_the_login_that_the_environment_does_not_have(runner: LivePlan) -> None:
    password, runner.environment = (
        runner.environment["REDSHIFT_PASSWORD"],
        {"REDSHIFT_USER": "", "REDSHIFT_PASSWORD": ""},
    )

    result = runner.run(
        a_schema_file(a_column(), a_column("name", "VARCHAR(9)")), keyboard=f"awsuser\n{password}\n"
    )

    assert result.exit_code == 0
    assert str(password) not in result.output


def test_a_prompt_without_an_answer_has_another_exit_code_than_changes(
    runner: LivePlan,
) -> None:
    runner.environment = {"REDSHIFT_USER": "", "REDSHIFT_PASSWORD": ""}

    result = runner.run(a_schema_file(a_column()))

    assert result.exit_code == 3
    assert "stopped before the end" in result.output


def test_a_refused_login_is_reported_without_the_password(runner: LivePlan) -> None:
    runner.environment["REDSHIFT_PASSWORD"] = "wrong-secret"

    result = runner.run(a_schema_file(a_column()))

    assert result.exit_code == 3
    assert "refused the login" in result.output
    assert "wrong-secret" not in result.output


def test_a_certificate_of_an_unknown_authority_is_refused(runner: LivePlan, tmp_path: Path) -> None:
    runner.ca_file = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(runner.ca_file)

    result = runner.run(a_schema_file(a_column()))

    assert result.exit_code == 3
    assert "certificate verify failed" in result.output


@pytest.mark.parametrize(
    "options",
    [
        ["--host", "h"],
        ["--database", "d"],
        ["--table", "a;b"],
        ["--host", "h", "--database", "d", "--port", "0"],
    ],
)
def test_contradicting_options_are_refused(tmp_path: Path, options: list[str]) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(a_schema_file(a_column()))

    assert CliRunner().invoke(main, ["plan", str(path), *options]).exit_code == 3
