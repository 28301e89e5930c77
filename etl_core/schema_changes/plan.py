"""A plan: the statements that make the live table what the schema file says, in order, or why there are none. Pure.

Statements that Redshift runs only outside of a transaction come first: growing VARCHARs, encodings, distribution and sort keys. None
of them changes a value. All others share the transaction that writes the ledger row. Since a plan is computed from the
live table, a crash at any point is repaired by making and applying the plan again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
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
    CreateTable,
    DropColumn,
    Rebuild,
    RenameColumn,
    SetColumnComment,
    SetTableComment,
    SuspectedRename,
    UnclearRename,
    WidenColumn,
)
from etl_core.schema_changes.diff import constraint_name, diff
from etl_core.schema_changes.refusals import Refusal, refuse, refuse_adoption
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.tables import primary_key_of
from etl_core.sql import describe_sql, identifier


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement with its why. `column` is the column, as the file names it, whose values it converts, and `interim` the name
    under which it does so."""

    element: Any
    why: str
    change_class: ChangeClass
    transactional: bool = True
    column: str | None = None
    interim: str | None = None

    @property
    def sql(self) -> str:
        """The statement's text in one line."""
        return describe_sql(self.element)


@dataclass(frozen=True, eq=False)
class Plan:
    """What there is to do. With refusals there are no statements. `touched` are the table's columns that a view must not need."""

    changes: tuple[Change, ...]
    statements: tuple[Statement, ...]
    refusals: tuple[Refusal, ...]
    touched: tuple[str, ...] = ()

    @property
    def alone(self) -> tuple[Statement, ...]:
        """To be run first, each by itself, outside of any transaction."""
        return tuple(statement for statement in self.statements if not statement.transactional)

    @property
    def together(self) -> tuple[Statement, ...]:
        """To be run behind them, in one transaction."""
        return tuple(statement for statement in self.statements if statement.transactional)


def make_plan(
    actual: sa.Table | None,
    desired: sa.Table,
    allowed: Collection[str],
    *,
    is_adoption: bool = False,
) -> Plan:
    """The plan that makes `actual` (None: no table) what `desired` says. `allowed` is the file's allowed_changes; `is_adoption` tells
    that the pipeline did not make the table."""
    changes = diff(actual, desired)
    adoption = tuple(refuse_adoption(changes)) if is_adoption and actual is not None else ()
    refusals = adoption or tuple(refuse(actual, desired, changes, allowed))
    if refusals:
        return Plan(changes, (), refusals)
    statements = tuple(_Writer(actual, desired, changes).statements())
    return Plan(changes, statements, (), tuple(_touched(changes)))


def refused(plan: Plan, refusals: Sequence[Refusal]) -> Plan:
    """The plan with what else speaks against it, first."""
    if not refusals:
        return plan
    return Plan(plan.changes, (), (*refusals, *plan.refusals), plan.touched)


def _touched(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        if isinstance(change, DropColumn):
            yield str(change.column.name)
        elif isinstance(change, WidenColumn | Rebuild):
            yield str(change.actual.name)


_ORDER = (
    ChangeDistribution,
    ChangeSortKey,
    ChangeEncoding,
    WidenColumn,
    CreateTable,
    RenameColumn,
    AddColumn,
    Rebuild,
    DropColumn,
    ChangePrimaryKey,
    SetTableComment,
    SetColumnComment,
)


class _Writer:
    """Writes the statements of changes that nothing speaks against."""

    def __init__(
        self, actual: sa.Table | None, desired: sa.Table, changes: tuple[Change, ...]
    ) -> None:
        self.actual, self.desired, self.changes = actual, desired, changes
        self.names = {
            change.desired: change.actual for change in changes if isinstance(change, RenameColumn)
        }
        self.rebuilds: dict[str, list[Rebuild]] = {}
        for change in changes:
            if isinstance(change, Rebuild):
                self.rebuilds.setdefault(str(change.desired.name), []).append(change)

    def statements(self) -> Iterator[Statement]:
        """In the order in which they have to run."""
        key = self._primary_key()
        written = [(change, tuple(self._write(change))) for change in self.changes]
        in_order = [
            one
            for kind in _ORDER
            for change, made in written
            if isinstance(change, kind)
            for one in made
        ]
        together = [one for one in in_order if one.transactional]
        yield from (one for one in in_order if not one.transactional)
        if key and key.constraint:
            yield self._safe(
                ddl.DropConstraint(self.desired, key.constraint),
                f"{key}; columns of a key stay as they are",
            )
        yield from (one for one in together if not _is_comment(one))
        if key and key.desired:
            yield self._safe(ddl.AddPrimaryKey(self.desired, key.desired), str(key))
        yield from (one for one in together if _is_comment(one))

    def _safe(self, element: Any, why: str) -> Statement:
        return Statement(element, why, ChangeClass.SAFE)

    def _primary_key(self) -> ChangePrimaryKey | None:
        """The key's change; also one to itself, when one of its columns is made anew."""
        for change in self.changes:
            if isinstance(change, ChangePrimaryKey):
                return change
        key = primary_key_of(self.desired)
        if self.actual is not None and any(name in self.rebuilds for name in key):
            return ChangePrimaryKey(key, key, constraint_name(self.actual))
        return None

    def _name(self, desired: str) -> str:
        """A column's name before the transaction."""
        return self.names.get(desired, desired)

    def _write(self, change: Change) -> Iterator[Statement]:
        match change:
            case CreateTable(table):
                yield from self._create(change, table)
            case AddColumn(column):
                yield self._safe(ddl.AddColumn(self.desired, column), f"{column.name} is new")
            case DropColumn(column):
                yield Statement(
                    ddl.DropColumn(self.desired, str(column.name)),
                    f"{column.name} is not in the file",
                    change.change_class,
                )
            case RenameColumn(actual, desired):
                element = ddl.RenameColumn(self.desired, actual, desired)
                yield Statement(element, f"{desired} is renamed from {actual}", change.change_class)
            case WidenColumn():
                yield from self._widen(change)
            case ChangeEncoding():
                yield from self._encode(change)
            case ChangeDistribution(_, style, key):
                element_key = None if key is None else self._name(key)
                yield self._alone(ddl.AlterDistribution(self.desired, style, element_key), change)
            case ChangeSortKey(_, names):
                yield self._alone(
                    ddl.AlterSortKey(self.desired, tuple(map(self._name, names))), change
                )
            case SetTableComment(table):
                yield self._safe(SetTableCommentDDL(table), "its description")
            case SetColumnComment(column):
                yield self._safe(SetColumnCommentDDL(column), f"description of {column.name}")
            case ChangePrimaryKey():
                pass  # around all others
            case ChangeIdentity() | UnclearRename() | SuspectedRename():
                raise AssertionError(f"{change}: refused, so that there is nothing to write")
            case _ if isinstance(change, Rebuild):
                yield from self._rebuild(change)
            case _:
                assert_never(change)

    def _alone(self, element: Any, change: Change) -> Statement:
        return Statement(element, str(change), change.change_class, transactional=False)

    def _create(self, change: Change, table: sa.Table) -> Iterator[Statement]:
        if table.schema not in (None, DEFAULT_SCHEMA):
            yield self._safe(
                CreateSchema(identifier(str(table.schema)), if_not_exists=True),
                "the table's schema",
            )
        yield self._safe(CreateTableDDL(table), str(change))

    def _widen(self, change: WidenColumn) -> Iterator[Statement]:
        name = str(change.desired.name)
        if name not in self.rebuilds:  # else it is made anew with its new length
            element = ddl.AlterColumnType(self.desired, self._name(name), change.desired.type)
            here = describe_type(change.actual.type)
            yield Statement(
                element,
                f"{name} grows from {here}",
                change.change_class,
                transactional=False,
                column=name,
            )

    def _encode(self, change: ChangeEncoding) -> Iterator[Statement]:
        name, encoding = str(change.desired.name), change.facets[2]
        if name not in self.rebuilds:
            yield self._alone(
                ddl.AlterColumnEncode(self.desired, self._name(name), encoding), change
            )

    def _rebuild(self, change: Rebuild) -> Iterator[Statement]:
        """All facets of a column at once: add, fill, drop, rename."""
        name = str(change.desired.name)
        if self.rebuilds[name][0] is not change:
            return
        kind, table = change.change_class, self.desired
        facets = [facet.facets for facet in self.rebuilds[name]]
        why = f"{name}: " + ", ".join(
            f"{facet} {here} becomes {wanted}" for facet, here, wanted in facets
        )
        new = self._free_name(name)
        yield Statement(ddl.AddColumn(table, change.desired, new), why, kind)
        fill = ddl.copy_values(table, change.actual, change.desired, new)
        yield Statement(fill, f"{why}; every value must fit", kind, column=name, interim=new)
        yield Statement(ddl.DropColumn(table, name), "its values are in the new column", kind)
        yield Statement(ddl.RenameColumn(table, new, name), "under the old name", kind)
        if (comment := self._lost_comment(change)) is not None:
            yield self._safe(comment, f"description of {name}, which went with the old column")

    def _lost_comment(self, change: Rebuild) -> SetColumnCommentDDL | None:
        """A description goes with its column; where the file leaves it as it is, it is written again."""
        if change.desired.comment is None and change.actual.comment:
            column: sa.Column[Any] = sa.Column(
                identifier(str(change.desired.name)), comment=change.actual.comment
            )
        elif change.desired.comment and change.desired.comment == change.actual.comment:
            column = sa.Column(identifier(str(change.desired.name)), comment=change.desired.comment)
        else:
            return None
        sa.Table(self.desired.name, sa.MetaData(), column, schema=self.desired.schema)
        return SetColumnCommentDDL(column)

    def _free_name(self, name: str) -> str:
        """The name of the new column until the old one is gone; no column of either table has it."""
        number = list(self.rebuilds).index(name) + 1
        taken = {
            *self.desired.columns.keys(),
            *(self.actual.columns.keys() if self.actual is not None else ()),
        }
        made = f"etl_new_{number}"
        while made in taken:
            made += "_"
        return made


def _is_comment(statement: Statement) -> bool:
    return isinstance(statement.element, SetTableCommentDDL | SetColumnCommentDDL)
