"""Uploads of the same bytes under the same key as the upload before them."""

from __future__ import annotations

from etl_core.loading.ledger import LedgerRow
from etl_core.loading.ledger_view import LedgerView
from etl_core.loading.load_context import LoadContext
from etl_core.model.lake_key import Action
from etl_core.model.object_versions import StoredVersion


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
