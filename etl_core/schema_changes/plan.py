"""A plan: the statements, in order, that change the live table to match the schema file, or why there are none. Pure.

Statements that Redshift does not run in a transaction come first: longer VARCHARs, encodings,
distribution and sort keys. They change no value. A new sort key also changes encodings, so the plan
is made again after it. All others share the transaction that writes the ledger row. A plan is
computed from the live table: after a crash at any point, computing and applying the plan again
finishes the work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from etl_core.schema_changes.changes import (
    AddColumn,
    Change,
    ChangeDistribution,
    ChangeEncoding,
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
    WidenColumn,
)
from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.live_table import warn_unknown_types
from etl_core.schema_changes.messages import TEXTS_READ_MONTH_FIRST
from etl_core.schema_changes.refusals import Refusal, refuse, refuse_adoption
from etl_core.schema_changes.statements import Statement, StatementWriter
from etl_core.schema_files.column_types import describe_type, unknown_type_of

__all__ = ["Plan", "Statement", "make_plan", "refused", "warned"]


@dataclass(frozen=True, eq=False)
class Plan:
    """What to do.

    With refusals there are no statements. `touched` are the columns that no view may be bound to,
    `removed` those whose names go: they are dropped or renamed. `warnings` are for people.
    """

    changes: tuple[Change, ...]
    statements: tuple[Statement, ...]
    refusals: tuple[Refusal, ...]
    touched: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def autocommit(self) -> tuple[Statement, ...]:
        """The statements to run first, each committed on its own."""
        return tuple(statement for statement in self.statements if not statement.transactional)

    @property
    def next_autocommit(self) -> tuple[Statement, ...]:
        """The statements to run first, up to one after which the plan has to be made again."""
        statements = self.autocommit
        for number, statement in enumerate(statements, 1):
            if statement.changes_encodings:
                return statements[:number]
        return statements

    @property
    def has_rebuild(self) -> bool:
        """Whether the plan rewrites every row of the table."""
        return not self.refusals and any(isinstance(each, RebuildColumn) for each in self.changes)

    @property
    def transactional(self) -> tuple[Statement, ...]:
        """The statements to run after them, in one transaction."""
        return tuple(statement for statement in self.statements if statement.transactional)


def make_plan(
    actual: sa.Table | None,
    desired: sa.Table,
    allowed: Collection[str],
    *,
    in_force: sa.Table | None = None,
    is_adoption: bool = False,
) -> Plan:
    """Return the plan that changes `actual` (None: no table) to match `desired`.

    `allowed` is the file's allowed_changes. `in_force` is the table of the schema file in force: the
    only evidence that a file changes a column whose type in `actual` is unknown. `is_adoption`: the
    pipeline did not create the table.
    """
    changes = (*diff(actual, desired), *_retyped_unknown(actual, desired, in_force))
    warnings = warn_unknown_types(actual)
    adoption = tuple(refuse_adoption(changes)) if is_adoption and actual is not None else ()
    refusals = adoption or tuple(refuse(actual, desired, changes, allowed))
    if refusals:
        return Plan(changes, (), refusals, warnings=warnings)
    statements = tuple(_statements(actual, desired, changes, may_lose="narrow" in allowed))
    warnings = (*warnings, *_warn_month_first(changes))
    return Plan(
        changes, statements, (), tuple(_touched(changes)), tuple(_removed(changes)), warnings
    )


def _warn_month_first(changes: Sequence[Change]) -> Iterator[str]:
    """Yield a warning for each column of texts that becomes dates. A load refuses what can be read in two ways."""
    for change in changes:
        if isinstance(change, RebuildColumn):
            kind, desired = (describe_type(each.type) for each in (change.actual, change.desired))
            if kind.is_text and desired.is_datetime:
                yield TEXTS_READ_MONTH_FIRST(column=str(change.desired.name), type=desired)


def _retyped_unknown(
    actual: sa.Table | None, desired: sa.Table, in_force: sa.Table | None
) -> Iterator[ChangeUnknownColumn]:
    """Yield the columns of an unknown type to which the file gives another type than the one in force."""
    if actual is None or in_force is None:
        return
    for column in actual.columns:
        kind, name = unknown_type_of(column), column.name
        if kind is None or name not in in_force.columns or name not in desired.columns:
            continue
        types = [describe_type(table.columns[name].type) for table in (in_force, desired)]
        if types[0] != types[1]:
            yield ChangeUnknownColumn.retype(str(name), kind, *map(str, types))


def refused(plan: Plan, refusals: Sequence[Refusal]) -> Plan:
    """Return the plan with further refusals, which come first."""
    if not refusals:
        return plan
    return replace(plan, statements=(), refusals=(*refusals, *plan.refusals))


def warned(plan: Plan, warnings: Sequence[str]) -> Plan:
    """Return the plan with further warnings."""
    return replace(plan, warnings=(*plan.warnings, *warnings))


def _touched(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        if isinstance(change, DropColumn):
            yield str(change.column.name)
        elif isinstance(change, WidenColumn | RebuildColumn):
            yield str(change.actual.name)


def _removed(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        if isinstance(change, DropColumn):
            yield str(change.column.name)
        elif isinstance(change, RenameColumn):
            yield change.actual


_ORDER = (
    ChangeDistribution,
    ChangeSortKey,
    RemoveSortKey,
    ChangeEncoding,
    WidenColumn,
    CreateTable,
    RenameColumn,
    AddColumn,
    RebuildColumn,
    DropColumn,
    ChangePrimaryKey,
    SetTableComment,
    SetColumnComment,
)


def _statements(
    actual: sa.Table | None, desired: sa.Table, changes: tuple[Change, ...], *, may_lose: bool
) -> Iterator[Statement]:
    """Yield the statements in the order in which they have to run.

    The primary key is absent while columns change.
    """
    writer = StatementWriter(actual, desired, changes, may_lose=may_lose)
    written = [
        statement
        for kind in _ORDER
        for change in changes
        if isinstance(change, kind)
        for statement in writer.write(change)
    ]
    transactional = [each for each in written if each.transactional]
    yield from (each for each in written if not each.transactional)
    yield from writer.drop_primary_key()
    yield from (each for each in transactional if not each.is_comment)
    yield from writer.add_primary_key()
    yield from (each for each in transactional if each.is_comment)
