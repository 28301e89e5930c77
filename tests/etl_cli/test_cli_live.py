"""`plan` against a live table of the stand-in: what an upload of the schema file would do to it, and nothing done."""

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
    """The command line beside a warehouse."""

    def __init__(self, folder: Path, server: Server, ca_file: Path) -> None:
        self._file, self._server, self.ca_file = folder / "schema.json", server, ca_file
        self.environment = {
            "REDSHIFT_USER": "awsuser",
            "REDSHIFT_PASSWORD": server.options.password,
        }

    def run(self, schema: bytes, *more: str, typed: str = "") -> Result:
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
        result = CliRunner().invoke(main, arguments, env=self.environment, input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result


@pytest.fixture
def services(tmp_path: Path, emulator: Server, certificates: Path, live: LiveTable) -> LivePlan:
    live.create(table_of_schema_file(a_spec(*_COLUMNS), TABLE))
    in_force(live, a_spec(*_COLUMNS))
    return LivePlan(tmp_path, emulator, certificates / "ca.pem")


def in_force(live: LiveTable, *specs: SchemaFile) -> None:
    """The ledger of the table says that these files took effect, one after the other; without any, there is no ledger."""
    ledger = ledger_table(TABLE)
    live.run("DROP SCHEMA IF EXISTS etl_ledger CASCADE")
    for statement in create_ledger_statements(ledger) if specs else ():
        live.autocommit.execute(statement)
    for number, spec in enumerate(specs):
        row = a_ledger_row(
            "schema", schema_file=spec, landed_at=NOON.replace(second=number), upload_id=str(number)
        )
        live.autocommit.execute(insert_rows(ledger, [row]))


def test_a_table_that_is_as_wanted_needs_nothing(services: LivePlan) -> None:
    result = services.run(a_schema_file(a_column(), a_column("name", "VARCHAR(9)")))

    assert (result.exit_code, result.output) == (
        0,
        "nothing to do: the table is what the schema file says\n",
    )


def test_the_statements_are_shown_and_not_run(services: LivePlan, live: LiveTable) -> None:
    result = services.run(
        a_schema_file(a_column(), a_column("name", "VARCHAR(20)"), a_column("note", "DATE"))
    )

    assert result.exit_code == 1
    assert (
        'ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(20);  -- autocommit, widen'
        in result.output
    )
    assert [column.name for column in live.read().columns] == ["id", "name"]


def test_a_table_that_is_not_there_is_created(services: LivePlan) -> None:
    result = services.run(a_schema_file(a_column()), "--table", "absent.orders")

    assert result.exit_code == 1
    assert 'CREATE TABLE "absent"."orders"' in result.output


def test_a_view_that_stands_in_the_way_refuses_the_plan(
    services: LivePlan, live: LiveTable
) -> None:
    live.run("CREATE VIEW public.names AS SELECT name FROM public.t")

    result = services.run(a_schema_file(a_column(), allowed_changes=["drop"]), "--json")

    assert result.exit_code == 2
    assert "used by the view public.names" in result.output


def test_a_table_that_the_pipeline_did_not_make_is_planned_as_one_to_be_taken_over(
    services: LivePlan, live: LiveTable
) -> None:
    in_force(live)

    refused = services.run(a_schema_file(a_column(), allowed_changes=["drop"]))
    taken_over = services.run(a_schema_file(*_COLUMNS, a_column("note", "DATE")))

    assert refused.exit_code == 2
    assert "column 'name' is in the table, but not in the schema file" in refused.output
    assert "This pipeline did not create the table" in refused.output
    assert taken_over.exit_code == 1


def test_a_schema_that_may_not_be_replaced_refuses_the_plan(
    services: LivePlan, live: LiveTable
) -> None:
    final = a_spec(*_COLUMNS, schema_version="7", allowed_operations=["append", "truncate"])
    in_force(live, a_spec(*_COLUMNS), final)

    result = services.run(a_schema_file(*_COLUMNS, a_column("note", "DATE")))

    assert result.exit_code == 2
    assert (
        'the schema in force (version 7) allows append, truncate. Only a schema that lists "schema"'
        in result.output
    )
    assert services.run(final.to_json().encode()).exit_code == 0


def test_the_login_is_asked_for_when_the_environment_has_none(services: LivePlan) -> None:
    password, services.environment = (
        services.environment["REDSHIFT_PASSWORD"],
        {"REDSHIFT_USER": "", "REDSHIFT_PASSWORD": ""},
    )

    result = services.run(
        a_schema_file(a_column(), a_column("name", "VARCHAR(9)")), typed=f"awsuser\n{password}\n"
    )

    assert result.exit_code == 0
    assert str(password) not in result.output


def test_a_login_that_is_not_given_does_not_end_like_a_plan_with_changes(
    services: LivePlan,
) -> None:
    services.environment = {"REDSHIFT_USER": "", "REDSHIFT_PASSWORD": ""}

    result = services.run(a_schema_file(a_column()))

    assert result.exit_code == 3
    assert "stopped before the end" in result.output


def test_a_refused_login_is_told_without_the_password(services: LivePlan) -> None:
    services.environment["REDSHIFT_PASSWORD"] = "wrong-secret"

    result = services.run(a_schema_file(a_column()))

    assert result.exit_code == 3
    assert "refused the login" in result.output
    assert "wrong-secret" not in result.output


def test_a_certificate_of_nobody_known_is_refused(services: LivePlan, tmp_path: Path) -> None:
    services.ca_file = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(services.ca_file)

    result = services.run(a_schema_file(a_column()))

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
def test_options_that_make_no_sense_are_told(tmp_path: Path, options: list[str]) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(a_schema_file(a_column()))

    assert CliRunner().invoke(main, ["plan", str(path), *options]).exit_code == 3
