"""Refused and failed COPYs, through the adapter, an emulator, and S3 behind a proxy that fails."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import Endpoint
from etl_core.adapters.secrets import GivenCredentials
from etl_core.model.errors import CopyRefusedError, LoadErrorLine, ThrottledError
from etl_core.sql import CopyCsv, CopySource
from redshift_emulator.cluster import OWNER
from redshift_emulator.copy import report
from redshift_emulator.server import AwsAccess, Server, ServerOptions, tls_context
from tests.e2e.conftest import Lake
from tests.guarantees.aws_proxy import AwsProxy, Fault, aws_proxy

SECONDS = 30.0
PASSWORD = "Secret+/=1"


@dataclass
class Copies:
    """An emulator whose COPY reads S3 through `proxy`, and the adapter in front of it."""

    server: Server
    proxy: AwsProxy
    lake: Lake
    warehouse: RedshiftWarehouse
    role: str
    bucket: str

    def table(self) -> sa.Table:
        """Create a table of two columns."""
        name = f"copied_{uuid.uuid4().hex[:8]}"
        self.run(sa.text(f"CREATE TABLE {name} (a int, b varchar(5))"))
        return sa.Table(name, sa.MetaData(), schema="public")

    def run(self, *statements: Any) -> list[Any]:
        """Run the statements in one transaction and return the rows of the last one."""
        with self.warehouse.transaction("dev", SECONDS) as transaction:
            return [list(transaction.execute(each)) for each in statements][-1]

    def command(self, table: sa.Table, *contents: str) -> CopyCsv:
        """Return the COPY of files with these contents."""
        urls = [self._put("csv", content) for content in contents]
        manifest = self._put(
            "json", json.dumps({"entries": [{"url": url, "mandatory": True} for url in urls]})
        )
        source = CopySource(manifest, self.role, None, ",", '"', None, "auto", "auto", "UTF8")
        return CopyCsv(table, ("a", "b"), source)

    def _put(self, extension: str, content: str) -> str:
        key = f"load-errors/{uuid.uuid4().hex}.{extension}"
        self.lake.client.aws.client("s3").put_object(
            Bucket=self.bucket, Key=key, Body=content.encode()
        )
        return f"s3://{self.bucket}/{key}"

    def refused_lines(self, table: sa.Table, *contents: str) -> tuple[LoadErrorLine, ...]:
        """Run a COPY that must refuse rows, and return what the error says about them."""
        with pytest.raises(CopyRefusedError) as caught:
            self.run(self.command(table, *contents))
        return caught.value.lines

    def add_old_errors(self, **fields: Any) -> None:
        """Store a refused row of this very session, from an hour ago unless `fields` say otherwise."""
        [(pid,)] = self.run(sa.select(sa.func.pg_backend_pid()))
        values = {
            "query_id": 2**40,
            "session_id": pid,
            "database_name": "dev",
            "start_time": "now() at time zone 'UTC' - interval '1 hour'",
            "line_number": 77,
            "error_message": "of an earlier session",
        } | fields
        clock = values.pop("start_time")
        names = ", ".join(values)
        with closing(self._postgresql()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO pg_rs.load_error ({names}, start_time) VALUES "
                f"({', '.join(['%s'] * len(values))}, {clock})",
                list(values.values()),
            )

    def oid(self, table: sa.Table) -> int:
        [(oid,)] = self.run(sa.text(f"SELECT oid FROM pg_class WHERE relname = '{table.name}'"))
        return int(oid)

    def _postgresql(self) -> Any:
        return psycopg2.connect(
            host=str(self.server.cluster.socket_folder),
            dbname="dev",
            user=OWNER,
        )


@pytest.fixture(scope="module")
def copies(
    lake: Lake, certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Copies]:
    outputs = lake.client.outputs
    environment = pytest.MonkeyPatch()
    environment.setenv("AWS_ACCESS_KEY_ID", outputs.access_key_id)
    environment.setenv("AWS_SECRET_ACCESS_KEY", outputs.secret_access_key)
    tls = tls_context(certificates / "cert.pem", certificates / "key.pem")
    roles = lake.client.aws.client("iam").list_roles()["Roles"]
    [role] = [each["Arn"] for each in roles if "-copy" in each["RoleName"]]
    with aws_proxy(outputs.aws_endpoint_url) as proxy:
        options = ServerOptions(
            data=tmp_path_factory.mktemp("copies") / "data",
            password=PASSWORD,
            tls=tls,
            aws=AwsAccess(proxy.url, outputs.region),
        )
        with Server.start(options) as server:
            host, port = server.address
            warehouse = RedshiftWarehouse(
                Endpoint(host, port, str(certificates / "ca.pem")),
                GivenCredentials("awsuser", PASSWORD),
            )
            yield Copies(server, proxy, lake, warehouse, role, outputs.lake_bucket)
            warehouse.close()
    environment.undo()


@pytest.fixture(autouse=True)
def _no_fault(copies: Copies) -> Iterator[None]:
    yield
    copies.proxy.fault = None


def test_a_refused_row_is_found_by_its_line_column_and_reason(copies: Copies) -> None:
    [line] = copies.refused_lines(copies.table(), "a,b\n1,x\nno,y\n")

    assert (line.line, line.column, line.code) == (3, "a", 1207)


def test_rows_of_an_earlier_session_with_the_same_id_are_left_out(copies: Copies) -> None:
    table = copies.table()
    copies.add_old_errors(table_id=copies.oid(table))

    [line] = copies.refused_lines(table, "a,b\nno,y\n")

    assert line.line == 2


def test_rows_of_another_table_are_left_out(copies: Copies) -> None:
    table, other = copies.table(), copies.table()
    copies.add_old_errors(
        table_id=copies.oid(other), start_time="now() at time zone 'UTC' + interval '1 minute'"
    )

    [line] = copies.refused_lines(table, "a,b\nno,y\n")

    assert line.line == 2


def test_rows_of_an_earlier_copy_of_this_session_are_left_out(copies: Copies) -> None:
    table = copies.table()
    [first] = copies.refused_lines(table, "a,b\nno,y\n")
    [second] = copies.refused_lines(table, "a,b\n1,x\n2,x\nno,y\n")

    assert (first.line, second.line) == (2, 4)


def test_old_rows_alone_are_never_taken_for_this_copy(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl_core.adapters.load_errors._POLL_SECONDS", 0.01)
    monkeypatch.setattr(report.LoadReport, "write", lambda *_: None)
    table = copies.table()
    copies.add_old_errors(table_id=copies.oid(table))

    assert copies.refused_lines(table, "a,b\nno,y\n") == ()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_rows_are_found_whatever_the_time_zone_of_the_session(copies: Copies, zone: str) -> None:
    table = copies.table()
    copies.add_old_errors(table_id=copies.oid(table))
    copies.warehouse.execute_autocommit("dev", sa.text(f"SET timezone TO '{zone}'"), SECONDS)
    try:
        [line] = copies.refused_lines(table, "a,b\nno,y\n")
    finally:
        copies.warehouse.close()

    assert line.line == 2


def test_a_trial_copy_names_the_rows_of_every_file(copies: Copies) -> None:
    table = copies.table()
    command = copies.command(table, "a,b\nno,y\n", "a,b\n1,x\n", "a,b\n1,x\nno,y\n")

    lines = copies.warehouse.try_copy("dev", command.trial(), SECONDS)

    assert sorted(line.line for line in lines) == [2, 3]
    assert len({line.file for line in lines}) == 2


def test_a_file_that_copy_split_has_no_line_numbers(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "SPLIT_BYTES", 16)

    [line] = copies.refused_lines(copies.table(), "a,b\n1,x\n2,x\n3,x\nno,y\n")

    assert (line.line, line.column) == (-1, "a")


def test_a_view_that_cannot_be_read_does_not_hide_that_copy_refused_the_data(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "etl_core.adapters.load_errors._VIEW",
        sa.table(
            "sys_absent",
            *(
                sa.column(name)
                for name in ("session_id", "table_id", "start_time", "query_id", "line_number")
            ),
        ),
    )

    assert copies.refused_lines(copies.table(), "a,b\nno,y\n") == ()


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (500, "InternalError"), (503, "ServiceUnavailable")],
)
def test_a_copy_during_which_s3_fails_is_retried_and_loads_then(
    copies: Copies, status: int, code: str
) -> None:
    table = copies.table()
    command = copies.command(table, "a,b\n1,x\n")
    copies.proxy.fault = Fault(r"s3\.", "response", times=None, status=status, code=code)
    with pytest.raises(ThrottledError, match=f"S3 failed while COPY read the files: .*{code}"):
        copies.run(command)
    assert copies.proxy.fault.hits > 0

    copies.proxy.fault = None
    with copies.warehouse.transaction("dev", SECONDS) as transaction:
        transaction.execute(command)
        assert transaction.execute(sa.select(sa.func.pg_last_copy_count())) == [(1,)]


def test_a_copy_whose_connection_to_s3_breaks_is_retried(copies: Copies) -> None:
    command = copies.command(copies.table(), "a,b\n1,x\n")
    copies.proxy.fault = Fault(r"s3\.", "reset", times=None)

    with pytest.raises(ThrottledError, match="S3 failed while COPY read the files"):
        copies.run(command)


def test_a_copy_that_may_not_read_its_files_is_not_retried(copies: Copies) -> None:
    command = copies.command(copies.table(), "a,b\n1,x\n")
    copies.proxy.fault = Fault(r"s3\.", "response", times=None, status=403, code="AccessDenied")

    with pytest.raises(Exception, match="AccessDenied") as caught:
        copies.run(command)
    assert not isinstance(caught.value, ThrottledError)
