"""The statements of a change that is not refused. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.schema import CreateSchema
from sqlalchemy.schema import CreateTable as CreateTableDDL
from sqlalchemy.schema import SetColumnComment as SetColumnCommentDDL
from sqlalchemy.schema import SetTableComment as SetTableCommentDDL

from etl_core.model.names import DEFAULT_SCHEMA
from etl_core.schema_changes import ddl
from etl_core.schema_changes.changes import (
    AddColumn,
    Change,
    ChangeClass,
    ChangeDistribution,
    ChangeEncoding,
    ChangeIdentity,
    ChangePrimaryKey,
    ChangeSortKey,
    ChangeUnknownColumn,
    CreateTable,
    DropColumn,
    RebuildColumn,
    RemoveSortKey,
    RenameColumn,
    SetColumnComment,
    SetTableComment,
    SuspectedRename,
    UnclearRename,
    WidenColumn,
)
from etl_core.schema_changes.diff import constraint_name
from etl_core.schema_changes.lost_values import select_lost_values
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.tables import primary_key_of
from etl_core.sql import describe_sql, identifier


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement and its reason.

    `column` is set if the statement converts the values of a column: its name in the schema file.
    `interim` is the name of the new column while the old one still exists. `changes_encodings`:
    Redshift also changes encodings, so the plan is made again before the next statement. `lost`
    selects a value that the statement has changed: if there is one, the plan must not go on.
    """

    element: Any
    why: str
    change_class: ChangeClass
    transactional: bool = True
    column: str | None = None
    interim: str | None = None
    changes_encodings: bool = False
    lost: sa.Select[Any] | None = None

    @property
    def sql(self) -> str:
        """The text of the statement, in one line."""
        return describe_sql(self.element)

    @property
    def is_comment(self) -> bool:
        """Whether the statement sets a description."""
        return isinstance(self.element, SetTableCommentDDL | SetColumnCommentDDL)


class StatementWriter:
    """Writes the statements of the changes between two tables."""

    def __init__(
        self,
        actual: sa.Table | None,
        desired: sa.Table,
        changes: tuple[Change, ...],
        *,
        may_lose: bool,
    ) -> None:
        self.actual, self.desired, self.changes = actual, desired, changes
        self.may_lose = may_lose
        self.names = {
            each.desired: each.actual for each in changes if isinstance(each, RenameColumn)
        }
        self.rebuilt = [
            str(each.desired.name) for each in changes if isinstance(each, RebuildColumn)
        ]

    def write(self, change: Change) -> Iterator[Statement]:
        """Yield the statements of a change, but none for the primary key, which goes around all others."""
        match change:
            case CreateTable(table):
                yield from self._create(change, table)
            case AddColumn(column):
                yield _safe(ddl.AddColumn(self.desired, column), f"{column.name} is new")
            case DropColumn(column):
                drop = ddl.DropColumn(self.desired, str(column.name))
                why = f"{column.name} is not in the schema file"
                yield Statement(drop, why, change.change_class)
            case RenameColumn(actual, desired):
                rename = ddl.RenameColumn(self.desired, actual, desired)
                yield Statement(rename, f"{desired} is renamed from {actual}", change.change_class)
            case WidenColumn():
                yield self._widen(change)
            case RebuildColumn():
                yield from self._rebuild(change)
            case ChangeEncoding() | ChangeDistribution() | ChangeSortKey():
                yield self._autocommit(change)
            case RemoveSortKey():
                yield from self._remove_sort_key(change)
            case SetTableComment(table):
                yield _safe(SetTableCommentDDL(table), "description of the table")
            case SetColumnComment(column):
                yield _safe(SetColumnCommentDDL(column), f"description of {column.name}")
            case ChangePrimaryKey():
                pass
            case ChangeIdentity() | UnclearRename() | SuspectedRename() | ChangeUnknownColumn():
                raise AssertionError(f"{change}: a refused change has no statements")
            case _:
                assert_never(change)

    def drop_primary_key(self) -> Iterator[Statement]:
        """Yield the statement that drops the primary key before its columns change."""
        key = self._primary_key()
        if key and key.constraint:
            element = ddl.DropConstraint(self.desired, key.constraint)
            yield _safe(element, _why_of_key(key))

    def add_primary_key(self) -> Iterator[Statement]:
        """Yield the statement that adds the primary key once its columns are there."""
        key = self._primary_key()
        if key and key.desired:
            yield _safe(ddl.AddPrimaryKey(self.desired, key.desired), _why_of_key(key))

    def _primary_key(self) -> ChangePrimaryKey | None:
        """The change of the key.

        A key that stays also changes, to itself, if one of its columns is rebuilt.
        """
        for change in self.changes:
            if isinstance(change, ChangePrimaryKey):
                return change
        key = primary_key_of(self.desired)
        if self.actual is not None and any(name in self.rebuilt for name in key):
            return ChangePrimaryKey(key, key, constraint_name(self.actual))
        return None

    def _name(self, desired: str) -> str:
        """The name of a column before the transaction, which renames columns."""
        return self.names.get(desired, desired)

    def _autocommit(self, change: ChangeEncoding | ChangeDistribution | ChangeSortKey) -> Statement:
        return Statement(
            self._autocommit_element(change),
            str(change),
            change.change_class,
            transactional=False,
            changes_encodings=isinstance(change, ChangeSortKey),
        )

    def _remove_sort_key(self, change: RemoveSortKey) -> Iterator[Statement]:
        """Remove the key, then let Redshift choose again: NONE also ends SORTKEY AUTO."""
        kind, none = change.change_class, ddl.ReleaseSortKey(self.desired, "NONE")
        auto = ddl.ReleaseSortKey(self.desired, "AUTO")
        yield Statement(none, str(change), kind, transactional=False)
        why = "the schema file leaves the sortkey to Redshift"
        yield Statement(auto, why, kind, transactional=False, changes_encodings=True)

    def _autocommit_element(
        self, change: ChangeEncoding | ChangeDistribution | ChangeSortKey
    ) -> ddl.AlterTable:
        match change:
            case ChangeEncoding(_, _, facet):
                return ddl.AlterColumnEncode(self.desired, self._name(facet.column), facet.desired)
            case ChangeDistribution(_, style, key):
                key = None if key is None else self._name(key)
                return ddl.AlterDistribution(self.desired, style, key)
            case ChangeSortKey(_, names):
                return ddl.AlterSortKey(self.desired, tuple(map(self._name, names)))

    def _create(self, change: CreateTable, table: sa.Table) -> Iterator[Statement]:
        if table.schema not in (None, DEFAULT_SCHEMA):
            schema = CreateSchema(identifier(str(table.schema)), if_not_exists=True)
            yield _safe(schema, "the schema of the table")
        yield _safe(CreateTableDDL(table), str(change))

    def _widen(self, change: WidenColumn) -> Statement:
        name = change.facet.column
        element = ddl.AlterColumnType(self.desired, self._name(name), change.desired.type)
        why = f"{name} grows from {change.facet.actual}"
        return Statement(element, why, change.change_class, transactional=False, column=name)

    def _rebuild(self, change: RebuildColumn) -> Iterator[Statement]:
        """Add a new column, fill it, drop the old one, rename the new one."""
        name, kind, table = str(change.desired.name), change.change_class, self.desired
        new = self._free_name(name)
        facets = (f"{facet.name} {facet.actual} becomes {facet.desired}" for facet in change.facets)
        why = f"{name}: {', '.join(facets)}"
        yield Statement(ddl.AddColumn(table, change.desired, new), why, kind)
        fill = ddl.copy_values(table, change.actual, change.desired, new)
        rule = "every value must fit"
        if ddl.empties_become_null(*map(describe_type, (change.actual.type, change.desired.type))):
            rule = "empty texts become NULL, every other value must fit"
        lost = None
        if not self.may_lose:
            lost = select_lost_values(table, change.actual, change.desired, new)
        yield Statement(fill, f"{why}; {rule}", kind, column=name, interim=new, lost=lost)
        yield Statement(ddl.DropColumn(table, name), "the new column has its values", kind)
        yield Statement(ddl.RenameColumn(table, new, name), "the new column takes the name", kind)
        if (comment := self._lost_comment(change)) is not None:
            yield _safe(comment, f"description of {name}, dropped with the old column")

    def _lost_comment(self, change: RebuildColumn) -> SetColumnCommentDDL | None:
        """A description is dropped with its column.

        If the file does not change it, it is set again.
        """
        actual, desired = change.actual.comment, change.desired.comment
        if not actual or desired not in (None, actual):
            return None
        column: sa.Column[Any] = sa.Column(identifier(str(change.desired.name)), comment=actual)
        sa.Table(self.desired.name, sa.MetaData(), column, schema=self.desired.schema)
        return SetColumnCommentDDL(column)

    def _free_name(self, name: str) -> str:
        """A name for the new column that no column of either table has."""
        taken = {*self.desired.columns.keys()}
        if self.actual is not None:
            taken |= {*self.actual.columns.keys()}
        free = f"etl_new_{self.rebuilt.index(name) + 1}"
        while free in taken:
            free += "_"
        return free


def _safe(element: Any, why: str) -> Statement:
    return Statement(element, why, ChangeClass.SAFE)


def _why_of_key(key: ChangePrimaryKey) -> str:
    if key.actual == key.desired:
        return f"a column of the primary key ({', '.join(key.desired)}) is rebuilt"
    return str(key)
