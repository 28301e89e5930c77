"""Rows that are loaded by their key: an upsert, and an append or upsert that is loaded after later upserts.

The file is copied into a temporary table of the transaction first. An upsert then deletes the rows
of the target that have one of its keys, and adds its own.

An upload may be loaded late: after uploads that arrived after it. Then the table gets the content
that the arrival order gives, without being rebuilt:
- of the upload's rows, those remain that no later upsert replaces;
- they replace the rows of the target with their keys, if the upload is an upsert;
- rows of later appends with these keys were deleted with them, and are added again.
No other row depends on the upload.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, DropTable
from sqlalchemy.sql.expression import Executable

from etl_core.loading.copy_run import GroupCopy, KeysRefused, Note, StepResult
from etl_core.loading.ports import Transaction
from etl_core.schema_files.tables import distkey_of
from etl_core.sql import identifier

Key = tuple[str, ...]
OWN, LATER = "etl_upload_rows", "etl_later_rows"


@dataclass(frozen=True)
class KeyedRows:
    """The step of one file. `key`: the columns by which its rows replace others; none for an append.

    `is_new`: it is loaded for the first time, and its keys are checked. `upserts` and `appends`
    took effect before it and arrived after it; each upsert has its own key.
    """

    own: GroupCopy
    key: Key
    is_new: bool = False
    upserts: Sequence[tuple[GroupCopy, Key]] = ()
    appends: Sequence[GroupCopy] = ()

    @property
    def copies(self) -> Sequence[GroupCopy]:
        """Return the copies of the step."""
        return (self.own, *(copy for copy, _ in self.upserts), *self.appends)

    def run(self, transaction: Transaction, note: Note, *, refreshes: bool) -> StepResult:
        """Change the table. The statistics are not refreshed: a table with many deleted rows is analyzed."""
        del refreshes
        session = _Session(transaction, note)
        keys = {column for _, key in self.upserts for column in key} | set(self.key)
        rows = temporary_table(OWN, self.own, keys)
        counts = [(self.own, session.fill(rows, self.own))]
        if self.is_new and self.key and (refused := self._check_keys(rows, session)) is not None:
            return StepResult(counts, refused=refused)
        for copy, key in self.upserts:
            later = temporary_table(LATER, copy, key)
            counts.append((copy, session.fill(later, copy)))
            session.change(delete_matching(rows, later, key))
            session.run(DropTable(later))
        target, replaced = self.own.command.table, 0
        if self.key:
            replaced = session.change(delete_matching(target, rows, self.key))
        session.run(insert_all(target, rows, self.own.command.columns))
        for copy in self.appends:
            later = temporary_table(LATER, copy, self.key)
            counts.append((copy, session.fill(later, copy)))
            session.run(insert_matching(target, later, copy.command.columns, rows, self.key))
            session.run(DropTable(later))
        session.run(DropTable(rows))
        return StepResult(counts, replaced)

    def _check_keys(self, rows: sa.Table, session: _Session) -> KeysRefused | None:
        """Return the fault of the file's keys. NULL is none of them: COPY refuses it, as the columns are NOT NULL."""
        for is_empty, select in (
            (True, select_empty_key(rows, self.key)),
            (False, select_repeated_key(rows, self.key)),
        ):
            found = [] if select is None else session.run(select)
            if found:
                value = tuple(str(each) for each in found[0])
                return KeysRefused(self.own.group[0], self.key, value, is_empty)
        return None


@dataclass(frozen=True)
class _Session:
    transaction: Transaction
    note: Note

    def fill(self, table: sa.Table, copy: GroupCopy) -> int:
        self.run(CreateTable(table))
        return copy.fill(table, self.transaction, self.note)

    def run(self, statement: Executable) -> Sequence[sa.Row[Any]]:
        self.note(statement)
        return self.transaction.execute(statement)

    def change(self, statement: Executable) -> int:
        self.note(statement)
        return self.transaction.change(statement)


def temporary_table(name: str, copy: GroupCopy, keys: set[str] | Key) -> sa.Table:
    """Return the temporary table for the rows of a copy, with the columns of the files.

    It has their types and NOT NULL, so that COPY refuses the same values as for the target; and the
    key columns that the files lack, with their defaults. It ends with the transaction: at its end it
    is dropped, and a rollback undoes it. It has the distribution key of the target, so that rows with
    the same key are on the same node ("Creating a temporary staging table").
    """
    target, columns = copy.command.table, copy.command.columns
    others = [str(column.name) for column in target.columns if str(column.name) in keys]
    lacking = [name for name in others if name not in columns]
    distkey = distkey_of(target)
    options: dict[str, Any] = (
        {"redshift_distkey": identifier(distkey)} if distkey in (*columns, *lacking) else {}
    )
    return sa.Table(
        identifier(name),
        sa.MetaData(),
        *(_column(target.columns[name], None) for name in columns),
        *(_column(target.columns[name], target.columns[name].server_default) for name in lacking),
        prefixes=["TEMP"],
        **options,
    )


def _column(column: sa.Column[Any], default: Any) -> sa.Column[Any]:
    argument = None if default is None else default.arg
    return sa.Column(
        identifier(column.name), column.type, nullable=column.nullable, server_default=argument
    )


def delete_matching(table: sa.Table, keys: sa.Table, key: Key) -> sa.Delete:
    """Return the DELETE of the rows that have a key of another table."""
    return sa.delete(table).where(*_same_key(table, keys, key))


def insert_all(target: sa.Table, rows: sa.Table, columns: Sequence[str]) -> sa.Insert:
    """Return the INSERT of these columns of all rows. The target gives other columns their defaults."""
    return _insert(target, columns, sa.select(*(rows.columns[name] for name in columns)))


def insert_matching(
    target: sa.Table, rows: sa.Table, columns: Sequence[str], keys: sa.Table, key: Key
) -> sa.Insert:
    """Return the INSERT of the rows that have a key of another table, in which no key is repeated."""
    selected = sa.select(*(rows.columns[name] for name in columns))
    return _insert(target, columns, selected.where(*_same_key(rows, keys, key)))


def _insert(target: sa.Table, columns: Sequence[str], selected: sa.Select[Any]) -> sa.Insert:
    return sa.insert(target).from_select(
        list(map(identifier, columns)), selected, include_defaults=False
    )


def _same_key(one: sa.Table, other: sa.Table, key: Key) -> list[sa.ColumnElement[bool]]:
    return [one.columns[name] == other.columns[name] for name in key]


def select_empty_key(rows: sa.Table, key: Key) -> sa.Select[Any] | None:
    """Select a key with an empty text; None if no key column is a text."""
    texts = [rows.columns[name] for name in key if _is_text(rows.columns[name])]
    if not texts:
        return None
    is_empty = sa.or_(*(_comparable(column) == "" for column in texts))
    return sa.select(*(rows.columns[name] for name in key)).where(is_empty).limit(1)


def select_repeated_key(rows: sa.Table, key: Key) -> sa.Select[Any]:
    """Select the first key that several rows have."""
    columns = [_comparable(rows.columns[name]) for name in key]
    return (
        sa.select(*columns)
        .group_by(*columns)
        .having(sa.func.count() > 1)
        .order_by(*columns)
        .limit(1)
    )


def _comparable(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return the column as `=` compares it: blanks at the end of a text do not count (r_Character_types)."""
    return sa.func.rtrim(column) if _is_text(column) else column


def _is_text(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.String)
