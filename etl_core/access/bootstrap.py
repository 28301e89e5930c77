"""Bootstrap: what a warehouse needs before the first load. It can run again at any time.

The loader is a user without an administrator's rights: it may create schemas in the databases of the
stack and tables in `public`, and it owns the schema of the ledgers and the tables that it loads. The
reader is a role that may read these tables, and not the ledgers. Tables that have a ledger were
loaded by an earlier login: they change hands, and their rows and their grants stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from etl_core.access.catalog import EMPTY, Contents, Known, read_contents, read_known
from etl_core.access.messages import ADOPTED_TABLE_MISSING, FIRST_DATABASE_MISSING
from etl_core.access.statements import (
    CreateDatabase,
    CreateRole,
    CreateSchemaOf,
    Grantee,
    GrantOnDatabase,
    GrantOnNewTables,
    GrantOnSchema,
    GrantOnTables,
    OwnSchema,
    OwnTable,
    Right,
    SetPassword,
    Statement,
)
from etl_core.loading.ledger import ledger_name
from etl_core.loading.ports import WarehouseClient
from etl_core.model.errors import StackError
from etl_core.model.names import DEFAULT_SCHEMA, LEDGER_SCHEMA
from etl_core.model.table_ref import TableRef
from etl_core.sql import describe_sql, identifier

SECONDS = 120.0
KEEP_CASE = sa.text("SET enable_case_sensitive_identifier TO true")
"""A user of a login with IAM has upper-case letters (`IAMR:role`), which Redshift would fold, also in
quotes. The setting belongs to the session, and the session may be another one for each statement."""
_TABLES_PER_GRANT = 50


@dataclass(frozen=True)
class Access:
    """What bootstrap establishes.

    Without a password the loader logs in with IAM. `adopted`: tables without a ledger that the
    loader is to own. The first database exists already.
    """

    databases: tuple[str, ...]
    loader: str
    password: str | None = field(default=None, repr=False)
    reader: str | None = None
    adopted: tuple[TableRef, ...] = ()


@dataclass(frozen=True)
class Step:
    """One statement, where it runs, and what it is for."""

    database: str
    statement: Statement
    reason: str

    @property
    def sql(self) -> str:
        """The statement as people may see it."""
        return describe_sql(self.statement.shown())


def run_bootstrap(
    warehouse: WarehouseClient, access: Access, *, dry_run: bool = False
) -> tuple[Step, ...]:
    """Run what is missing, each statement by itself, and return it; a dry run changes nothing.

    Raises StackError, RetryableError or LoadFailedError.
    """
    first = access.databases[0]
    with warehouse.transaction(first, SECONDS) as transaction:
        known = read_known(transaction, access.loader)
    if first not in known.databases:
        raise StackError(FIRST_DATABASE_MISSING(database=first))
    steps = list(plan_shared(access, known))
    if not dry_run:
        _run(warehouse, steps)
        with warehouse.transaction(first, SECONDS) as transaction:
            known = read_known(transaction, access.loader)
    loader = known.loader or access.loader
    for database in access.databases:
        contents = EMPTY
        if database in known.databases:
            with warehouse.transaction(database, SECONDS) as transaction:
                contents = read_contents(transaction, database, known.loader)
        more = list(plan_database(access, loader, database, contents))
        if not dry_run:
            _run(warehouse, more)
        steps += more
    return tuple(steps)


def _run(warehouse: WarehouseClient, steps: Sequence[Step]) -> None:
    for step in steps:
        warehouse.execute_autocommit(step.database, KEEP_CASE, SECONDS)
        warehouse.execute_autocommit(step.database, step.statement, SECONDS)


def plan_shared(access: Access, known: Known) -> Iterator[Step]:
    """Yield the statements about users, roles and databases."""
    first = access.databases[0]
    if known.loader is None or access.password is not None:
        user = known.loader or access.loader
        statement = SetPassword(user, access.password, exists=known.loader is not None)
        yield Step(first, statement, "the loads log in as this user")
    if access.reader is not None and access.reader not in known.roles:
        yield Step(first, CreateRole(access.reader), "who has this role may read the tables")
    for database in access.databases:
        if database not in known.databases:
            yield Step(first, CreateDatabase(database), "the configuration names this database")


def plan_database(access: Access, loader: str, database: str, contents: Contents) -> Iterator[Step]:
    """Yield the statements about one database."""
    loaded = loaded_tables(contents.tables)
    adopted = _adopted(access, database, contents)
    owned = [*loaded, *adopted]
    yield from _schemas(loader, database, contents, {table.schema for table in owned})
    for table in (*_ledgers(contents.tables), *owned):
        if contents.tables[table] != loader:
            yield Step(database, OwnTable(_table(table), loader), "the loader changes this table")
    if access.reader is not None:
        yield from _reading(Grantee(access.reader, is_role=True), loader, database, contents, owned)


def loaded_tables(tables: Collection[TableRef]) -> list[TableRef]:
    """Return the tables that have a ledger, sorted."""
    ledgers = {table.name for table in _ledgers(tables)}
    others = (table for table in tables if table.schema != LEDGER_SCHEMA)
    return sorted(table for table in others if ledger_name(table) in ledgers)


def _ledgers(tables: Collection[TableRef]) -> list[TableRef]:
    return sorted(table for table in tables if table.schema == LEDGER_SCHEMA)


def _adopted(access: Access, database: str, contents: Contents) -> list[TableRef]:
    adopted = [table for table in access.adopted if table.database == database]
    for table in adopted:
        if table not in contents.tables:
            raise StackError(ADOPTED_TABLE_MISSING(table=table, database=database))
    return adopted


_ON_DATABASE = {
    Right.CREATE: "a schema file may ask for a schema",
    Right.TEMP: "an upsert needs a temporary table",
}


def _schemas(
    loader: str, database: str, contents: Contents, used: Collection[str]
) -> Iterator[Step]:
    if LEDGER_SCHEMA not in contents.schemas:
        yield Step(
            database, CreateSchemaOf(LEDGER_SCHEMA, loader), "the ledgers are in this schema"
        )
    elif contents.schemas[LEDGER_SCHEMA] != loader:
        yield Step(database, OwnSchema(LEDGER_SCHEMA, loader), "the ledgers are in this schema")
    user, rights = Grantee(loader), contents.loader_rights
    for right, reason in _ON_DATABASE.items():
        if (right, "") not in rights:
            yield Step(database, GrantOnDatabase((right,), database, user), reason)
    for schema in sorted({DEFAULT_SCHEMA, *used}):
        missing = [r for r in (Right.USAGE, Right.CREATE) if (r, schema) not in rights]
        if missing and contents.schemas.get(schema) != loader:
            yield Step(
                database, GrantOnSchema(missing, schema, user), "the loader's tables are here"
            )


def _reading(
    reader: Grantee, loader: str, database: str, contents: Contents, owned: Sequence[TableRef]
) -> Iterator[Step]:
    own = {schema for schema, owner in contents.schemas.items() if owner == loader}
    readable = {DEFAULT_SCHEMA, *own, *(table.schema for table in owned)} - {LEDGER_SCHEMA}
    for schema in sorted(readable):
        yield Step(database, GrantOnSchema((Right.USAGE,), schema, reader), "to read its tables")
    for start in range(0, len(owned), _TABLES_PER_GRANT):
        tables = [_table(table) for table in owned[start : start + _TABLES_PER_GRANT]]
        yield Step(database, GrantOnTables((Right.SELECT,), tables, reader), "to read them")
    grant = GrantOnNewTables((Right.SELECT,), loader, reader)
    yield Step(database, grant, "to read each table that the loader creates from now on")


def _table(table: TableRef) -> sa.Table:
    return sa.Table(identifier(table.name), sa.MetaData(), schema=identifier(table.schema))
