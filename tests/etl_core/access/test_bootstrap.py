"""Bootstrap against the emulator: what it runs, that it can run again, and what each login may do then."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import pytest

from etl_core.access.bootstrap import Access, run_bootstrap
from etl_core.access.statements import CreateDatabase, Grantee, GrantOnSchema, Right, SetPassword
from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import Endpoint
from etl_core.adapters.secrets import GivenCredentials
from etl_core.loading.ledger import create_ledger_statements, ledger_table
from etl_core.model.errors import StackError
from etl_core.model.table_ref import TableRef
from etl_core.sql import render_sql
from redshift_emulator.server import Server, ServerOptions, tls_context

PASSWORD, LOADER_PASSWORD = "Secret+/=1", "Loader%1'x"
LOADER, READER = "lake_loader", "lake_reader"


@dataclass(frozen=True)
class House:
    """A warehouse of this module's own, because users and databases belong to the whole server."""

    endpoint: Endpoint

    def administrator(self) -> RedshiftWarehouse:
        return RedshiftWarehouse(self.endpoint, GivenCredentials("awsuser", PASSWORD))

    def run(self, sql: str, user: str = "awsuser", password: str = PASSWORD, database: str = "dev"):
        """Run one statement as a user and return its rows."""
        connection = psycopg2.connect(
            host=self.endpoint.host,
            port=self.endpoint.port,
            user=user,
            password=password,
            dbname=database,
            sslmode="require",
        )
        connection.autocommit = True
        with closing(connection), connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def loader(self, sql: str, database: str = "dev"):
        return self.run(sql, LOADER, LOADER_PASSWORD, database)

    def analyst(self, sql: str, database: str = "dev"):
        return self.run(sql, "analyst", "Analyst1", database)

    def bootstrap(self, access: Access, *, dry_run: bool = False) -> list[str]:
        """Run bootstrap and return its statements."""
        with closing(self.administrator()) as warehouse:
            steps = run_bootstrap(warehouse, access, dry_run=dry_run)
        return [f"{step.database}: {step.sql}" for step in steps]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[House]:
    tls = tls_context(certificates / "cert.pem", certificates / "key.pem")
    options = ServerOptions(
        data=tmp_path_factory.mktemp("access") / "data",
        databases=("dev",),
        password=PASSWORD,
        tls=tls,
    )
    with Server.start(options) as server:
        host, port = "localhost", server.address[1]
        yield House(Endpoint(host, port, str(certificates / "ca.pem")))


ACCESS = Access(("dev",), LOADER, LOADER_PASSWORD, READER)


@pytest.fixture(scope="module")
def ready(house: House) -> House:
    """The warehouse after bootstrap, with a table of somebody else and an analyst with the reader's role."""
    house.bootstrap(ACCESS)
    house.run("CREATE TABLE public.foreign_table (id INTEGER)")
    house.run("CREATE USER analyst PASSWORD 'Analyst1'")
    house.run(f"GRANT ROLE {READER} TO analyst")
    return house


def test_a_dry_run_shows_every_statement_and_changes_nothing(house: House):
    access = replace(ACCESS, loader="dry_loader", reader="dry_reader", databases=("dev", "dry"))
    shown = house.bootstrap(access, dry_run=True)
    assert shown[:3] == [
        "dev: CREATE USER \"dry_loader\" PASSWORD '***'",
        'dev: CREATE ROLE "dry_reader"',
        'dev: CREATE DATABASE "dry"',
    ]
    assert "dry: " in " ".join(shown[3:])
    assert house.bootstrap(access, dry_run=True) == shown
    assert house.run("SELECT 1 FROM pg_user WHERE usename = 'dry_loader'") == []
    assert house.run("SELECT 1 FROM pg_database WHERE datname = 'dry'") == []


def test_the_statements_of_a_new_warehouse(ready: House):
    """A database is new to bootstrap, the login and the role are not."""
    name = f"db_{uuid.uuid4().hex[:8]}"
    shown = ready.bootstrap(replace(ACCESS, databases=("dev", name)))
    assert f'dev: CREATE DATABASE "{name}"' in shown
    # On Redshift, everybody may create tables in `public` of a new database; in PostgreSQL nobody may.
    may_create = f'{name}: GRANT CREATE ON SCHEMA "public" TO "lake_loader"'
    ran = [text for text in shown if text.startswith(f"{name}: ") and text != may_create]
    assert ran == [
        f'{name}: CREATE SCHEMA IF NOT EXISTS "etl_ledger" AUTHORIZATION "lake_loader"',
        f'{name}: GRANT CREATE ON DATABASE "{name}" TO "lake_loader"',
        f'{name}: GRANT USAGE ON SCHEMA "public" TO ROLE "lake_reader"',
        f'{name}: ALTER DEFAULT PRIVILEGES FOR USER "lake_loader" GRANT SELECT ON TABLES TO ROLE "lake_reader"',
    ]


def test_where_not_everybody_may_create_temporary_tables_the_loader_gets_the_right(ready: House):
    name = f"db_{uuid.uuid4().hex[:8]}"
    ready.run(f"CREATE DATABASE {name}")
    ready.run(f"REVOKE TEMP ON DATABASE {name} FROM PUBLIC")
    access = replace(ACCESS, databases=("dev", name))
    grant = f'{name}: GRANT TEMP ON DATABASE "{name}" TO "lake_loader"'
    assert grant in ready.bootstrap(access)
    assert grant not in ready.bootstrap(access)


def test_where_nobody_may_create_tables_in_public_the_loader_gets_the_right(ready: House):
    name = f"db_{uuid.uuid4().hex[:8]}"
    ready.run(f"CREATE DATABASE {name}")
    ready.run("REVOKE ALL ON SCHEMA public FROM PUBLIC", database=name)
    shown = ready.bootstrap(replace(ACCESS, databases=("dev", name)))
    assert f'{name}: GRANT USAGE, CREATE ON SCHEMA "public" TO "lake_loader"' in shown
    ready.loader("CREATE TABLE public.t (id INTEGER)", database=name)
    assert ready.analyst("SELECT * FROM public.t", database=name) == []


def test_a_second_run_creates_nothing(ready: House):
    verbs = {text.split(": ")[1].split()[0] for text in ready.bootstrap(ACCESS)}
    assert verbs <= {"ALTER", "GRANT"}
    assert not [text for text in ready.bootstrap(ACCESS) if "OWNER" in text]


def test_the_loader_may_do_what_a_load_does(ready: House):
    ready.loader("CREATE SCHEMA sales")
    ready.loader("CREATE TABLE sales.t (id INTEGER)")
    ready.loader("CREATE TABLE public.t (id INTEGER)")
    ready.loader("INSERT INTO public.t VALUES (1)")
    ready.loader("DELETE FROM public.t")
    ready.loader("ALTER TABLE public.t ADD COLUMN note VARCHAR(8)")
    ready.loader("BEGIN; LOCK TABLE public.t; COMMIT")
    for statement in create_ledger_statements(ledger_table(TableRef("dev", "public", "t"))):
        ready.loader(render_sql(statement))
    assert ready.loader("SELECT count(*) FROM etl_ledger.public__t") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM public.foreign_table",
        "INSERT INTO public.foreign_table VALUES (1)",
        "DELETE FROM public.foreign_table",
        "ALTER TABLE public.foreign_table ADD COLUMN x INTEGER",
        "DROP TABLE public.foreign_table",
        "ALTER TABLE public.foreign_table OWNER TO lake_loader",
        "CREATE USER another PASSWORD 'Another1'",
        "CREATE ROLE another",
        "CREATE DATABASE another",
        "ALTER USER awsuser PASSWORD 'Another1'",
        "DROP SCHEMA public",
        "SELECT passwd FROM pg_shadow",
    ],
)
def test_the_loader_may_do_nothing_else(ready: House, statement: str):
    with pytest.raises(psycopg2.Error, match=r"permission denied|must be owner|owner of"):
        ready.loader(statement)


def test_the_reader_may_read_what_the_loader_creates_and_nothing_else(ready: House):
    ready.loader("CREATE TABLE public.readable (id INTEGER)")
    ready.loader("CREATE TABLE etl_ledger.public__readable (id INTEGER)")
    assert ready.analyst("SELECT count(*) FROM public.readable") == [(0,)]
    for statement in (
        "INSERT INTO public.readable VALUES (1)",
        "DELETE FROM public.readable",
        "DROP TABLE public.readable",
        "SELECT * FROM public.foreign_table",
        "SELECT * FROM etl_ledger.public__readable",
    ):
        with pytest.raises(psycopg2.Error, match=r"permission denied|must be owner"):
            ready.analyst(statement)


def test_a_schema_of_the_loader_becomes_readable_with_the_next_run(ready: House):
    ready.loader("CREATE SCHEMA later")
    ready.loader("CREATE TABLE later.t (id INTEGER)")
    with pytest.raises(psycopg2.Error, match="permission denied"):
        ready.analyst("SELECT * FROM later.t")
    ready.bootstrap(ACCESS)
    assert ready.analyst("SELECT * FROM later.t") == []


def test_tables_of_an_earlier_login_change_hands_with_their_rows_and_their_grants(ready: House):
    """A stack of the version before loaded as the administrator."""
    ready.run("CREATE SCHEMA legacy")
    ready.run("CREATE TABLE legacy.orders (id INTEGER)")
    ready.run("INSERT INTO legacy.orders VALUES (7)")
    ready.run("CREATE USER somebody PASSWORD 'Somebody1'")
    ready.run("GRANT USAGE ON SCHEMA legacy TO somebody")
    ready.run("GRANT SELECT ON legacy.orders TO somebody")
    ready.run("CREATE TABLE etl_ledger.legacy__orders (upload_id VARCHAR(32))")
    with pytest.raises(psycopg2.Error, match="permission denied"):
        ready.loader("SELECT * FROM legacy.orders")
    shown = ready.bootstrap(ACCESS)
    assert 'dev: ALTER TABLE "legacy"."orders" OWNER TO "lake_loader"' in shown
    assert 'dev: ALTER TABLE "etl_ledger"."legacy__orders" OWNER TO "lake_loader"' in shown
    ready.loader("ALTER TABLE legacy.orders ADD COLUMN note VARCHAR(8)")
    ready.loader("INSERT INTO etl_ledger.legacy__orders VALUES ('x')")
    assert ready.run("SELECT id FROM legacy.orders", "somebody", "Somebody1") == [(7,)]
    assert ready.analyst("SELECT id FROM legacy.orders") == [(7,)]
    assert not [text for text in ready.bootstrap(ACCESS) if "OWNER" in text]


def test_a_table_without_a_ledger_changes_hands_only_if_it_is_named(ready: House):
    ready.run("CREATE TABLE public.theirs (id INTEGER)")
    assert not [text for text in ready.bootstrap(ACCESS) if "theirs" in text]
    access = replace(ACCESS, adopted=(TableRef("dev", "public", "theirs"),))
    assert 'dev: ALTER TABLE "public"."theirs" OWNER TO "lake_loader"' in ready.bootstrap(access)
    ready.loader("DROP TABLE public.theirs")
    with pytest.raises(StackError, match=r"no table public\.theirs"):
        ready.bootstrap(access)


def test_bootstrap_sets_the_password_that_the_secret_has(ready: House):
    ready.bootstrap(replace(ACCESS, password="Another+1"))
    with pytest.raises(psycopg2.Error, match="authentication failed"):
        ready.loader("SELECT 1")
    ready.bootstrap(ACCESS)
    assert ready.loader("SELECT 1") == [(1,)]


def test_a_login_with_iam_has_no_password(ready: House):
    access = replace(ACCESS, loader="IAMR:loader-role", password=None)
    assert 'dev: CREATE USER "IAMR:loader-role" PASSWORD DISABLE' in ready.bootstrap(access)
    assert not [text for text in ready.bootstrap(access) if "USER" in text.split(": ")[1][:12]]
    with pytest.raises(psycopg2.Error, match="authentication failed"):
        ready.run("SELECT 1", "IAMR:loader-role", "none")


def test_without_a_reader_nobody_else_gets_a_right(ready: House):
    name = f"loader_{uuid.uuid4().hex[:8]}"
    shown = ready.bootstrap(replace(ACCESS, loader=name, reader=None), dry_run=True)
    assert not [text for text in shown if "ROLE" in text or "lake_reader" in text]


def test_names_and_passwords_are_quoted():
    assert render_sql(CreateDatabase('a"b')) == 'CREATE DATABASE "a""b"'
    grant = GrantOnSchema((Right.USAGE,), 'x"; DROP', Grantee("r", is_role=True))
    assert render_sql(grant) == 'GRANT USAGE ON SCHEMA "x""; DROP" TO ROLE "r"'
    password = SetPassword("u", "it's \\ 5%", exists=True)
    assert render_sql(password) == "ALTER USER \"u\" PASSWORD 'it''s \\\\ 5%'"
    assert "5%" not in repr(password)
