"""Messages of loading: why an upload is rejected, fails, or has to wait."""

from __future__ import annotations

from datetime import UTC, datetime

from etl_core.model.messages import Message

WRONG_BUCKET = Message(
    id="key.wrong_bucket",
    when="The event is about an object in a bucket that is not the stack's lake.",
    text="the object is in bucket {bucket!r}; this stack loads only from {lake_bucket!r}",
    fix="Upload the file to {lake_bucket!r}",
    example={"bucket": "other-bucket", "lake_bucket": "my-lake"},
)

SUPERSEDED = Message(
    id="upload.superseded",
    when="A later truncate or schema file took effect before this upload was loaded.",
    text="a later {action} took effect before this upload was loaded: {key!r}, arrived {landed_at:%Y-%m-%dT%H:%M:%SZ}",
    fix="If its content is still needed, upload the file again",
    example={
        "action": "truncate",
        "key": "dev/truncate/orders/all.csv",
        "landed_at": datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC),
    },
)

EMPTY_FILE = Message(
    id="data_file.empty",
    when="The data file has no bytes.",
    text="the file is empty (0 bytes); its first row must name the table's columns",
    fix="Upload a file with a header row",
    example={},
)

ACTION_NOT_ALLOWED = Message(
    id="action.not_allowed",
    when="The schema file that applies to the upload does not list the upload's action.",
    text="the action {action} is not allowed for {table}; the schema in force (version "
    "{schema_version}) allows {allowed}",
    fix="Use an allowed action, or upload a schema file that lists {action} in allowed_operations; "
    "then upload this file again",
    example={
        "action": "truncate",
        "table": "public.orders",
        "schema_version": "1",
        "allowed": "append",
    },
)

UPSERT_NOT_LISTED = Message(
    id="upsert.not_listed",
    when="`etl check --upsert` checks a file for a schema file that does not allow upserts.",
    text="the schema file allows {allowed}; an upsert is refused",
    fix="List upsert in allowed_operations, with a primary_key",
    example={"allowed": "append, truncate, schema"},
)

UPSERT_KEY_NOT_IN_FILE = Message(
    id="upsert.key_not_in_file",
    when="The header of an upsert's file does not name every column of the primary key.",
    text="the file does not have {columns}; an upsert replaces the rows with the same primary key ({key})",
    fix="Add the columns of the primary key to the file",
    example={"columns": "'region'", "key": "id, region"},
)

UPSERT_KEY_REPEATED_AT = Message(
    id="upsert.key_repeated_at",
    when="Two rows of an upsert's file have the same primary key; COPY keeps no order, so neither is the last one.",
    text="lines {first} and {line} have the same primary key: {key} is {value}; a file may have "
    "one row for each key",
    fix="Keep one of the rows, or upload them as two files",
    example={"first": 2, "line": 7, "key": "id", "value": "'42'"},
)

UPSERT_KEY_REPEATED = Message(
    id="upsert.key_repeated",
    when="Rows of an upsert's file have the same primary key, and their lines were not found: the file "
    "is large, or writes one value in several ways.",
    text="several rows have the same primary key: {key} is {value}; a file may have one row for each key",
    fix="Keep one of the rows, or upload them as several files",
    example={"key": "day", "value": "'2026-11-22'"},
)

UPSERT_KEY_EMPTY_AT = Message(
    id="upsert.key_empty_at",
    when="A text column of the primary key is empty in a row of an upsert's file.",
    text="line {line} has an empty text in the primary key ({key}); a key needs a value in each column",
    fix="Write the value, or remove the row",
    example={"line": 7, "key": "code"},
)

UPSERT_KEY_EMPTY = Message(
    id="upsert.key_empty",
    when="A text column of the primary key is empty in a row of an upsert's file, whose line was not found.",
    text="a row has an empty text in the primary key: {key} is {value}; a key needs a value in each column",
    fix="Write the value, or remove the row",
    example={"key": "code, region", "value": "', north'"},
)

UPSERT_KEY_CHANGED = Message(
    id="upsert.key_changed",
    when="An upsert is loaded after a later upsert with another primary key: which rows it would have "
    "replaced before that one is not known.",
    text="this upsert has the primary key ({key}), and a later upsert took effect with ({later_key}): "
    "{file!r}; they cannot be brought into arrival order",
    fix="Upload a truncate with the rows that the table must have",
    example={"key": "id", "later_key": "id, region", "file": "dev/upsert/orders/2.csv"},
)

TABLE_DROPPED = Message(
    id="table.dropped",
    when="The table was dropped in the warehouse after its schema file had been applied.",
    text="{reason}: the table {table} was dropped after its schema file had been applied",
    fix="Upload its schema file again, which creates the table, then upload this file again",
    example={"reason": 'relation "public.orders" does not exist', "table": "public.orders"},
)

TABLE_RENAMED = Message(
    id="table.renamed",
    when="The table does not exist any more, and another one without a ledger has its columns.",
    text="{reason}: the table {table} was renamed or dropped after its schema file had been applied. {others} has "
    "its columns and is not loaded by the pipeline: it may be the same table under another name",
    fix="Rename it back, then send this file again: etl replay --failed. To load into a table under the new name, "
    "upload the schema file and the files there. If it was dropped, upload its schema file again, which creates the "
    "table",
    example={
        "reason": 'relation "public.orders" does not exist',
        "table": "public.orders",
        "others": "public.orders_old",
    },
)

COLUMN_DROPPED_LATER = Message(
    id="header.column_dropped_later",
    when="A later schema file dropped a column of the file before the file was loaded.",
    text="the file names {columns}, which a later schema file dropped before this file was loaded",
    fix="Upload the file again without these columns",
    example={"columns": "'note'"},
)

DROPPED_COLUMN = Message(
    id="header.column_dropped_later.column",
    when="A column of the file was dropped after the file had arrived.",
    text="column {column!r} was dropped after the file had arrived",
    fix="",
    example={"column": "note"},
)

RELOADED_FILE = Message(
    id="truncate.reloaded_file",
    when="An upload that arrived late cannot read one of the files again that arrived after it.",
    text="this {action} arrived late; {key!r} arrived after it and must be loaded again, but cannot be: {reason}",
    fix="",
    example={
        "key": "dev/append/orders/2.csv",
        "action": "truncate",
        "reason": DROPPED_COLUMN.example_text(),
    },
)

SCHEMA_FILE_PENDING = Message(
    id="schema.pending",
    when="A schema file that arrived before the data file has no final status yet.",
    text="the schema file {key!r} arrived before this file and has no final status yet",
    fix="Read the log entry of the schema file; when it has a final status, upload this file again",
    example={"key": "dev/schema/orders/schema.json"},
)

SCHEMA_NOT_APPLIED = Message(
    id="schema.not_applied",
    when="The table has no schema, but the lake holds a schema file for it that is not answered yet.",
    text="no schema is in force for {table} in {database}: a schema file for it is in the lake, "
    "but it is not applied yet",
    fix="Read the log entry of the schema file; when it is applied, upload this file again",
    example={"table": "public.orders", "database": "dev"},
)

SCHEMA_FILE_FAILED = Message(
    id="schema.rejected",
    when="The table has no schema, because its schema file was rejected or failed.",
    text="no schema is in force for {table} in {database}: its schema file {key!r} was rejected or failed",
    fix="Read the log entry of the schema file, correct it and upload it, then upload this file again",
    example={"table": "public.orders", "database": "dev", "key": "dev/schema/orders/schema.json"},
)

NO_SCHEMA = Message(
    id="schema.missing",
    when="The table has no schema, and the lake holds no schema file for it.",
    text="no schema is in force for {table} in {database}: a table needs a schema file before its first data file",
    fix="Upload a schema file to {database}/schema/{folder}/schema.json, then upload this file again",
    example={"table": "public.orders", "database": "dev", "folder": "orders"},
)

EARLIER_UPLOAD_PENDING = Message(
    id="schema.earlier_upload_pending",
    when="An upload that arrived before the schema file has no final status yet.",
    text="{key!r} arrived before this schema file and has no final status yet",
    fix="",
    example={"key": "dev/append/orders/1.csv"},
)

SCHEMA_FILE_EXTENSION = Message(
    id="schema_file.extension",
    when="The name of the schema file does not end in .json.",
    text="the file {file!r} has the wrong extension: schema files end in .json",
    fix="Rename the file and upload it again",
    example={"file": "schema.txt"},
)

SCHEMA_FILE_TOO_LARGE = Message(
    id="schema_file.object_too_large",
    when="The schema file is larger than the limit.",
    text="the schema file has {size:,} bytes; at most {limit:,} bytes are accepted",
    fix="Shorten its descriptions",
    example={"size": 1_200_000, "limit": 1_000_000},
)

SCHEMA_FILE_TOO_LARGE_FOR_LEDGER = Message(
    id="schema_file.too_large_for_ledger",
    when="The compressed schema file does not fit into the ledger.",
    text="the schema file has {size:,} bytes after compression; the ledger stores at most {limit:,} bytes",
    fix="Shorten its descriptions",
    example={"size": 70_000, "limit": 65_535},
)

SCHEMA_ACTION_NOT_ALLOWED = Message(
    id="action.schema_not_allowed",
    when="The schema in force does not allow a later schema file.",
    text="the action schema is not allowed for {table}: {reason}",
    fix="",
    example={"table": "public.orders", "reason": "the schema in force (version 1) allows append"},
)

NOTHING_CHANGED = Message(
    id="schema.change.nothing_changed",
    when="A schema file was refused before any statement was committed.",
    text="Nothing was changed",
    fix="",
    example={},
)

ONLY_AUTOCOMMIT_CHANGES = Message(
    id="schema.change.autocommit_changes",
    when="A schema file was refused after statements that Redshift does not allow inside a transaction.",
    text="Only statements that Redshift does not allow inside a transaction were committed; they "
    "stay and change no values: {statements}",
    fix="",
    example={"statements": 'ALTER TABLE "public"."orders" ALTER COLUMN "name" TYPE VARCHAR(64)'},
)

SCHEMA_CHANGE_REFUSED = Message(
    id="schema.change.refused",
    when="The schema file needs a change that is not possible or not allowed.",
    text="the table {table} cannot be changed to match the schema file: {refusals}. {changed}",
    fix="",
    example={
        "table": "public.orders",
        "refusals": (
            "column 'note' is in the table, but not in the schema file. Dropping it deletes its "
            'data. To drop it, list "drop" in allowed_changes'
        ),
        "changed": NOTHING_CHANGED(),
    },
)

MAINTENANCE_FAILED = Message(
    id="maintenance.failed",
    when="VACUUM or ANALYZE failed after a truncate that replaced many rows. The upload is loaded all the same.",
    text="the rows are loaded, but {statement} failed: {reason}",
    fix="Redshift does it by itself at low load; to do it now, run the statement",
    example={
        "statement": 'VACUUM DELETE ONLY "public"."orders"',
        "reason": "VACUUM is running",
    },
)

MAINTENANCE_NO_TIME = Message(
    id="maintenance.no_time",
    when="The load function had no time left for VACUUM or ANALYZE after a truncate that replaced many rows.",
    text="the rows are loaded, but {seconds} seconds were left, too few for {statement}",
    fix="Redshift does it by itself at low load; to do it now, run the statement",
    example={"statement": 'ANALYZE "public"."orders"', "seconds": 3},
)

MAINTENANCE_LEFT_OUT = Message(
    id="maintenance.left_out",
    when="Other uploads waited for a table after a truncate that replaced many rows, so they went first.",
    text="the rows are loaded, but VACUUM and ANALYZE of {table} were left out after {rows:,} rows were deleted: "
    "other uploads wait for the table",
    fix="Redshift does it by itself at low load",
    example={"table": "public.orders", "rows": 5_000_000},
)

VIEWS_USE_COLUMNS = Message(
    id="schema.change.views",
    when="A view uses a column that the schema file changes or drops.",
    text=(
        "the table {table} cannot be changed to match the schema file: {views}. "
        "Redshift does not change a column that a view is bound to. {changed}"
    ),
    fix=(
        "Drop the view, upload the schema file again, then create the view again "
        "(a view WITH NO SCHEMA BINDING does not prevent changes)"
    ),
    example={
        "table": "public.orders",
        "views": "column 'name' is used by the view public.v_orders",
        "changed": NOTHING_CHANGED(),
    },
)

VIEW_USES_COLUMN = Message(
    id="schema.change.views.column",
    when="A view uses a column that the schema file changes or drops.",
    text="column {column!r} is used by the view {view_schema}.{view}",
    fix="",
    example={"column": "name", "view_schema": "public", "view": "v_orders"},
)

COLUMN_NOT_CHANGED = Message(
    id="schema.change.values.column",
    when="The warehouse refused to convert the values of a column.",
    text="column {column!r} cannot be changed ({why}): {reason}",
    fix="",
    example={
        "column": "name",
        "why": "name becomes integer",
        "reason": 'invalid input syntax for integer: "twelve"',
    },
)

VALUES_NOT_CONVERTED = Message(
    id="schema.change.values",
    when="A column holds a value that its new definition cannot hold.",
    text="{reason}. {changed}",
    fix="Correct the values in the warehouse, or leave the column as it is",
    example={"reason": COLUMN_NOT_CHANGED.example_text(), "changed": NOTHING_CHANGED()},
)

COLUMN_LOSES_VALUE = Message(
    id="schema.change.lost.column",
    when="A text would lose decimals, its time of day or its offset in the new type of its column.",
    text="column {column!r} cannot be changed ({why}): the value {value!r} would become {stored!r}",
    fix="",
    example={
        "column": "price",
        "why": "price: type character varying(20) becomes numeric(10,2)",
        "value": "1.505",
        "stored": "1.51",
    },
)

VALUES_LOST = Message(
    id="schema.change.lost",
    when="A change of a column's type that the file allows with `retype` would lose a part of a value.",
    text="{reason}. {changed}",
    fix='Choose a type that holds the values, or list "narrow" in allowed_changes to lose what does not fit',
    example={"reason": COLUMN_LOSES_VALUE.example_text(), "changed": NOTHING_CHANGED()},
)

LEDGER_ROW_DAMAGED = Message(
    id="ledger.row_damaged",
    when="A row of the table's ledger has a value that the pipeline did not write.",
    text="the table's ledger is damaged: {fault}. Only the pipeline may change a ledger; the file is not at fault",
    fix="Nothing was changed. Restore the row (docs/how-to/operate.md, damaged ledgers), then send "
    "the upload again with etl replay --failed",
    example={
        "fault": "in the row of 'dev/append/orders/a.csv' (upload '9f86d081'), status is 'lost'",
    },
)
LEDGER_ROW_FAULT = Message(
    id="ledger.row_damaged.fault",
    when="A row of a ledger has a value that the pipeline did not write.",
    text="in the row of {key!r} (upload {upload_id!r}), {column} is {value}",
    fix="",
    example={
        "key": "dev/schema/orders/schema.json",
        "upload_id": "9f86d081884c7d659a2feaa0c55ad015",
        "column": "schema_file",
        "value": "'{garbage'",
    },
)
LEDGER_DROPPED = Message(
    id="ledger.dropped",
    when="Another session dropped the table's ledger while the load created it.",
    text="the ledger of {table} was dropped while it was being created",
    fix="Upload the schema file again",
    example={"table": "public.orders"},
)

LEDGER_MISSING = Message(
    id="ledger.missing",
    when="A data file arrives for a table whose ledger does not exist or is empty, although the log knows a schema "
    "file that was applied.",
    text="the ledger of {table} in {database} does not exist or is empty, although the log says that the schema file "
    "{key!r} was applied: the ledger was dropped or emptied, or the warehouse was restored from a snapshot. The file "
    "is not at fault",
    fix="Upload the schema file again; if the table has rows of earlier files, its answer says how to keep them. Then "
    "send this file again: etl replay --failed --database {database} --table {table}",
    example={"table": "public.orders", "database": "dev", "key": "dev/schema/orders/schema.json"},
)

LEDGER_FORGOTTEN = Message(
    id="ledger.forgotten",
    when="A schema file arrives for a table whose ledger is empty, and the log knows files that were loaded into it.",
    text="{table} exists and its ledger is empty, but the log knows files that were loaded into it, such as "
    "{key!r}: the ledger was dropped or emptied, or the warehouse was restored from a snapshot",
    fix="If the table has the rows of these files, write the ledger again: etl reconcile --database {database} "
    "--table {table} --adopt; then send the schema file again: etl replay --failed --database {database} --table "
    "{table}. If it has not, drop the table first",
    example={
        "table": "public.orders",
        "database": "dev",
        "key": "dev/append/orders/2026-11-22.csv",
    },
)

LEDGER_FORMAT_UNKNOWN = Message(
    id="ledger.format_unknown",
    when="A later version of the loader wrote to the table's ledger, and an earlier one runs now.",
    text="the ledger row of {key!r} has the format {format}; this version of the loader reads formats up to {known}",
    fix="Deploy the later version again, then upload this file again",
    example={"key": "dev/append/orders/1.csv", "format": 3, "known": 2},
)

TABLE_KEEPS_CHANGING = Message(
    id="schema.change.concurrent",
    when="Another session alters the table while the schema file is applied.",
    text="another session is altering the table {table}: it changed {rounds} times while the schema file was applied",
    fix="Upload the schema file again when the other session has ended",
    example={"table": "public.orders", "rounds": 3},
)

MARKER_FILE = Message(
    id="upload.marker_file",
    when="The name of a file begins with _ or a dot, as other tools name files beside their data. It is ignored.",
    text="the name of the file {file!r} begins with _ or a dot: such files are ignored",
    fix="",
    example={"file": "_SUCCESS"},
)

REPEATED_LOADED = Message(
    id="upload.repeated",
    when="The same bytes arrived again under the same key, and were loaded again.",
    text="the same bytes were uploaded under this key before, at {landed_at}, and are in the table: the rows are there "
    "twice now",
    fix='If that is not intended, set csv.on_repeat to "skip" in the schema file',
    example={"landed_at": "2026-11-22T09:30:00Z"},
)

REPEATED_SKIPPED = Message(
    id="upload.repeat_skipped",
    when="The same bytes arrived again under the same key, and csv.on_repeat is skip.",
    text='the same bytes were uploaded under this key before, at {landed_at}; csv.on_repeat is "skip"',
    fix="",
    example={"landed_at": "2026-11-22T09:30:00Z"},
)

COPY_REFUSED = Message(
    id="copy.refused",
    when="COPY refused the file and the warehouse gave no details.",
    text="{reason}. Nothing was loaded; the table is unchanged",
    fix="Correct the file and upload it again",
    example={"reason": "Load into table 'orders' failed"},
)

COPY_REFUSED_ROW = Message(
    id="copy.refused_row",
    when="COPY refused a row of the file. The upload is at fault.",
    text="the warehouse refused a row of the file: {row}. Nothing was loaded; the table is unchanged",
    fix="{fix}",
    example={
        "row": "line 3, column 'id', value 'x7': is not a whole number",
        "fix": "Correct the file and upload it again",
    },
)

CORRECT_FILE = Message(
    id="copy.correct_file",
    when="No likely cure of a refused row is known.",
    text="Correct the file and upload it again",
    fix="",
    example={},
)

VALUES_REFUSED = Message(
    id="copy.values_refused",
    when="COPY would load values of the file, but not as they are written, and the schema file refuses that.",
    text="the file has {count:,} values that would not load as they are written: {finding}. Nothing was loaded; "
    "the table is unchanged",
    fix="{fix}",
    example={
        "count": 12,
        "finding": "line 2, column 'day', value '03/02/2018': can be read in two ways",
        "fix": 'Set csv.date_format to "DD/MM/YYYY" or "MM/DD/YYYY" in the schema file',
    },
)

SCAN_TIMED_OUT = Message(
    id="copy.scan_timed_out",
    when="A file is so large that the values which COPY cuts off could not be counted in the time of a load.",
    text="the values that COPY cuts off could not be counted in time; the transaction was rolled back and the table is "
    "unchanged",
    fix='Split the file; or set csv.on_lossy to "ignore", and csv.date_format and csv.time_format to the format of the '
    "file, in the schema file: then nothing is counted",
    example={},
)

REFUSED_LINE = Message(
    id="copy.refused_row.line",
    when="COPY refused a row as a whole.",
    text="{place}: {reason} (code {code})",
    fix="",
    example={"place": "line 3", "reason": "Extra column(s) found", "code": 1202},
)

REFUSED_COLUMN = Message(
    id="copy.refused_row.column",
    when="COPY refused a value, and the value could not be read from the file.",
    text="{place}, column {column}: {reason} (code {code})",
    fix="",
    example={"place": "line 3", "column": "'id' (int4)", "reason": "Invalid digit", "code": 1207},
)

REFUSED_VALUE = Message(
    id="copy.refused_row.value",
    when="COPY refused a value.",
    text="{place}, column {column}, value {value}: {reason} (code {code})",
    fix="",
    example={
        "place": "line 3",
        "column": "'id' (int4)",
        "value": "'x7'",
        "reason": "Invalid digit",
        "code": 1207,
    },
)

REFUSED_PLACE = Message(
    id="copy.refused_row.place",
    when="The line of a refused row.",
    text="line {line}",
    fix="",
    example={"line": 3},
)

REFUSED_PLACE_UNKNOWN = Message(
    id="copy.refused_row.place_unknown",
    when="The line of a refused row is not known: Redshift splits uncompressed files of 128 MB and more.",
    text="a row whose line is not known, because Redshift read the file in several parts",
    fix="",
    example={},
)

LONG_COPY_CANCELLED = Message(
    id="load.long_copy_cancelled",
    when="The COPY of a large file into a staging table was cancelled, or ran for more than a day.",
    text="the COPY of the file into a staging table ended before it was done: {reason}. A COPY may run for 24 hours",
    fix="The table is unchanged; upload the file again, in several files if it is larger than a day of COPY",
    example={"reason": "Query cancelled on user's request"},
)

LONG_COPY_LOST = Message(
    id="load.long_copy_lost",
    when="It is unknown how the COPY of a large file into a staging table ended.",
    text="it is unknown how the COPY into a staging table ended: {reason}",
    fix="",
    example={"reason": "Query does not exist."},
)

LONG_COPY_OUTDATED = Message(
    id="load.long_copy_outdated",
    when="The file or its table changed while a large file was copied into a staging table.",
    text="while the file was copied into a staging table, the table's schema changed, the file was "
    "overwritten, or the staging table was changed or dropped",
    fix="",
    example={},
)

LONG_COPY_GAVE_UP = Message(
    id="load.long_copy_gave_up",
    when="A large file was copied into a staging table several times, each time in vain.",
    text="the file was copied into a staging table {attempts} times and could not be loaded from it: {reason}",
    fix="The table is unchanged; remove the cause and send the upload again: etl replay --key KEY",
    example={"attempts": 3, "reason": "it is unknown how the COPY ended"},
)

ROWS_WILL_BE_QUARANTINED = Message(
    id="rows.will_be_quarantined",
    when='`etl check` finds rows that do not fit the table, and csv.on_bad_rows is "quarantine".',
    text="{count:,} of {total:,} rows do not fit the table: a load sets them aside and loads the others. "
    "First: {first}",
    fix="Correct them before the upload, or after it in rows.csv of the quarantine",
    example={
        "count": 2,
        "total": 1000,
        "first": "line 3, column 'id', value 'x7': is not a whole number",
    },
)
ROWS_QUARANTINED = Message(
    id="rows.quarantined",
    when='Rows of the file do not fit the table, and csv.on_bad_rows is "quarantine": the others were loaded.',
    text="{count:,} of {total:,} rows do not fit the table and were not loaded: {prefix} has them in rows.csv, and why "
    "in reasons.csv. First: {first}",
    fix="Correct rows.csv and upload it to {action}, before it expires",
    example={
        "action": "append",
        "count": 2,
        "total": 1000,
        "prefix": "s3://lake-work/quarantine/dev/orders/0123456789abcdef0123456789abcdef/",
        "first": "line 3, column 'id', value 'x7': is not a whole number",
    },
)

TOO_MANY_BAD_ROWS = Message(
    id="rows.too_many_bad",
    when="More rows of the file do not fit the table than may be set aside.",
    text="{count} rows do not fit the table: {rule}. First: {first}. Nothing was loaded; the table is unchanged",
    fix="{fix}",
    example={
        "count": "31 of 1,000",
        "rule": "csv.max_bad_rows is 10",
        "first": "line 3, column 'id', value 'x7': is not a whole number",
        "fix": "Correct the file and upload it again",
    },
)

BAD_ROWS_LIMIT = Message(
    id="rows.too_many_bad.limit",
    when="How many bad rows can be set aside, whatever the schema file says.",
    text="at most {rows:,} rows, and {size} MiB of them with their reasons, can be set aside",
    fix="",
    example={"rows": 100_000, "size": 32},
)

ALL_ROWS_BAD = Message(
    id="rows.all_bad",
    when='No row of the file fits the table. Then csv.on_bad_rows "quarantine" does not apply.',
    text="none of the {count:,} rows fits the table: then the file is at fault, and its rows are not set aside. First: "
    "{first}. Nothing was loaded; the table is unchanged",
    fix="{fix}",
    example={
        "count": 12,
        "first": "line 2, column 'id', value 'x7': is not a whole number",
        "fix": "Correct the file and upload it again",
    },
)

QUARANTINE_UNCERTAIN = Message(
    id="rows.quarantine_uncertain",
    when="A row with a faulty quote goes on over several lines, which may be rows of their own.",
    text="a row with a faulty quote goes on over several lines, so it is not certain which rows are bad: {first}. "
    "Nothing was loaded; the table is unchanged",
    fix="{fix}",
    example={
        "first": "line 3: a quote is not closed",
        "fix": "Correct the file and upload it again",
    },
)

QUARANTINE_MISCOUNT = Message(
    id="rows.quarantine_miscount",
    when="The warehouse loaded another number of rows than the file has rows that fit.",
    text="COPY loaded {count:,} rows, but {expected:,} rows of the file fit the table. The transaction was rolled back "
    "and the table is unchanged",
    fix='Report this with the file; set csv.on_bad_rows to "reject" to load files without bad rows',
    example={"count": 998, "expected": 999},
)

QUARANTINE_OTHER_ROWS = Message(
    id="rows.quarantine_other_rows",
    when="A late truncate loads a later file again, and other rows of that file fit the table than at the first load.",
    text="{key!r} arrived later and must be loaded again, but {count:,} of its rows fit the table now and {expected:,} "
    "did when it was loaded. Nothing was loaded; the table is unchanged",
    fix="Upload the truncate again: then it arrives after that file",
    example={"key": "dev/append/orders/a.csv", "count": 998, "expected": 999},
)

QUARANTINE_TIMED_OUT = Message(
    id="rows.quarantine_timed_out",
    when='csv.on_bad_rows is "quarantine", and the rows of a large file could not be checked in the time of a load.',
    text="the rows of the file could not be checked in time; the transaction was rolled back and the table is "
    "unchanged",
    fix='Split the file, or set csv.on_bad_rows to "reject" in the schema file',
    example={},
)
