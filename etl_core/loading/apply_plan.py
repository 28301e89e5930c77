"""Running a plan's statements, over the ports; what a failing one means to the owner of the schema file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from etl_core.loading.load_context import LoadContext
from etl_core.loading.ports import Transaction
from etl_core.model.errors import LoadFailedError, LoadTimeoutError, SchemaChangeRefusedError
from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.live_table import parse_table, select_table, select_views
from etl_core.schema_changes.plan import Plan, Statement


def read_table(transaction: Transaction, table: TableRef) -> sa.Table | None:
    """The live table of the name, None when there is none. Raises SchemaChangeRefusedError for a type that is not known."""
    rows = transaction.execute(select_table(table))
    try:
        return parse_table(table, rows)
    except ValueError as error:
        raise SchemaChangeRefusedError(
            f"the table {table} exists and has a column whose type no schema file can describe: {error}. "
            "Nothing was changed. Change or drop the table in the warehouse first, or choose another table name"
        ) from None


def check_views(load: LoadContext, transaction: Transaction, plan: Plan) -> None:
    """Redshift does not alter or drop a column that a view is bound to: the views are named, before anything is done."""
    found = views_in_the_way(transaction, load.key.table, plan)
    if found:
        raise SchemaChangeRefusedError(
            f"the table {load.key.table} cannot be made what the schema file says: {'; '.join(found)}. Redshift does not change a column "
            "that a view is bound to. Drop the view, upload the schema file again, then create the view anew (WITH NO SCHEMA BINDING it "
            f"would not stand in the way). {no_change_of(load)}",
            found,
        )


def views_in_the_way(transaction: Transaction, table: TableRef, plan: Plan) -> tuple[str, ...]:
    """The views that are bound to columns which the plan alters or drops, a sentence each."""
    rows = transaction.execute(select_views(table))
    bound = [row._mapping for row in rows]
    return tuple(
        f"column {row['column']!r} is used by the view {row['view_schema']}.{row['view']}"
        for row in sorted(bound, key=lambda row: (row["column"], row["view_schema"], row["view"]))
        if row["column"] in plan.touched
    )


def run_alone(load: LoadContext, statements: Sequence[Statement]) -> None:
    """Each by itself, in autocommit, so that it has committed when the next one runs."""
    for statement in statements:
        load.statements.append(statement.sql)
        with _told(load, statement):
            load.ports.warehouse.execute_alone(
                load.key.table.database, statement.element, load.seconds_left
            )
        load.ran_alone += 1


def run_together(
    load: LoadContext, transaction: Transaction, statements: Sequence[Statement]
) -> None:
    """All in the transaction. Raises SchemaChangeRefusedError for a value that a column cannot take."""
    for statement in statements:
        with _told(load, statement):
            load.run(transaction, statement.element)


def no_change_of(load: LoadContext) -> str:
    """What a refusal leaves behind: nothing, but for what had to be committed first."""
    if not load.ran_alone:
        return "Nothing was changed"
    done = "; ".join(load.statements[: load.ran_alone])
    return f"Nothing was changed but for what Redshift runs only by itself, which stays and costs no value: {done}"


@contextmanager
def _told(load: LoadContext, statement: Statement) -> Iterator[None]:
    """A statement that converts a column's values fails because of a value: that is the file's owner's to solve."""
    try:
        yield
    except LoadTimeoutError:
        raise
    except LoadFailedError as error:
        if statement.column is None:
            raise
        message = error.message.replace(statement.interim or statement.column, statement.column)
        reason = f"column {statement.column!r} cannot be changed ({statement.why}): {message}"
        raise SchemaChangeRefusedError(
            f"{reason}. Correct the values in the warehouse, or leave the column as it is. {no_change_of(load)}",
            (reason,),
        ) from error
