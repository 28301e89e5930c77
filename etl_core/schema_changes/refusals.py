"""Which changes are not made, and what to do instead. Pure.

Two kinds: what Redshift cannot do to a table in place, and what would change or lose values without the schema file saying so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from etl_core.model.lake_key import Action
from etl_core.schema_changes.changes import (
    AddColumn,
    Change,
    ChangeClass,
    ChangeDefault,
    ChangeDistribution,
    ChangeIdentity,
    ChangeNullability,
    ChangeSortKey,
    Column,
    DropColumn,
    NarrowColumn,
    Permission,
    Rebuild,
    RenameColumn,
    RetypeColumn,
    SuspectedRename,
    UnclearRename,
    identity_of,
)
from etl_core.schema_changes.conversions import Conversion, conversion
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import distkey_of, diststyle_of, primary_key_of, sortkey_of

_NEW_TABLE = "make a table of another name and copy the rows"
_LOSSES: dict[Permission, str] = {
    "retype": "another type means that every row is written anew",
    "nullability": "another nullability means that every row is written anew",
    "default": "another default means that every row is written anew",
    "drop": "the column's data would be lost",
    "narrow": "values may not fit the new type, or lose digits, time or zone",
}
_BY_ADOPTION = frozenset({ChangeClass.SAFE, ChangeClass.WIDEN})


@dataclass(frozen=True)
class Refusal:
    """A change that is not made: what was found, the rule, the way out."""

    found: str
    rule: str
    hint: str

    def __str__(self) -> str:
        return f"{self.found}; {self.rule}: {self.hint}"


def refuse(
    actual: sa.Table | None, desired: sa.Table, changes: Sequence[Change], allowed: Collection[str]
) -> Iterator[Refusal]:
    """Why the changes cannot be made; nothing when they can. `allowed` is the file's allowed_changes."""
    if actual is None:
        return
    if unclear := [change for change in changes if isinstance(change, UnclearRename)]:
        # Everything else that was found depends on which column is which.
        yield from (Refusal(str(change), change.rule, change.hint) for change in unclear)
        return
    rebuilt = {
        str(change.desired.name): change for change in changes if isinstance(change, Rebuild)
    }
    for change in changes:
        if isinstance(change, DropColumn | Rebuild) and change.permission not in allowed:
            yield _without_leave(change, change.permission)
        yield from _impossible(change, changes, rebuilt)
    kept = _keys_kept(actual, desired, changes)
    for change in rebuilt.values():
        yield from _unbuildable(change, primary_key_of(actual))
    for change in changes:
        yield from _of_keys(change, kept)


def refuse_adoption(changes: Sequence[Change]) -> Iterator[Refusal]:
    """Why a table that the pipeline did not make is not taken over. It may be in use elsewhere: only what disturbs nobody is done."""
    for change in changes:
        if change.change_class not in _BY_ADOPTION:
            yield Refusal(
                str(change),
                "the table was not made by this pipeline, and such a table is taken over only as it is, with new columns, or with "
                "longer texts",
                "upload a schema file that describes the table as it is, then one that changes it",
            )


def refuse_replacement(in_force: SchemaFile | None, spec: SchemaFile) -> Iterator[Refusal]:
    """Why the schema file in force does not let another one take its place. The file itself asks for nothing, so that it needs no leave."""
    if in_force is None or in_force == spec or Action.SCHEMA in in_force.allowed_operations:
        return
    allowed = ", ".join(in_force.allowed_operations) or "none"
    yield Refusal(
        f"the schema in force (version {in_force.schema_version}) allows {allowed}",
        "only a schema that lists schema can be replaced by a later one",
        "make a table of another name, with a schema file that lists schema",
    )


def describe_refusals(refusals: Sequence[Refusal]) -> str:
    """All of them in a few sentences: what falls under one rule is told together."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for refusal in refusals:
        groups.setdefault((refusal.rule, refusal.hint), {})[refusal.found] = None
    return ". ".join(
        f"{'; '.join(found)}; {rule}: {hint}" for (rule, hint), found in groups.items()
    )


def _without_leave(change: Change, permission: Permission) -> Refusal:
    return Refusal(
        str(change), _LOSSES[permission], f'list "{permission}" in allowed_changes if that is meant'
    )


def _impossible(
    change: Change, changes: Sequence[Change], rebuilt: dict[str, Rebuild]
) -> Iterator[Refusal]:
    match change:
        case SuspectedRename(dropped=dropped):
            yield Refusal(
                str(change),
                "that looks like one column under another name",
                f'give the new column "renamed_from": "{dropped}", or drop and add with two schema files, one after the other',
            )
        case ChangeIdentity():
            yield Refusal(str(change), "Redshift gives an identity only to a new table", _NEW_TABLE)
        case AddColumn(column=column):
            yield from _unaddable(change, column)
        case ChangeDistribution(key=key):
            yield from _not_there_yet(change, [key] if key else [], changes, rebuilt)
        case ChangeSortKey(desired=names):
            yield from _not_there_yet(change, names, changes, rebuilt)
        case _:
            pass


def _unaddable(change: Change, column: Column) -> Iterator[Refusal]:
    if identity_of(column) is not None:
        yield Refusal(
            str(change), "Redshift gives an identity only to the columns of a new table", _NEW_TABLE
        )
    elif not column.nullable and column.server_default is None:
        yield Refusal(
            str(change),
            "a column that is added as NOT NULL needs a default",
            "give it a default, or make it nullable",
        )


def _not_there_yet(
    change: Change, names: Sequence[str], changes: Sequence[Change], rebuilt: dict[str, Rebuild]
) -> Iterator[Refusal]:
    """Keys are altered before the transaction, when the columns that it makes are not there."""
    new = {
        str(other.column.name) for other in changes if isinstance(other, AddColumn)
    } | rebuilt.keys()
    for name in names:
        if name in new:
            yield Refusal(
                str(change),
                f"the column {name!r} is only made by the same schema file",
                "name the key in a later schema file",
            )


def _unbuildable(change: Rebuild, primary_key: tuple[str, ...]) -> Iterator[Refusal]:
    """A column is made anew by adding one; what cannot be added cannot be made anew."""
    here, wanted = change.actual, change.desired
    if conversion(describe_type(here.type), describe_type(wanted.type)) is Conversion.NONE:
        yield Refusal(
            str(change),
            "Redshift has no such conversion",
            "add a column of the new type under another name, and fill it",
        )
    if identity_of(here) is not None:
        yield Refusal(str(change), "an identity column cannot be made anew", _NEW_TABLE)
    elif not wanted.nullable and wanted.server_default is None:
        yield Refusal(
            str(change),
            "Redshift alters this only by adding the column anew, and a column added as NOT NULL needs a default",
            _way_out_of_not_null(change, here.name in primary_key),
        )


def _way_out_of_not_null(change: Rebuild, in_primary_key: bool) -> str:  # noqa: FBT001
    if isinstance(change, RetypeColumn) and in_primary_key:
        return f"give it a default, or leave primary_key out, change the type, then name it again; or {_NEW_TABLE}"
    if isinstance(change, ChangeNullability | ChangeDefault | NarrowColumn):
        return f"leave it as it is, give it a default, or {_NEW_TABLE}"
    return f"give it a default, make it nullable, or {_NEW_TABLE}"


def _keys_kept(actual: sa.Table, desired: sa.Table, changes: Sequence[Change]) -> dict[str, str]:
    """The columns of the keys that the table will still have, by the names they will have."""
    names = {
        change.actual: change.desired for change in changes if isinstance(change, RenameColumn)
    }
    kept: dict[str, str] = {}
    sortkey = sortkey_of(desired) or tuple(names.get(part, part) for part in sortkey_of(actual))
    kept |= dict.fromkeys(sortkey, "sortkey")
    if diststyle_of(desired) == "AUTO" and (key := distkey_of(actual)):
        kept[names.get(key, key)] = "distkey"
    elif key := distkey_of(desired):
        kept[key] = "distkey"
    return kept


def _of_keys(change: Change, kept: dict[str, str]) -> Iterator[Refusal]:
    if isinstance(change, DropColumn):
        name = str(change.column.name)
    elif isinstance(change, Rebuild):
        name = str(change.desired.name)
    else:
        return
    if name in kept:
        yield Refusal(
            str(change),
            f"the column is the table's {kept[name]}, which Redshift does not drop",
            f"name another {kept[name]} first"
            + (", or a diststyle" if kept[name] == "distkey" else ""),
        )
