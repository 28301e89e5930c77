"""Files of uploads that took effect, opened to be loaded again: by a late upload, or by a replay."""

from __future__ import annotations

from dataclasses import replace

from etl_core.csv_files.compression import compression_of
from etl_core.loading.data_file import Part, key_of, open_file, shape_of
from etl_core.loading.ledger import LedgerRow
from etl_core.loading.ledger_view import LedgerView
from etl_core.loading.ports import ObjectStore
from etl_core.loading.quarantine import find_bad
from etl_core.loading.rewritten_files import may_be_rewritten, rewritten
from etl_core.model.upload import Upload


def open_row(
    store: ObjectStore,
    bucket: str,
    row: LedgerRow,
    view: LedgerView,
    deadline: float,
    *,
    pin: bool = False,
) -> Part:
    """Open the file of an upload that took effect, to load it again.

    `view` holds the schema rows since the upload's arrival. Rows that were set aside at the first
    load are set aside again. Raises RejectedError, and LoadTimeoutError at the deadline.
    """
    upload = Upload(bucket, row.s3_key, row.version_id, "", None, row.sequencer, row.landed_at)
    compression = compression_of(row.s3_key)
    file = open_file(store, row.upload_id, store.open(upload), compression, pin=pin)
    history = view.schema_history(upload)
    key = key_of(row.action, history)
    part = Part(file, shape_of(file, history), row.rows_loaded, key)
    at_arrival, in_force = history[0].schema_file, history[-1].schema_file
    if row.rows_quarantined and at_arrival is not None:
        part = replace(part, bad=find_bad(file, part.shape, at_arrival, store, deadline))
    if in_force is not None and may_be_rewritten(part):
        return rewritten(part, in_force, store)
    return part
