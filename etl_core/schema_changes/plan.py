"""A plan: the statements, in order, that change the live table to match the schema file, or why there are none. Pure.

Statements that Redshift does not run in a transaction come first: longer VARCHARs, encodings,
distribution and sort keys. They change no value. All others share the transaction that writes the
ledger row. A plan is computed from the live table: after a crash at any point, computing and
applying the plan again finishes the work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from etl_core.schema_changes.changes import (
    AddColumn,
    Change,
    ChangeDistribution,
    ChangeEncoding,
    ChangePrimaryKey,
    ChangeSortKey,
    CreateTable,
    DropColumn,
    RebuildColumn,
    RenameColumn,
    SetColumnComment,
    SetTableComment,
    WidenColumn,
)
from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.refusals import Refusal, refuse, refuse_adoption
from etl_core.schema_changes.statements import Statement, StatementWriter

__all__ = ["Plan", "Statement", "make_plan", "refused"]


@dataclass(frozen=True, eq=False)
class Plan:
    """What to do.

    With refusals there are no statements. `touched` are the columns that no view may be bound to.
    """

    changes: tuple[Change, ...]
    statements: tuple[Statement, ...]
    refusals: tuple[Refusal, ...]
    touched: tuple[str, ...] = ()

    @property
    def autocommit(self) -> tuple[Statement, ...]:
        """The statements to run first, each committed on its own."""
        return tuple(statement for statement in self.statements if not statement.transactional)

    @property
    def transactional(self) -> tuple[Statement, ...]:
        """The statements to run after them, in one transaction."""
        return tuple(statement for statement in self.statements if statement.transactional)


def make_plan(
    actual: sa.Table | None,
    desired: sa.Table,
    allowed: Collection[str],
    *,
    is_adoption: bool = False,
) -> Plan:
    """Return the plan that changes `actual` (None: no table) to match `desired`.

    `allowed` is the file's allowed_changes. `is_adoption`: the pipeline did not create the table.
    """
    changes = diff(actual, desired)
    adoption = tuple(refuse_adoption(changes)) if is_adoption and actual is not None else ()
    refusals = adoption or tuple(refuse(actual, desired, changes, allowed))
    if refusals:
        return Plan(changes, (), refusals)
    statements = tuple(_statements(actual, desired, changes))
    return Plan(changes, statements, (), tuple(_touched(changes)))


def refused(plan: Plan, refusals: Sequence[Refusal]) -> Plan:
    """Return the plan with further refusals, which come first."""
    if not refusals:
        return plan
    return Plan(plan.changes, (), (*refusals, *plan.refusals), plan.touched)


def _touched(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        if isinstance(change, DropColumn):
            yield str(change.column.name)
        elif isinstance(change, WidenColumn | RebuildColumn):
            yield str(change.actual.name)


_ORDER = (
    ChangeDistribution,
    ChangeSortKey,
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
    actual: sa.Table | None, desired: sa.Table, changes: tuple[Change, ...]
) -> Iterator[Statement]:
    """Yield the statements in the order in which they have to run.

    The primary key is absent while columns change.
    """
    writer = StatementWriter(actual, desired, changes)
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
