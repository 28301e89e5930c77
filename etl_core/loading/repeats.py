"""Uploads of the same bytes under the same key as the upload before them."""

from __future__ import annotations

from etl_core.loading.ledger import LedgerRow
from etl_core.loading.ledger_view import LedgerView
from etl_core.loading.load_context import LoadContext
from etl_core.loading.messages import REPEATED_LOADED
from etl_core.model.lake_key import Action
from etl_core.model.object_versions import StoredVersion
from etl_core.model.times import format_utc_time
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.upload_log.outcome import LoadWarning, warnings_of


def find_repeat(load: LoadContext, view: LedgerView, own: StoredVersion) -> LedgerRow | None:
    """Return the ledger row of the earlier append with the same key, size and etag, whose rows are in the table.

    The lake is asked only if there was an earlier append under the key. Raises ThrottledError.
    """
    etag = load.upload.etag or own.etag
    if load.key.action is not Action.APPEND or not etag:
        return None
    row = view.previous_of_key(load.upload)
    if row is None:
        return None
    versions = load.ports.store.list_versions(load.upload.key)
    is_same = any(
        (each.key, each.version_id, each.etag, each.size)
        == (load.upload.key, row.version_id, etag, own.size)
        for each in versions
    )
    return row if is_same else None


def skips_repeats(schema: SchemaFile | None) -> bool:
    """Return whether the schema at arrival says that repeats are not loaded."""
    return schema is not None and schema.csv.on_repeat == "skip"


def warnings_of_repeat(repeated: LedgerRow | None) -> tuple[LoadWarning, ...]:
    """Return the warning of an upload that is loaded although it repeats this one; none for no repeat."""
    if repeated is None:
        return ()
    return warnings_of([REPEATED_LOADED(landed_at=format_utc_time(repeated.landed_at))])
