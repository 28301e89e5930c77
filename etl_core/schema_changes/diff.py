"""What distinguishes the live table from the schema file, facet by facet. Pure; nothing is decided here but what differs.

What a file leaves to Redshift is no difference: no `distkey`, `sortkey`, `encode` or `description` means whatever the table
has. The order of columns is none either: COPY names its columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from etl_core.schema_changes.changes import (
    AddColumn,
    Change,
    ChangeDefault,
    ChangeDistribution,
    ChangeEncoding,
    ChangeIdentity,
    ChangeNullability,
    ChangePrimaryKey,
    ChangeSortKey,
    Column,
    CreateTable,
    DropColumn,
    NarrowColumn,
    RenameColumn,
    RetypeColumn,
    SetColumnComment,
    SetTableComment,
    SuspectedRename,
    UnclearRename,
    WidenColumn,
    encoding_of,
    identity_of,
)
from etl_core.schema_changes.conversions import Conversion, conversion
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.default_values import parse_server_default
from etl_core.schema_files.tables import distkey_of, diststyle_of, primary_key_of, sortkey_of

FIXED_ENCODINGS = frozenset({"bytedict", "runlength", "text255", "text32k"})
"""Encodings whose columns cannot change their length (database developer guide, "ALTER TABLE")."""


@dataclass(frozen=True)
class _Pairing:
    """Which column of the table is which of the file."""

    same: tuple[tuple[Column, Column], ...]
    added: tuple[Column, ...]
    dropped: tuple[Column, ...]
    unclear: tuple[UnclearRename, ...]

    def renamed(self, name: str) -> str:
        """The name that a column of the table will have."""
        return next(
            (str(desired.name) for actual, desired in self.same if actual.name == name), name
        )


def diff(actual: sa.Table | None, desired: sa.Table) -> tuple[Change, ...]:
    """Every difference, in the file's order; empty when the live table is what the file says."""
    if actual is None:
        return (CreateTable(desired), *_new_comments(desired))
    pairing = _pair(actual, desired)
    return (
        *pairing.unclear,
        *_suspected_renames(pairing),
        *_column_changes(actual, pairing),
        *_key_changes(actual, desired, pairing),
        *_comment_changes(actual, desired, pairing),
    )


def _pair(actual: sa.Table, desired: sa.Table) -> _Pairing:
    same: list[tuple[Column, Column]] = []
    added: list[Column] = []
    unclear: list[UnclearRename] = []
    for column in desired.columns:
        source = column.info.get("renamed_from")
        name = str(column.name)
        if fault := _rename_fault(actual, desired, name, source):
            unclear.append(fault)
        if name in actual.columns:
            same.append((actual.columns[name], column))
        elif source is not None and not fault:
            same.append((actual.columns[source], column))
        elif not fault:
            added.append(column)
    taken = {here.name for here, _ in same} | {fault.renamed_from for fault in unclear}
    dropped = tuple(column for column in actual.columns if column.name not in taken)
    return _Pairing(tuple(same), tuple(added), dropped, tuple(unclear))


def _rename_fault(
    actual: sa.Table, desired: sa.Table, name: str, source: str | None
) -> UnclearRename | None:
    if source is None or source == name:
        return None
    claims = [
        str(column.name) for column in desired.columns if column.info.get("renamed_from") == source
    ]
    if name in actual.columns:
        # Done by an earlier schema file, unless the old column is there as well and the file does not account for it.
        if source not in actual.columns or source in desired.columns or len(claims) > 1:
            return None
        return UnclearRename(
            source,
            name,
            f"the table has both {source!r} and {name!r}",
            "drop or rename one of the two in the warehouse",
        )
    if source not in actual.columns:
        return UnclearRename(
            source,
            name,
            f"the table has no column {source!r}",
            "leave renamed_from out to add an empty column",
        )
    if source in desired.columns:
        return UnclearRename(
            source,
            name,
            f"{source!r} is a column of the schema file itself",
            "rename in one upload and add in a later one",
        )
    if len(claims) > 1:
        return UnclearRename(
            source,
            name,
            f"{', '.join(map(repr, claims))} all name {source!r}",
            "name it in one column only",
        )
    return None


def _suspected_renames(pairing: _Pairing) -> Iterator[SuspectedRename]:
    free = list(pairing.dropped)
    for column in pairing.added:
        kind = describe_type(column.type)
        match = next((old for old in free if describe_type(old.type) == kind), None)
        if match is not None:
            free.remove(match)
            yield SuspectedRename(str(match.name), str(column.name), str(kind))


def _column_changes(actual: sa.Table, pairing: _Pairing) -> Iterator[Change]:
    for here, wanted in pairing.same:
        if here.name != wanted.name:
            yield RenameColumn(str(here.name), str(wanted.name))
        yield from _facets(actual, here, wanted)
    for column in pairing.added:
        yield AddColumn(column)
    for column in pairing.dropped:
        yield DropColumn(column)


def _facets(table: sa.Table, here: Column, wanted: Column) -> Iterator[Change]:
    kind, wanted_kind = describe_type(here.type), describe_type(wanted.type)
    if kind != wanted_kind:
        yield _type_change(table, here, wanted)
    if identity_of(here) != identity_of(wanted):
        yield ChangeIdentity(here, wanted)
        return
    if bool(here.nullable) != bool(wanted.nullable):
        yield ChangeNullability(here, wanted)
    if parse_server_default(here.server_default, kind) != parse_server_default(
        wanted.server_default, wanted_kind
    ):
        yield ChangeDefault(here, wanted)
    if wanted.dialect_options["redshift"].get("encode") and encoding_of(here) != encoding_of(
        wanted
    ):
        yield ChangeEncoding(here, wanted)


def _type_change(table: sa.Table, here: Column, wanted: Column) -> Change:
    kind, wanted_kind = describe_type(here.type), describe_type(wanted.type)
    effect = conversion(kind, wanted_kind)
    if effect is Conversion.CUTS:
        return NarrowColumn(here, wanted)
    if kind.name == wanted_kind.name == "character varying" and _grows_in_place(
        table, here, wanted
    ):
        return WidenColumn(here, wanted)
    return RetypeColumn(here, wanted)


def _grows_in_place(table: sa.Table, here: Column, wanted: Column) -> bool:
    """Whether ALTER COLUMN TYPE takes the column (database developer guide, "ALTER TABLE")."""
    encodings = {encoding_of(here)}
    if wanted.dialect_options["redshift"].get("encode"):
        encodings.add(encoding_of(wanted))
    return (
        here.server_default is None
        and here.name not in primary_key_of(table)
        and not encodings & FIXED_ENCODINGS
    )


def _key_changes(actual: sa.Table, desired: sa.Table, pairing: _Pairing) -> Iterator[Change]:
    key = distkey_of(actual)
    here = (diststyle_of(actual), pairing.renamed(key) if key else None)
    wanted = (diststyle_of(desired), distkey_of(desired))
    if wanted[0] != "AUTO" and here != wanted:
        yield ChangeDistribution(f"KEY({here[1]})" if here[1] else here[0], *wanted)
    sortkey, wanted_sortkey = tuple(map(pairing.renamed, sortkey_of(actual))), sortkey_of(desired)
    if wanted_sortkey and sortkey != wanted_sortkey:
        yield ChangeSortKey(sortkey, wanted_sortkey)
    primary, wanted_primary = (
        tuple(map(pairing.renamed, primary_key_of(actual))),
        primary_key_of(desired),
    )
    if primary != wanted_primary:
        yield ChangePrimaryKey(primary, wanted_primary, constraint_name(actual))


def constraint_name(table: sa.Table) -> str | None:
    """The primary key's name; `table_pkey`, as Redshift makes it, for a table that was not read from a catalog."""
    if not primary_key_of(table):
        return None
    return str(table.primary_key.name or f"{table.name}_pkey")


def _new_comments(desired: sa.Table) -> Iterator[Change]:
    if desired.comment:
        yield SetTableComment(desired)
    for column in desired.columns:
        if column.comment:
            yield SetColumnComment(column)


def _comment_changes(actual: sa.Table, desired: sa.Table, pairing: _Pairing) -> Iterator[Change]:
    if desired.comment is not None and (actual.comment or "") != desired.comment:
        yield SetTableComment(desired)
    for here, wanted in pairing.same:
        if wanted.comment is not None and (here.comment or "") != wanted.comment:
            yield SetColumnComment(wanted)
    for column in pairing.added:
        if column.comment:
            yield SetColumnComment(column)
