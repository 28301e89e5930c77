"""Messages about a table that differs from its schema file: differences, refused changes, drift."""

from __future__ import annotations

from collections.abc import Sequence

from etl_core.model.messages import Message

_MOST_LISTED = 5
_COPY_TO_NEW_TABLE = "Create a table with another name and copy the rows"

# Differences: what happened. A refusal adds the rule and the fix.

NEW_TABLE = Message(
    "schema.difference.new_table",
    "The table does not exist yet.",
    "the table {table} is new",
    "",
    {"table": "public.orders"},
)
COLUMN_NOT_IN_TABLE = Message(
    "schema.difference.column_not_in_table",
    "The schema file names a column that the table does not have.",
    "column {column!r} is in the schema file, but not in the table",
    "",
    {"column": "note"},
)
COLUMN_NOT_IN_FILE = Message(
    "schema.difference.column_not_in_file",
    "The table has a column that the schema file does not name.",
    "column {column!r} is in the table, but not in the schema file",
    "",
    {"column": "amount"},
)
COLUMN_RENAMED = Message(
    "schema.difference.column_renamed",
    "A column has a new name, given by `renamed_from`.",
    "column {actual!r} is renamed to {desired!r}",
    "",
    {"actual": "customer", "desired": "customer_name"},
)
COLUMN_DIFFERS = Message(
    "schema.difference.column",
    "The type, nullability, default, identity or encoding of a column differs.",
    "column {column!r}: its {facet} is {actual} in the table and {desired} in the schema file",
    "",
    {"column": "id", "facet": "type", "actual": "integer", "desired": "bigint"},
)
DISTRIBUTION_DIFFERS = Message(
    "schema.difference.distribution",
    "The `diststyle` or `distkey` differs.",
    "the distribution is {actual} in the table and {desired} in the schema file",
    "",
    {"actual": "AUTO", "desired": "KEY(id)"},
)
SORTKEY_DIFFERS = Message(
    "schema.difference.sortkey",
    "The `sortkey` differs.",
    "the sortkey is {actual} in the table and {desired} in the schema file",
    "",
    {"actual": "none", "desired": "(created_at)"},
)
SORTKEY_IN_THE_WAY = Message(
    "schema.difference.sortkey_in_the_way",
    "Columns of the sort key are dropped or rebuilt, and the schema file names no `sortkey`: "
    "Redshift may choose a new one.",
    "the sortkey {actual} of the table has columns that are dropped or rebuilt ({columns}), "
    "and the schema file names none",
    "",
    {"actual": "(created_at)", "columns": "created_at"},
)
PRIMARY_KEY_DIFFERS = Message(
    "schema.difference.primary_key",
    "The `primary_key` differs.",
    "the primary key is {actual} in the table and {desired} in the schema file",
    "",
    {"actual": "none", "desired": "(id)"},
)
TABLE_DESCRIPTION_DIFFERS = Message(
    "schema.difference.table_description",
    "The `description` of the table differs.",
    "the description of the table changes to {description!r}",
    "",
    {"description": "orders of the web shop"},
)
COLUMN_DESCRIPTION_DIFFERS = Message(
    "schema.difference.column_description",
    "The `description` of a column differs.",
    "the description of column {column!r} changes to {description!r}",
    "",
    {"column": "note", "description": "free text"},
)
RENAME_IMPOSSIBLE = Message(
    "schema.difference.rename_impossible",
    "The `renamed_from` of a column cannot be applied. The message continues with the reason.",
    "column {renamed_from!r} cannot be renamed to {column!r}",
    "",
    {"renamed_from": "name", "column": "title"},
)
LOOKS_LIKE_RENAME = Message(
    "schema.difference.looks_like_rename",
    "The schema file leaves out a column and adds one of the same type.",
    "column {dropped!r} is not in the schema file and column {added!r} is new, both of type {type}",
    "",
    {"dropped": "name", "added": "title", "type": "character varying(9)"},
)
UNKNOWN_COLUMN_DIFFERS = Message(
    "schema.difference.unknown_type",
    "The schema file changes a column whose type in the table the loader does not know.",
    "column {column!r} has the type {type!r} in the table, which no schema file can describe, and {problem}",
    "",
    {
        "column": "shape",
        "type": "polygon",
        "problem": "the schema file gives it the name 'outline'",
    },
)
UNKNOWN_COLUMN_RENAMED = Message(
    "schema.difference.unknown_type_renamed",
    "The schema file renames a column whose type the loader does not know. Part of another message.",
    "the schema file gives it the name {desired!r}",
    "",
    {"desired": "outline"},
)
UNKNOWN_COLUMN_RETYPED = Message(
    "schema.difference.unknown_type_retyped",
    "The schema file gives another type to a column whose type in the table the loader does not know. "
    "Part of another message.",
    "its type was {in_force} in the schema file before and is {desired} now",
    "",
    {"in_force": "bigint", "desired": "character varying(9)"},
)
UNKNOWN_COLUMN_FACET = Message(
    "schema.difference.unknown_type_facet",
    "The nullability, identity or encoding of a column differs whose type the loader does not know. "
    "Part of another message.",
    "its {facet} is {actual} in the table and {desired} in the schema file",
    "",
    {"facet": "nullability", "actual": "nullable", "desired": "not null"},
)

# Warnings: what a plan does not compare, or what it may break.

COLUMN_NOT_COMPARED = Message(
    "schema.warning.not_compared",
    "A column of the table has a type that schema files do not have. It is left alone.",
    "column {column!r} has the type {type!r}, which no schema file can describe: it is not compared "
    "with the schema file, and never changed",
    "",
    {"column": "shape", "type": "polygon"},
)
LATE_BINDING_VIEW = Message(
    "schema.warning.late_binding_view",
    "A view WITH NO SCHEMA BINDING names a column that is dropped or renamed. Redshift does not refuse that, "
    "but the next query on the view may fail.",
    "the late-binding view {view_schema}.{view} names the table and column {column!r}, which is dropped or "
    "renamed: create the view again without it",
    "",
    {"view_schema": "public", "view": "orders_by_day", "column": "amount"},
)
LATE_BINDING_VIEWS_NOT_READ = Message(
    "schema.warning.late_binding_views_not_read",
    "The views WITH NO SCHEMA BINDING could not be read before columns were dropped or renamed.",
    "late-binding views could not be checked for the columns that are dropped or renamed ({columns}): {reason}",
    "",
    {"columns": "amount", "reason": "canceling statement due to statement timeout"},
)

# Refusals: the rule and the fix. The difference comes before them.

DROP_NOT_ALLOWED = Message(
    "schema.change.drop",
    "The schema file leaves out a column and does not allow dropping it.",
    "Dropping it deletes its data",
    'To drop it, list "drop" in allowed_changes',
    {},
)
NARROW_NOT_ALLOWED = Message(
    "schema.change.narrow",
    "The new type of a column holds less than its present type, and the schema file does not allow that.",
    "Values may not fit the new type, or may lose digits, the time of day or the time zone",
    'To change it, list "narrow" in allowed_changes',
    {},
)
RETYPE_NOT_ALLOWED = Message(
    "schema.change.retype",
    "A column gets another type, and the schema file does not allow that.",
    "A change of type rewrites every row",
    'To change it, list "retype" in allowed_changes',
    {},
)
NULLABILITY_NOT_ALLOWED = Message(
    "schema.change.nullability",
    "A column allows or forbids NULL from now on, and the schema file does not allow that change.",
    "A change of nullability rewrites every row",
    'To change it, list "nullability" in allowed_changes',
    {},
)
DEFAULT_NOT_ALLOWED = Message(
    "schema.change.default",
    "A column gets another default or none, and the schema file does not allow that.",
    "A change of default rewrites every row",
    'To change it, list "default" in allowed_changes',
    {},
)
RENAME_OR_DROP = Message(
    "schema.change.rename_or_drop",
    "A column that is left out and a new column have the same type: `renamed_from` may be missing.",
    "They look like one column with a new name",
    'To rename the column, give the new one "renamed_from": "{dropped}". '
    "To drop one and add the other, upload two schema files, one after the other",
    {"dropped": "name"},
)
IDENTITY_ONLY_IN_NEW_TABLE = Message(
    "schema.change.identity",
    "A new column has an identity, or the identity of a column differs.",
    "Redshift sets an identity only when it creates the table",
    _COPY_TO_NEW_TABLE,
    {},
)
IDENTITY_COLUMN_REBUILT = Message(
    "schema.change.rebuild_identity",
    "The type, nullability or default of an identity column differs.",
    "Redshift cannot rebuild an identity column",
    _COPY_TO_NEW_TABLE,
    {},
)
NEW_COLUMN_NOT_NULL = Message(
    "schema.change.new_not_null",
    "A new column is NOT NULL and has no default.",
    "A new NOT NULL column needs a default",
    "Give it a default, or make it nullable",
    {},
)
KEY_OF_NEW_COLUMN = Message(
    "schema.change.key_of_new_column",
    "A `distkey` or `sortkey` names a column that the same schema file adds or rebuilds.",
    "The loader alters keys before it adds or rebuilds column {column!r}",
    "Name the key in a later schema file",
    {"column": "created_at"},
)
NO_CONVERSION = Message(
    "schema.change.no_conversion",
    "Redshift cannot convert the values of a column to its new type.",
    "Redshift has no cast from {actual} to {desired}",
    "Add a column of the new type under another name and fill it",
    {"actual": "boolean", "desired": "character varying(5)"},
)
_REBUILD_NEEDS_DEFAULT = (
    "Redshift makes this change only by adding a new column, "
    "and a new NOT NULL column needs a default"
)
REBUILD_NOT_NULL_RETYPE = Message(
    "schema.change.rebuild_not_null",
    "A NOT NULL column without a default gets another type.",
    _REBUILD_NEEDS_DEFAULT,
    "Give it a default, make it nullable, or create a table with another name and copy the rows",
    {},
)
REBUILD_NOT_NULL_PRIMARY_KEY = Message(
    "schema.change.rebuild_primary_key",
    "A NOT NULL VARCHAR column of the primary key gets longer and has no default.",
    _REBUILD_NEEDS_DEFAULT,
    "Give it a default; or remove primary_key, change the type and add primary_key again, each "
    "with a schema file of its own; "
    "or create a table with another name and copy the rows",
    {},
)
REBUILD_NOT_NULL_OTHER = Message(
    "schema.change.rebuild_needs_default",
    "A column becomes NOT NULL, or a NOT NULL column gets shorter or loses its default; it has no default afterwards.",
    _REBUILD_NEEDS_DEFAULT,
    "Leave the column as it is, give it a default, or create a table with another name and copy the rows",
    {},
)
SORTKEY_COLUMN_KEPT = Message(
    "schema.change.sortkey_column",
    "A column of the sort key would be dropped or rebuilt.",
    "Redshift does not drop a column of the sortkey",
    "Name another sortkey first",
    {},
)
DISTKEY_COLUMN_KEPT = Message(
    "schema.change.distkey_column",
    "The column of the distribution key would be dropped or rebuilt.",
    "Redshift does not drop the column of the distkey",
    "Name another distkey or a diststyle first",
    {},
)
RENAME_BOTH_EXIST = Message(
    "schema.rename.both_exist",
    "The table has the old and the new column of a `renamed_from`.",
    "The table has both {renamed_from!r} and {column!r}",
    "Drop or rename one of the two in the warehouse",
    {"renamed_from": "name", "column": "title"},
)
RENAME_SOURCE_MISSING = Message(
    "schema.rename.source_missing",
    "The table has no column with the name that `renamed_from` gives.",
    "The table has no column {renamed_from!r}",
    "To add an empty column, remove renamed_from",
    {"renamed_from": "name"},
)
RENAME_SOURCE_KEPT = Message(
    "schema.rename.source_kept",
    "The schema file still has a column with the name that `renamed_from` gives.",
    "The schema file still has a column {renamed_from!r}",
    "Rename the column in one upload and add the other in a later one",
    {"renamed_from": "name"},
)
RENAME_CLAIMED_TWICE = Message(
    "schema.rename.claimed_twice",
    "Several columns give the same name in `renamed_from`.",
    "The columns {claims} all give {renamed_from!r} in renamed_from",
    "Give it in one column only",
    {"claims": "'title', 'label'", "renamed_from": "name"},
)
TEXTS_READ_MONTH_FIRST = Message(
    "schema.change.month_first",
    "A schema file turns a column of texts into dates or timestamps.",
    "the texts of column {column!r} are cast to {type}, which reads the month first if the year is not: 03/02/2018 "
    "becomes 2 March",
    "Check such values before you rely on the column",
    {"column": "day", "type": "date"},
)
COLUMN_OF_UNKNOWN_TYPE = Message(
    "schema.change.unknown_type",
    "The schema file changes a column whose type in the table the loader does not know.",
    "The loader cannot say what the change would do to the values",
    "Leave the column as it is in the schema file, or change it in the warehouse",
    {},
)
REBUILD_TOO_LARGE = Message(
    "schema.change.rebuild_too_large",
    "A column would be rebuilt, and the table has more rows than the setting `rebuildMaxRows` allows.",
    "A rebuild rewrites every row in one transaction. The table has {rows:,} rows; the limit is {limit:,}",
    "Add a column with another name, fill it in the warehouse part by part, then drop the old one with "
    '"drop" and rename the new one with "renamed_from" (docs/how-to/big-tables.md); '
    "or raise rebuildMaxRows",
    {"rows": 2_000_000_000, "limit": 100_000_000},
)
COLUMN_OF_VIEW = Message(
    "schema.change.view",
    "A view uses a column that would be altered or dropped.",
    "Redshift does not change a column that a view is bound to",
    "Drop the view first, and create it again afterwards",
    {},
)
ADOPTION_CHANGES_TABLE = Message(
    "schema.adoption",
    "A first schema file changes a table that existed before it in a way that could disturb its other users.",
    "This pipeline did not create the table. The loader takes over a table only as it is, with new "
    "columns, or with longer VARCHAR columns",
    "Upload a schema file that describes the table as it is, then one that changes it",
    {},
)
REPLACEMENT_SCHEMA_IN_FORCE = Message(
    "schema.replacement.in_force",
    "The schema in force does not allow a later schema file. The message continues with the rule and the fix.",
    "the schema in force (version {version}) allows {allowed}",
    "",
    {"version": "1", "allowed": "append"},
)
REPLACEMENT_NOT_ALLOWED = Message(
    "schema.replacement",
    "A later schema file arrives, but the schema in force does not list `schema`.",
    'Only a schema that lists "schema" in allowed_operations can be replaced',
    'Create a table with another name, with a schema file that lists "schema"',
    {},
)

# Drift: the table was altered outside of the pipeline.

DRIFT_RENAMED = Message(
    "drift.renamed",
    "The table lacks a column of the schema in force and has another of the same type.",
    "column {desired!r} seems to have been renamed to {actual!r}: both are {type}",
    "",
    {"desired": "name", "actual": "title", "type": "character varying(20)"},
)
_DRIFT = (
    "the table {table} does not match its schema (version {version}): {differences}. Somebody "
    "altered it outside of the pipeline, "
    "and files are loaded only into the table that the schema file describes. Nothing was loaded; "
    "the table is unchanged"
)
TABLE_ALTERED = Message(
    "drift.table_altered",
    "The table was altered outside of the pipeline, and the schema in force allows a later schema file.",
    _DRIFT,
    "To fix this, upload a schema file that describes the table as it is now, or undo the change in the warehouse. "
    "Then upload this file again",
    {
        "table": "public.orders",
        "version": "1",
        "differences": "column 'note' is in the table, but not in the schema file",
    },
)
TABLE_ALTERED_FIXED_SCHEMA = Message(
    "drift.table_altered_fixed_schema",
    "The table was altered outside of the pipeline, and the schema in force allows no later schema file.",
    _DRIFT,
    "To fix this, undo the change in the warehouse. Then upload this file again",
    {
        "table": "public.orders",
        "version": "1",
        "differences": "column 'note' is in the table, but not in the schema file",
    },
)


def join_lines(lines: Sequence[str]) -> str:
    """Return the lines as one; after five of them how many more there are."""
    left_out = len(lines) - _MOST_LISTED
    more = [f"and {left_out} more"] if left_out > 0 else []
    return "; ".join([*lines[:_MOST_LISTED], *more])
