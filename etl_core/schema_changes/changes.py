"""The closed set of differences between a live table and a schema file. Values only, no SQL.

`actual` is the table in the warehouse, `desired` is the table of the schema file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Literal

import sqlalchemy as sa

from etl_core.model.messages import Message
from etl_core.schema_changes.messages import (
    COLUMN_DESCRIPTION_DIFFERS,
    COLUMN_DIFFERS,
    COLUMN_NOT_IN_FILE,
    COLUMN_NOT_IN_TABLE,
    COLUMN_RENAMED,
    DISTRIBUTION_DIFFERS,
    LOOKS_LIKE_RENAME,
    NEW_TABLE,
    PRIMARY_KEY_DIFFERS,
    RENAME_IMPOSSIBLE,
    SORTKEY_DIFFERS,
    SORTKEY_IN_THE_WAY,
    TABLE_DESCRIPTION_DIFFERS,
    UNKNOWN_COLUMN_DIFFERS,
    UNKNOWN_COLUMN_RENAMED,
    UNKNOWN_COLUMN_RETYPED,
)

Permission = Literal["retype", "nullability", "default", "drop", "narrow"]
Column = sa.Column[Any]


class ChangeClass(StrEnum):
    """How a change affects the users of the table.

    `safe`, `widen` and `rename` need no permission.
    """

    SAFE = "safe"
    WIDEN = "widen"
    RENAME = "rename"
    RETYPE = "retype"
    NULLABILITY = "nullability"
    DEFAULT = "default"
    DESTRUCTIVE = "destructive"
    IMPOSSIBLE = "impossible"


_CLASSES: dict[Permission, ChangeClass] = {
    "retype": ChangeClass.RETYPE,
    "nullability": ChangeClass.NULLABILITY,
    "default": ChangeClass.DEFAULT,
    "drop": ChangeClass.DESTRUCTIVE,
    "narrow": ChangeClass.DESTRUCTIVE,
}


@dataclass(frozen=True)
class Facet:
    """One property of a column that differs. `column` is its name in the schema file.

    `permission` is what allowed_changes must list. None: the change needs no permission.
    """

    column: str
    name: Literal["type", "nullability", "default", "encoding", "identity"]
    actual: str
    desired: str
    permission: Permission | None = None

    def __str__(self) -> str:
        return COLUMN_DIFFERS(
            column=self.column, facet=self.name, actual=self.actual, desired=self.desired
        )


@dataclass(frozen=True, eq=False)
class CreateTable:
    """The table does not exist yet."""

    table: sa.Table
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return NEW_TABLE(table=f"{self.table.schema}.{self.table.name}")


@dataclass(frozen=True, eq=False)
class AddColumn:
    """The table lacks a column of the schema file."""

    column: Column
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return COLUMN_NOT_IN_TABLE(column=str(self.column.name))


@dataclass(frozen=True, eq=False)
class DropColumn:
    """The schema file lacks a column of the table."""

    column: Column
    change_class: ClassVar = ChangeClass.DESTRUCTIVE
    permission: ClassVar[Permission] = "drop"

    def __str__(self) -> str:
        return COLUMN_NOT_IN_FILE(column=str(self.column.name))


@dataclass(frozen=True, eq=False)
class RenameColumn:
    """A column gets the name whose `renamed_from` gives its present name."""

    actual: str
    desired: str
    change_class: ClassVar = ChangeClass.RENAME

    def __str__(self) -> str:
        return COLUMN_RENAMED(actual=self.actual, desired=self.desired)


@dataclass(frozen=True, eq=False)
class _FacetChange:
    """One facet of a column, changed without a rebuild.

    `desired` has the column's name in the schema file.
    """

    actual: Column
    desired: Column
    facet: Facet

    def __str__(self) -> str:
        return str(self.facet)


@dataclass(frozen=True, eq=False)
class WidenColumn(_FacetChange):
    """A VARCHAR gets longer, and Redshift can alter it in place."""

    change_class: ClassVar = ChangeClass.WIDEN


@dataclass(frozen=True, eq=False)
class ChangeEncoding(_FacetChange):
    """The schema file names another compression encoding."""

    change_class: ClassVar = ChangeClass.SAFE


@dataclass(frozen=True, eq=False)
class ChangeIdentity(_FacetChange):
    """Another identity; Redshift sets it only when it creates a table."""

    change_class: ClassVar = ChangeClass.IMPOSSIBLE


@dataclass(frozen=True, eq=False)
class RebuildColumn:
    """A column that Redshift cannot alter in place.

    It is added again, filled, dropped and renamed, for all facets at once. At least one of `facets`
    has a permission. The others (a longer VARCHAR, an encoding) come with the new column.
    """

    actual: Column
    desired: Column
    facets: tuple[Facet, ...]

    @property
    def change_class(self) -> ChangeClass:
        """The class of the first facet that needs a permission."""
        return next(_CLASSES[facet.permission] for facet in self.facets if facet.permission)

    def __str__(self) -> str:
        return "; ".join(map(str, self.facets))


@dataclass(frozen=True)
class ChangeDistribution:
    """The schema file names another diststyle or distkey.

    `key` is the column's name, None for a style without one.
    """

    actual: str
    style: str
    key: str | None
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        desired = f"KEY({self.key})" if self.key else self.style
        return DISTRIBUTION_DIFFERS(actual=self.actual, desired=desired)


@dataclass(frozen=True)
class ChangeSortKey:
    """The schema file names another sort key."""

    actual: tuple[str, ...]
    desired: tuple[str, ...]
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return SORTKEY_DIFFERS(actual=_names(self.actual), desired=_names(self.desired))


@dataclass(frozen=True)
class RemoveSortKey:
    """The sort key has columns that go, and the schema file leaves the key to Redshift.

    Redshift chooses a key for a table with SORTKEY AUTO, and drops no column of a key. `columns`:
    the part of the key that is dropped or rebuilt.
    """

    actual: tuple[str, ...]
    columns: tuple[str, ...]
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return SORTKEY_IN_THE_WAY(actual=_names(self.actual), columns=", ".join(self.columns))


@dataclass(frozen=True)
class ChangePrimaryKey:
    """Another primary key, or none. Redshift does not enforce it, but uses it to plan queries."""

    actual: tuple[str, ...]
    desired: tuple[str, ...]
    constraint: str | None
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return PRIMARY_KEY_DIFFERS(actual=_names(self.actual), desired=_names(self.desired))


@dataclass(frozen=True, eq=False)
class SetTableComment:
    """The description of the table."""

    table: sa.Table
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return TABLE_DESCRIPTION_DIFFERS(description=self.table.comment)


@dataclass(frozen=True, eq=False)
class SetColumnComment:
    """The description of a column."""

    column: Column
    change_class: ClassVar = ChangeClass.SAFE

    def __str__(self) -> str:
        return COLUMN_DESCRIPTION_DIFFERS(
            column=str(self.column.name), description=self.column.comment
        )


@dataclass(frozen=True, eq=False)
class UnclearRename:
    """A `renamed_from` that cannot be applied.

    `claims` are the columns of the schema file that give this `renamed_from`.
    """

    renamed_from: str
    desired: str
    reason: Message
    claims: tuple[str, ...]
    change_class: ClassVar = ChangeClass.IMPOSSIBLE

    def __str__(self) -> str:
        return RENAME_IMPOSSIBLE(renamed_from=self.renamed_from, column=self.desired)


@dataclass(frozen=True)
class SuspectedRename:
    """A dropped column and a new one have the same type: probably one column under another name."""

    dropped: str
    added: str
    type: str
    change_class: ClassVar = ChangeClass.IMPOSSIBLE

    def __str__(self) -> str:
        return LOOKS_LIKE_RENAME(dropped=self.dropped, added=self.added, type=self.type)


@dataclass(frozen=True)
class ChangeUnknownColumn:
    """A change of a column whose type in the table the loader does not know. Always refused.

    `kind` is the type as the catalog names it, `problem` what the schema file wants to change.
    """

    column: str
    kind: str
    problem: str
    change_class: ClassVar = ChangeClass.IMPOSSIBLE

    @classmethod
    def rename(cls, column: str, kind: str, desired: str) -> ChangeUnknownColumn:
        """Return the change of the name."""
        return cls(column, kind, UNKNOWN_COLUMN_RENAMED(desired=desired))

    @classmethod
    def retype(cls, column: str, kind: str, in_force: str, desired: str) -> ChangeUnknownColumn:
        """Return the change of the type that the schema file in force names."""
        return cls(column, kind, UNKNOWN_COLUMN_RETYPED(in_force=in_force, desired=desired))

    def __str__(self) -> str:
        return UNKNOWN_COLUMN_DIFFERS(column=self.column, type=self.kind, problem=self.problem)


Change = (
    CreateTable
    | AddColumn
    | DropColumn
    | RenameColumn
    | WidenColumn
    | RebuildColumn
    | ChangeIdentity
    | ChangeEncoding
    | ChangeDistribution
    | ChangeSortKey
    | RemoveSortKey
    | ChangePrimaryKey
    | SetTableComment
    | SetColumnComment
    | UnclearRename
    | SuspectedRename
    | ChangeUnknownColumn
)


def encoding_of(column: Column) -> str:
    """Return the encoding of a column; the catalog shows none for RAW."""
    return str(column.dialect_options["redshift"].get("encode") or "raw")


def is_generated(column: Column) -> bool:
    """Return whether Redshift makes the values of a live column: IDENTITY, or GENERATED BY DEFAULT AS IDENTITY.

    A schema file cannot name the second kind. Both hold no NULL.
    """
    return bool(column.info.get("is_generated"))


def identity_of(column: Column) -> tuple[int, int] | None:
    """Return the seed and step of an IDENTITY column."""
    pair = column.dialect_options["redshift"].get("identity")
    return (int(pair[0]), int(pair[1])) if pair else None


def _names(names: tuple[str, ...]) -> str:
    return f"({', '.join(names)})" if names else "none"
