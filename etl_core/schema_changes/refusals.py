"""Which changes are refused, and what to do instead. Pure.

A change is refused if Redshift cannot make it in place, or if it would change or lose values and
the schema file does not allow that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from etl_core.model.lake_key import Action
from etl_core.model.messages import Message
from etl_core.schema_changes.changes import (
    AddColumn,
    Change,
    ChangeClass,
    ChangeDistribution,
    ChangeIdentity,
    ChangeSortKey,
    ChangeUnknownColumn,
    Column,
    DropColumn,
    Facet,
    Permission,
    RebuildColumn,
    RemoveSortKey,
    RenameColumn,
    SuspectedRename,
    UnclearRename,
    identity_of,
    is_generated,
)
from etl_core.schema_changes.conversions import Conversion, are_varchar, conversion
from etl_core.schema_changes.messages import (
    ADOPTION_CHANGES_TABLE,
    COLUMN_OF_UNKNOWN_TYPE,
    COLUMN_OF_VIEW,
    DEFAULT_NOT_ALLOWED,
    DISTKEY_COLUMN_KEPT,
    DROP_NOT_ALLOWED,
    IDENTITY_COLUMN_REBUILT,
    IDENTITY_ONLY_IN_NEW_TABLE,
    KEY_OF_NEW_COLUMN,
    NARROW_NOT_ALLOWED,
    NEW_COLUMN_NOT_NULL,
    NO_CONVERSION,
    NULLABILITY_NOT_ALLOWED,
    REBUILD_NOT_NULL_OTHER,
    REBUILD_NOT_NULL_PRIMARY_KEY,
    REBUILD_NOT_NULL_RETYPE,
    REBUILD_TOO_LARGE,
    RENAME_OR_DROP,
    REPLACEMENT_NOT_ALLOWED,
    REPLACEMENT_SCHEMA_IN_FORCE,
    RETYPE_NOT_ALLOWED,
    SORTKEY_COLUMN_KEPT,
    join_lines,
)
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import distkey_of, diststyle_of, primary_key_of, sortkey_of

_NOT_ALLOWED: dict[Permission, Message] = {
    "retype": RETYPE_NOT_ALLOWED,
    "nullability": NULLABILITY_NOT_ALLOWED,
    "default": DEFAULT_NOT_ALLOWED,
    "drop": DROP_NOT_ALLOWED,
    "narrow": NARROW_NOT_ALLOWED,
}
_ADOPTION_CLASSES = frozenset({ChangeClass.SAFE, ChangeClass.WIDEN})


@dataclass(frozen=True)
class Refusal:
    """A change that is not made: what differs, the rule that forbids it, and the fix."""

    message: str
    detail: str
    hint: str

    @classmethod
    def of(cls, difference: Change | Facet | str, rule: Message, **fields: Any) -> Refusal:
        """Return the refusal of a difference by a rule. `fields` are the fields of the rule."""
        return cls(str(difference), rule.text.format(**fields), rule.fix.format(**fields))

    def __str__(self) -> str:
        return f"{self.message}. {self.detail}. {self.hint}"


def refuse(
    actual: sa.Table | None, desired: sa.Table, changes: Sequence[Change], allowed: Collection[str]
) -> Iterator[Refusal]:
    """Yield a refusal for each reason against the changes.

    `allowed` is the file's allowed_changes.
    """
    if actual is None:
        return
    if unclear := [change for change in changes if isinstance(change, UnclearRename)]:
        # All other differences depend on which column is which.
        yield from map(_refuse_rename, unclear)
        return
    rebuilds = [change for change in changes if isinstance(change, RebuildColumn)]
    for change in changes:
        yield from _refuse_without_permission(change, allowed)
        yield from _refuse_impossible(change, changes)
    for rebuild in rebuilds:
        yield from _refuse_rebuild(rebuild, primary_key_of(actual))
    keys = _remaining_keys(actual, desired, changes)
    for change in changes:
        yield from _refuse_key_column(change, keys)


def refuse_adoption(changes: Sequence[Change]) -> Iterator[Refusal]:
    """Yield why a table that the pipeline did not create is not taken over.

    Others may use such a table, so that the loader makes only changes that do not disturb them.
    """
    for change in changes:
        if change.change_class not in _ADOPTION_CLASSES:
            yield Refusal.of(change, ADOPTION_CHANGES_TABLE)


def refuse_replacement(in_force: SchemaFile | None, spec: SchemaFile) -> Iterator[Refusal]:
    """Yield why the schema file in force cannot be replaced.

    The same file again is always accepted.
    """
    if (
        in_force is None
        or in_force.says_the_same(spec)
        or Action.SCHEMA in in_force.allowed_operations
    ):
        return
    allowed = ", ".join(in_force.allowed_operations) or "none"
    situation = REPLACEMENT_SCHEMA_IN_FORCE(version=in_force.schema_version, allowed=allowed)
    yield Refusal.of(situation, REPLACEMENT_NOT_ALLOWED)


def refuse_column_of_view(used_by_view: str) -> Refusal:
    """Return the refusal to change a column of a view.

    `used_by_view` says which column and which view.
    """
    return Refusal.of(used_by_view, COLUMN_OF_VIEW)


def refuse_large_rebuilds(changes: Sequence[Change], rows: int, limit: int) -> Iterator[Refusal]:
    """Yield a refusal for each column that would be rebuilt although the table has more than `limit` rows."""
    for change in changes if rows > limit else ():
        if isinstance(change, RebuildColumn):
            yield Refusal.of(change, REBUILD_TOO_LARGE, rows=rows, limit=limit)


def describe_refusals(refusals: Sequence[Refusal]) -> str:
    """Return the refusals (at least one) in a few sentences: a rule and its fix once, after what differs."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for refusal in refusals:
        groups.setdefault((refusal.detail, refusal.hint), {})[refusal.message] = None
    first, *others = (
        f"{join_lines(tuple(messages))}. {detail}. {hint}"
        for (detail, hint), messages in groups.items()
    )
    return ". ".join([first, *(text[:1].upper() + text[1:] for text in others)])


def _refuse_rename(change: UnclearRename) -> Refusal:
    return Refusal.of(
        change,
        change.reason,
        renamed_from=change.renamed_from,
        column=change.desired,
        claims=", ".join(map(repr, change.claims)),
    )


def _refuse_without_permission(change: Change, allowed: Collection[str]) -> Iterator[Refusal]:
    if isinstance(change, DropColumn) and change.permission not in allowed:
        yield Refusal.of(change, _NOT_ALLOWED[change.permission])
    if isinstance(change, RebuildColumn):
        for facet in change.facets:
            if facet.permission and facet.permission not in allowed:
                yield Refusal.of(facet, _NOT_ALLOWED[facet.permission])


def _refuse_impossible(change: Change, changes: Sequence[Change]) -> Iterator[Refusal]:
    match change:
        case SuspectedRename(dropped=dropped):
            yield Refusal.of(change, RENAME_OR_DROP, dropped=dropped)
        case ChangeUnknownColumn():
            yield Refusal.of(change, COLUMN_OF_UNKNOWN_TYPE)
        case ChangeIdentity():
            yield Refusal.of(change, IDENTITY_ONLY_IN_NEW_TABLE)
        case AddColumn(column=column) if identity_of(column) is not None:
            yield Refusal.of(change, IDENTITY_ONLY_IN_NEW_TABLE)
        case AddColumn(column=column) if _needs_default(column):
            yield Refusal.of(change, NEW_COLUMN_NOT_NULL)
        case ChangeDistribution(key=str(key)):
            yield from _refuse_key_of_new_column(change, [key], changes)
        case ChangeSortKey(desired=names):
            yield from _refuse_key_of_new_column(change, names, changes)
        case _:
            pass


def _needs_default(column: Column) -> bool:
    return not column.nullable and column.server_default is None


def _refuse_key_of_new_column(
    change: Change, names: Sequence[str], changes: Sequence[Change]
) -> Iterator[Refusal]:
    """Keys are altered before the transaction that adds and rebuilds columns."""
    added = {str(each.column.name) for each in changes if isinstance(each, AddColumn)}
    rebuilt = {str(each.desired.name) for each in changes if isinstance(each, RebuildColumn)}
    for name in names:
        if name in added | rebuilt:
            yield Refusal.of(change, KEY_OF_NEW_COLUMN, column=name)


def _refuse_rebuild(change: RebuildColumn, primary_key: tuple[str, ...]) -> Iterator[Refusal]:
    """A rebuild adds a column: what cannot be added cannot be rebuilt."""
    actual, desired = describe_type(change.actual.type), describe_type(change.desired.type)
    if conversion(actual, desired) is Conversion.NONE:
        yield Refusal.of(change, NO_CONVERSION, actual=actual, desired=desired)
    if identity_of(change.actual) is not None or is_generated(change.actual):
        yield Refusal.of(change, IDENTITY_COLUMN_REBUILT)
    elif _needs_default(change.desired):
        in_primary_key = change.actual.name in primary_key
        yield Refusal.of(change, _rule_of_not_null(change, in_primary_key=in_primary_key))


def _rule_of_not_null(change: RebuildColumn, *, in_primary_key: bool) -> Message:
    permissions = {facet.permission for facet in change.facets if facet.permission}
    if permissions != {"retype"}:
        return REBUILD_NOT_NULL_OTHER
    if not in_primary_key:
        return REBUILD_NOT_NULL_RETYPE
    if are_varchar(describe_type(change.actual.type), describe_type(change.desired.type)):
        return REBUILD_NOT_NULL_PRIMARY_KEY
    return REBUILD_NOT_NULL_OTHER


def _remaining_keys(
    actual: sa.Table, desired: sa.Table, changes: Sequence[Change]
) -> dict[str, Message]:
    """Return the rule for each column of the keys that the table keeps or gets, by its name in the schema file."""
    names = {each.actual: each.desired for each in changes if isinstance(each, RenameColumn)}
    sortkey = sortkey_of(desired) or tuple(names.get(part, part) for part in sortkey_of(actual))
    if any(isinstance(change, RemoveSortKey) for change in changes):
        sortkey = ()
    keys = dict.fromkeys(sortkey, SORTKEY_COLUMN_KEPT)
    if diststyle_of(desired) == "AUTO" and (key := distkey_of(actual)):
        keys[names.get(key, key)] = DISTKEY_COLUMN_KEPT
    elif key := distkey_of(desired):
        keys[key] = DISTKEY_COLUMN_KEPT
    return keys


def _refuse_key_column(change: Change, keys: dict[str, Message]) -> Iterator[Refusal]:
    if isinstance(change, DropColumn):
        name = str(change.column.name)
    elif isinstance(change, RebuildColumn):
        name = str(change.desired.name)
    else:
        return
    if name in keys:
        yield Refusal.of(change, keys[name])
