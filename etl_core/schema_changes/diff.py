"""The differences between the live table and the schema file.

Pure; refusals.py and plan.py decide what to do about them. What a file leaves to Redshift is no
difference: without `distkey`, `sortkey`, `encode` or `description` the table keeps what it has. The
order of the columns is no difference either: COPY names its columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from etl_core.schema_changes.changes import (
    AddColumn,
    Change,
    ChangeDistribution,
    ChangeEncoding,
    ChangeIdentity,
    ChangePrimaryKey,
    ChangeSortKey,
    ChangeUnknownColumn,
    Column,
    CreateTable,
    DropColumn,
    Facet,
    Permission,
    RebuildColumn,
    RemoveSortKey,
    RenameColumn,
    SetColumnComment,
    SetTableComment,
    SuspectedRename,
    UnclearRename,
    WidenColumn,
    encoding_of,
    identity_of,
    is_generated,
)
from etl_core.schema_changes.conversions import Conversion, are_varchar, conversion
from etl_core.schema_changes.messages import (
    RENAME_BOTH_EXIST,
    RENAME_CLAIMED_TWICE,
    RENAME_SOURCE_KEPT,
    RENAME_SOURCE_MISSING,
    UNKNOWN_COLUMN_FACET,
)
from etl_core.schema_files.column_types import describe_type, unknown_type_of
from etl_core.schema_files.default_values import Default, parse_server_default
from etl_core.schema_files.schema_file import DefaultFunction
from etl_core.schema_files.tables import distkey_of, diststyle_of, primary_key_of, sortkey_of

FIXED_ENCODINGS = frozenset({"bytedict", "runlength", "text255", "text32k"})
"""Encodings whose columns cannot change their length (database developer guide, "ALTER TABLE")."""


@dataclass(frozen=True)
class _Pairing:
    """Which column of the table is which column of the schema file.

    `dropped` has no column of an unknown type: no schema file can name its type, so a file without
    the column does not mean that it goes.
    """

    same: tuple[tuple[Column, Column], ...]
    added: tuple[Column, ...]
    dropped: tuple[Column, ...]
    unclear: tuple[UnclearRename, ...]

    def renamed(self, name: str) -> str:
        """Return the name that a column of the table has in the schema file."""
        return next(
            (str(desired.name) for actual, desired in self.same if actual.name == name), name
        )


def diff(actual: sa.Table | None, desired: sa.Table) -> tuple[Change, ...]:
    """Return every difference, in the order of the schema file. Empty if the table matches it."""
    if actual is None:
        return (CreateTable(desired), *_new_comments(desired))
    pairing = _pair(actual, desired)
    columns = tuple(_column_changes(actual, pairing, _new_sortkey(actual, desired, pairing)))
    return (
        *pairing.unclear,
        *_suspected_renames(pairing),
        *columns,
        *_key_changes(actual, desired, pairing, columns),
        *_comment_changes(actual, desired, pairing),
    )


def _pair(actual: sa.Table, desired: sa.Table) -> _Pairing:
    same: list[tuple[Column, Column]] = []
    added: list[Column] = []
    unclear: list[UnclearRename] = []
    for column in desired.columns:
        source = column.info.get("renamed_from")
        name = str(column.name)
        if problem := _rename_problem(actual, desired, name, source):
            unclear.append(problem)
        if name in actual.columns:
            same.append((actual.columns[name], column))
        elif source is not None and not problem:
            same.append((actual.columns[source], column))
        elif not problem:
            added.append(column)
    taken = {column.name for column, _ in same} | {problem.renamed_from for problem in unclear}
    dropped = tuple(
        column
        for column in actual.columns
        if column.name not in taken and unknown_type_of(column) is None
    )
    return _Pairing(tuple(same), tuple(added), dropped, tuple(unclear))


def _rename_problem(
    actual: sa.Table, desired: sa.Table, name: str, source: str | None
) -> UnclearRename | None:
    if source is None or source == name:
        return None
    claims = tuple(
        str(column.name) for column in desired.columns if column.info.get("renamed_from") == source
    )
    if name in actual.columns:
        # An earlier schema file did the rename, unless the table still has the old column and this
        # file does not account for it.
        if source not in actual.columns or source in desired.columns or len(claims) > 1:
            return None
        reason = RENAME_BOTH_EXIST
    elif source not in actual.columns:
        reason = RENAME_SOURCE_MISSING
    elif source in desired.columns:
        reason = RENAME_SOURCE_KEPT
    elif len(claims) > 1:
        reason = RENAME_CLAIMED_TWICE
    else:
        return None
    return UnclearRename(source, name, reason, claims)


def _suspected_renames(pairing: _Pairing) -> Iterator[SuspectedRename]:
    free = list(pairing.dropped)
    for column in pairing.added:
        kind = describe_type(column.type)
        match = next((old for old in free if describe_type(old.type) == kind), None)
        if match is not None:
            free.remove(match)
            yield SuspectedRename(str(match.name), str(column.name), str(kind))


def _column_changes(
    table: sa.Table, pairing: _Pairing, new_sortkey: tuple[str, ...]
) -> Iterator[Change]:
    for actual, desired in pairing.same:
        if (kind := unknown_type_of(actual)) is not None:
            yield from _unknown_changes(actual, desired, kind)
            continue
        if actual.name != desired.name:
            yield RenameColumn(str(actual.name), str(desired.name))
        encoding = "raw" if desired.name in new_sortkey else encoding_of(actual)
        yield from _facet_changes(table, actual, desired, encoding)
    for column in pairing.added:
        yield AddColumn(column)
    for column in pairing.dropped:
        yield DropColumn(column)


def _unknown_changes(actual: Column, desired: Column, kind: str) -> Iterator[Change]:
    """Yield what differs of a column that cannot be compared as a whole. The type and the default depend on it."""
    name = str(actual.name)
    if actual.name != desired.name:
        yield ChangeUnknownColumn.rename(name, kind, str(desired.name))
    facets = (
        _identity_facet(actual, desired),
        _nullability_facet(actual, desired),
        _encoding_facet(desired, encoding_of(actual)),
    )
    for facet in facets:
        if facet is not None:
            problem = UNKNOWN_COLUMN_FACET(
                facet=facet.name, actual=facet.actual, desired=facet.desired
            )
            yield ChangeUnknownColumn(name, kind, problem)


def _facet_changes(
    table: sa.Table, actual: Column, desired: Column, encoding: str
) -> Iterator[Change]:
    """Yield one RebuildColumn if a facet cannot be altered in place, else a change per facet.

    `encoding` is the column's once the sort key has changed.
    """
    identity = _identity_facet(actual, desired)
    type_facet = _type_facet(table, actual, desired)
    # Another identity is always refused. Of such a column only the type is compared, because drift
    # reports it.
    others = () if identity else _other_facets(actual, desired, encoding)
    facets = tuple(facet for facet in (type_facet, *others) if facet)
    if any(facet.permission for facet in facets):
        yield RebuildColumn(actual, desired, facets)
    else:
        for facet in facets:
            in_place = WidenColumn if facet.name == "type" else ChangeEncoding
            yield in_place(actual, desired, facet)
    if identity:
        yield ChangeIdentity(actual, desired, identity)


def _identity_facet(actual: Column, desired: Column) -> Facet | None:
    if identity_of(actual) == identity_of(desired):
        return None
    return Facet(str(desired.name), "identity", _identity(actual), _identity(desired))


def _type_facet(table: sa.Table, actual: Column, desired: Column) -> Facet | None:
    kind, desired_kind = describe_type(actual.type), describe_type(desired.type)
    if kind == desired_kind:
        return None
    permission: Permission | None = "retype"
    if conversion(kind, desired_kind) is Conversion.MAY_LOSE:
        permission = "narrow"
    elif are_varchar(kind, desired_kind) and _grows_in_place(table, actual, desired):
        permission = None
    return Facet(str(desired.name), "type", str(kind), str(desired_kind), permission)


def _other_facets(actual: Column, desired: Column, encoding: str) -> Iterator[Facet]:
    if (nullability := _nullability_facet(actual, desired)) is not None:
        yield nullability
    # The default of a column that generates its values is the generator, which no schema file names.
    keeps_generator = is_generated(actual) and desired.server_default is None
    if _parsed_default(actual) != _parsed_default(desired) and not keeps_generator:
        pair = _default(actual), _default(desired)
        yield Facet(str(desired.name), "default", *pair, permission="default")
    if (change := _encoding_facet(desired, encoding)) is not None:
        yield change


def _nullability_facet(actual: Column, desired: Column) -> Facet | None:
    """Return no facet for an identity column. It holds no NULL, but the catalog may call it nullable.

    AWS documents IDENTITY columns as NOT NULL (database developer guide, "CREATE TABLE"); drivers'
    tests show them as nullable in the catalog.
    """
    pair = _nullability(actual), _nullability(desired)
    if pair[0] == pair[1] or is_generated(actual):
        return None
    return Facet(str(desired.name), "nullability", *pair, permission="nullability")


def _encoding_facet(desired: Column, encoding: str) -> Facet | None:
    if not _names_encoding(desired) or encoding == encoding_of(desired):
        return None
    return Facet(str(desired.name), "encoding", encoding, encoding_of(desired))


def _grows_in_place(table: sa.Table, actual: Column, desired: Column) -> bool:
    """Return whether ALTER COLUMN TYPE accepts the column (database developer guide, "ALTER TABLE")."""
    encodings = {encoding_of(actual)}
    if _names_encoding(desired):
        encodings.add(encoding_of(desired))
    return (
        actual.server_default is None
        and actual.name not in primary_key_of(table)
        and not encodings & FIXED_ENCODINGS
    )


def _new_sortkey(actual: sa.Table, desired: sa.Table, pairing: _Pairing) -> tuple[str, ...]:
    """Return the columns of the sort key that the table gets; none if it keeps the key that it has.

    Redshift changes their encoding to RAW (database developer guide, "ALTER TABLE").
    """
    sortkey = tuple(map(pairing.renamed, sortkey_of(actual)))
    return () if sortkey == sortkey_of(desired) else sortkey_of(desired)


def _key_changes(
    actual: sa.Table, desired: sa.Table, pairing: _Pairing, columns: Sequence[Change]
) -> Iterator[Change]:
    key = distkey_of(actual)
    distribution = (diststyle_of(actual), pairing.renamed(key) if key else None)
    desired_distribution = (diststyle_of(desired), distkey_of(desired))
    if desired_distribution[0] != "AUTO" and distribution != desired_distribution:
        style, key = distribution
        yield ChangeDistribution(f"KEY({key})" if key else style, *desired_distribution)
    sortkey, going = tuple(map(pairing.renamed, sortkey_of(actual))), _going(columns)
    if new_sortkey := _new_sortkey(actual, desired, pairing):
        yield ChangeSortKey(sortkey, new_sortkey)
    elif not sortkey_of(desired) and going & set(sortkey):
        yield RemoveSortKey(sortkey, tuple(name for name in sortkey if name in going))
    primary = tuple(map(pairing.renamed, primary_key_of(actual)))
    if primary != primary_key_of(desired):
        yield ChangePrimaryKey(primary, primary_key_of(desired), constraint_name(actual))


def _going(columns: Sequence[Change]) -> set[str]:
    """Return the columns that are dropped or rebuilt."""
    dropped = {str(change.column.name) for change in columns if isinstance(change, DropColumn)}
    rebuilt = {str(each.desired.name) for each in columns if isinstance(each, RebuildColumn)}
    return dropped | rebuilt


def constraint_name(table: sa.Table) -> str | None:
    """Return the name of the primary key.

    For a table that was not read from a catalog: `table_pkey`, as Redshift names it.
    """
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
    for column, desired_column in pairing.same:
        if desired_column.comment is not None and (column.comment or "") != desired_column.comment:
            yield SetColumnComment(desired_column)
    for column in pairing.added:
        if column.comment:
            yield SetColumnComment(column)


def _names_encoding(column: Column) -> bool:
    return bool(column.dialect_options["redshift"].get("encode"))


def _nullability(column: Column) -> str:
    return "nullable" if column.nullable else "not null"


def _parsed_default(column: Column) -> Default:
    return parse_server_default(column.server_default, describe_type(column.type))


def _default(column: Column) -> str:
    value = _parsed_default(column)
    if isinstance(value, DefaultFunction):
        return value.function
    return "none" if value is None else repr(value)


def _identity(column: Column) -> str:
    pair = identity_of(column)
    return f"({pair[0]},{pair[1]})" if pair else "none"
