"""The closed set of differences between a live table and a schema file. Values only: nothing here knows any SQL.

A change is in the words of the file: what a column or key is in the table (`actual`) and what it is to be (`desired`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Literal

import sqlalchemy as sa

from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.default_values import parse_server_default
from etl_core.schema_files.schema_file import DefaultFunction

Permission = Literal["retype", "nullability", "default", "drop", "narrow"]
Column = sa.Column[Any]


class ChangeClass(StrEnum):
    """What a change means for those who use the table. safe, widen and rename are applied without being asked for."""

    SAFE = "safe"
    WIDEN = "widen"
    RENAME = "rename"
    RETYPE = "retype"
    NULLABILITY = "nullability"
    DEFAULT = "default"
    DESTRUCTIVE = "destructive"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, eq=False)
class CreateTable:
    """There is no such table yet."""

    table: sa.Table
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return f"the table {self.table.schema}.{self.table.name} is new"


@dataclass(frozen=True, eq=False)
class AddColumn:
    """The table lacks a column of the file."""

    column: Column
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return f"column {self.column.name!r} is new: the table does not have it"


@dataclass(frozen=True, eq=False)
class DropColumn:
    """The file lacks a column of the table."""

    column: Column
    change_class: ClassVar = ChangeClass.DESTRUCTIVE
    permission: ClassVar[Permission] = "drop"

    def __str__(self) -> str:
        return f"column {self.column.name!r} is in the table, but not in the schema file"


@dataclass(frozen=True, eq=False)
class RenameColumn:
    """A column has another name, as its `renamed_from` says."""

    actual: str
    desired: str
    change_class: ClassVar = ChangeClass.RENAME

    def __str__(self) -> str:
        return f"column {self.actual!r} is to be named {self.desired!r}"


@dataclass(frozen=True, eq=False)
class _ColumnChange:
    """One facet of a column that is in both; `desired` carries the name that it will have."""

    actual: Column
    desired: Column

    @property
    def facets(self) -> tuple[str, str, str]:
        """What differs, as the table has it, as the file has it."""
        return "type", str(describe_type(self.actual.type)), str(describe_type(self.desired.type))

    def __str__(self) -> str:
        facet, here, wanted = self.facets
        return f"column {self.desired.name!r}: its {facet} is {here} in the table and {wanted} in the schema file"


@dataclass(frozen=True, eq=False)
class WidenColumn(_ColumnChange):
    """A VARCHAR grows, and Redshift can do that in place."""

    change_class: ClassVar = ChangeClass.WIDEN


@dataclass(frozen=True, eq=False)
class RetypeColumn(_ColumnChange):
    """Another type that holds every value of the present one, or refuses it."""

    change_class: ClassVar = ChangeClass.RETYPE
    permission: ClassVar[Permission] = "retype"


@dataclass(frozen=True, eq=False)
class NarrowColumn(_ColumnChange):
    """Another type that holds less: shorter, fewer digits, a smaller range, no time of day."""

    change_class: ClassVar = ChangeClass.DESTRUCTIVE
    permission: ClassVar[Permission] = "narrow"


@dataclass(frozen=True, eq=False)
class ChangeNullability(_ColumnChange):
    """NULL is to be allowed or forbidden."""

    change_class: ClassVar = ChangeClass.NULLABILITY
    permission: ClassVar[Permission] = "nullability"

    @property
    def facets(self) -> tuple[str, str, str]:
        words = {True: "nullable", False: "not null"}
        return "nullability", words[bool(self.actual.nullable)], words[bool(self.desired.nullable)]


@dataclass(frozen=True, eq=False)
class ChangeDefault(_ColumnChange):
    """Another default, or none."""

    change_class: ClassVar = ChangeClass.DEFAULT
    permission: ClassVar[Permission] = "default"

    @property
    def facets(self) -> tuple[str, str, str]:
        return "default", _default(self.actual), _default(self.desired)


@dataclass(frozen=True, eq=False)
class ChangeIdentity(_ColumnChange):
    """IDENTITY can only be given when a table is created."""

    change_class: ClassVar = ChangeClass.IMPOSSIBLE

    @property
    def facets(self) -> tuple[str, str, str]:
        return "identity", _identity(self.actual), _identity(self.desired)


@dataclass(frozen=True, eq=False)
class ChangeEncoding(_ColumnChange):
    """Another compression encoding, which the file names."""

    change_class: ClassVar = ChangeClass.SAFE

    @property
    def facets(self) -> tuple[str, str, str]:
        return "encoding", encoding_of(self.actual), encoding_of(self.desired)


@dataclass(frozen=True)
class ChangeDistribution:
    """Another diststyle or distkey, which the file names. `key` is the column's name, None for a style without one."""

    actual: str
    style: str
    key: str | None
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        wanted = f"KEY({self.key})" if self.key else self.style
        return f"the distribution is {self.actual} in the table and {wanted} in the schema file"


@dataclass(frozen=True)
class ChangeSortKey:
    """Another sort key, which the file names."""

    actual: tuple[str, ...]
    desired: tuple[str, ...]
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return f"the sortkey is {_names(self.actual)} in the table and {_names(self.desired)} in the schema file"


@dataclass(frozen=True)
class ChangePrimaryKey:
    """Another primary key, or none. Redshift does not enforce it, but plans queries by it."""

    actual: tuple[str, ...]
    desired: tuple[str, ...]
    constraint: str | None
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return f"the primary key is {_names(self.actual)} in the table and {_names(self.desired)} in the schema file"


@dataclass(frozen=True, eq=False)
class SetTableComment:
    """The table's description."""

    table: sa.Table
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return f"the description of the table is to be {self.table.comment!r}"


@dataclass(frozen=True, eq=False)
class SetColumnComment:
    """A column's description."""

    column: Column
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return f"the description of column {self.column.name!r} is to be {self.column.comment!r}"


@dataclass(frozen=True)
class UnclearRename:
    """A `renamed_from` that cannot be followed; `rule` says why, `hint` what to do."""

    renamed_from: str
    desired: str
    rule: str
    hint: str
    change_class: ClassVar = ChangeClass.IMPOSSIBLE

    def __str__(self) -> str:
        return f"column {self.desired!r} is to be renamed from {self.renamed_from!r}"


@dataclass(frozen=True)
class SuspectedRename:
    """A column goes and one of the same type comes: most likely the same one under another name."""

    dropped: str
    added: str
    type: str
    change_class: ClassVar = ChangeClass.IMPOSSIBLE

    def __str__(self) -> str:
        return f"column {self.dropped!r} is to go and {self.added!r} is new, both {self.type}"


Rebuild = RetypeColumn | NarrowColumn | ChangeNullability | ChangeDefault
"""What Redshift cannot alter in place: the column is made anew."""

Change = (
    CreateTable
    | AddColumn
    | DropColumn
    | RenameColumn
    | WidenColumn
    | Rebuild
    | ChangeIdentity
    | ChangeEncoding
    | ChangeDistribution
    | ChangeSortKey
    | ChangePrimaryKey
    | SetTableComment
    | SetColumnComment
    | UnclearRename
    | SuspectedRename
)


def encoding_of(column: Column) -> str:
    """The encoding of a live column; the catalog says nothing for RAW."""
    return str(column.dialect_options["redshift"].get("encode") or "raw")


def identity_of(column: Column) -> tuple[int, int] | None:
    """Seed and step of an IDENTITY column."""
    pair = column.dialect_options["redshift"].get("identity")
    return (int(pair[0]), int(pair[1])) if pair else None


def _default(column: Column) -> str:
    value = parse_server_default(column.server_default, describe_type(column.type))
    if isinstance(value, DefaultFunction):
        return value.function
    return "none" if value is None else repr(value)


def _identity(column: Column) -> str:
    pair = identity_of(column)
    return f"({pair[0]},{pair[1]})" if pair else "none"


def _names(names: tuple[str, ...]) -> str:
    return f"({', '.join(names)})" if names else "none"
