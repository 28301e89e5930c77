"""Load one upload into one table: the use case of the load function, over the ports.

LOCK the target's ledger, read it           -- decides: duplicate, superseded, or proceed under the schema in force
append, truncate: read the catalog          -- the table must match its schema file
                  [DELETE,] COPY            -- from a manifest that names exactly the objects to load
upsert:           COPY into a temporary table, DELETE the rows with its keys, INSERT its rows
schema:           read the catalog, run the plan from the live table to the schema file
INSERT the ledger rows                      -- in the same transaction

After its own upload, the load loads what else is pending for the table (drain.py). If many rows were
replaced, it then vacuums and analyzes the table (maintenance.py).
"""

from __future__ import annotations

import time
from dataclasses import replace

from etl_core.loading.drain import Drain
from etl_core.loading.load_context import LoadContext, LoadResult, failure_of
from etl_core.loading.load_one import load_one
from etl_core.loading.maintenance import is_large_change, maintain
from etl_core.loading.messages import MARKER_FILE
from etl_core.loading.ports import Ports
from etl_core.loading.recall import parse_key, recall
from etl_core.model.errors import (
    EarlierUploadError,
    EtlError,
    MissingObjectError,
    RejectedError,
    SchemaNotReadyError,
)
from etl_core.model.function_settings import LoadSettings
from etl_core.model.lake_key import is_marker_file
from etl_core.model.long_copy import LongCopy
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from etl_core.upload_log.outcome import LoadOutcome, warnings_of


def load_upload(
    upload: Upload,
    settings: LoadSettings,
    ports: Ports,
    seconds: float,
    retry_count: int = 0,
    *,
    long_copy: LongCopy | None = None,
    can_copy_long: bool = False,
    alone: bool = False,
) -> LoadOutcome | LongCopy:
    """Decide about one upload and load it into its table, then load what else is pending for the table.

    `seconds` is the time limit; `retry_count` counts earlier attempts. If the caller can make a long
    copy, the result may be one: the caller runs it and calls again with it. With `alone`, no other
    upload is loaded: one of them may have ended earlier attempts. Raises RetryableError if the same
    upload may succeed later. Every other error becomes the outcome.
    """
    started = time.monotonic()
    try:
        upload.check_arrival(ports.now())
        if is_marker_file(upload.key):
            return _completed(_ignored(upload), upload, ports)
        key = parse_key(upload, settings)
        settings.table_filter.check(key.table)
    except RejectedError as error:
        failure = failure_of(error)
        rejected = LoadOutcome(Status.REJECTED, version_id=upload.version_id, error=failure)
        return _completed(rejected, upload, ports)
    load = LoadContext(
        upload,
        key,
        settings,
        ports,
        started + seconds,
        retry_count,
        long_copy=long_copy,
        can_copy_long=can_copy_long,
        alone=alone,
    )
    drain = Drain(load)
    result = load_one(load) if alone else _load_own(load, drain)
    if isinstance(result, LongCopy):
        return result
    outcome = _completed(_not_forgotten(result.outcome, load), upload, ports)
    if not alone:
        drain.after(replace(result, outcome=outcome))
    return _maintained(outcome, load, drain)


def _ignored(upload: Upload) -> LoadOutcome:
    """Return the outcome of a file that another tool left beside its data."""
    warnings = warnings_of([MARKER_FILE(file=upload.key.rpartition("/")[2])])
    return LoadOutcome(Status.IGNORED, version_id=upload.version_id, warnings=warnings)


def _load_own(load: LoadContext, drain: Drain) -> LoadResult | LongCopy:
    """Load the upload. If it must wait for others that are pending, load these first."""
    try:
        return load_one(load)
    except (SchemaNotReadyError, EarlierUploadError):
        if not drain.before():
            raise
    return load_one(load)


def _maintained(outcome: LoadOutcome, load: LoadContext, drain: Drain) -> LoadOutcome:
    """Return the outcome with what was done for a table of which many rows were replaced, after all answers."""
    if not is_large_change(drain.rows_deleted, load.settings):
        return outcome
    others_wait = drain.finish()
    done = maintain(
        load.key.table,
        drain.rows_deleted,
        load.settings,
        load.ports.warehouse,
        load.seconds_left,
        others_wait=others_wait,
    )
    return replace(
        outcome,
        statements=(*outcome.statements, *done.statements),
        warnings=(*outcome.warnings, *warnings_of(done.warnings)),
    )


def _not_forgotten(outcome: LoadOutcome, load: LoadContext) -> LoadOutcome:
    """Return what the ledger decided about an upload that is refused because its object is gone.

    An earlier load may have ended after COMMIT, and the object been deleted since.
    """
    if outcome.error is None or outcome.error.type != MissingObjectError.__name__:
        return outcome
    return recall(load.upload, load.settings, load.ports, load.seconds_left) or outcome


def _completed(outcome: LoadOutcome, upload: Upload, ports: Ports) -> LoadOutcome:
    """Return the outcome with the version of an upload that was refused before its object was read
    and whose event has no version id.
    """
    if outcome.version_id is not None:
        return outcome
    try:
        return replace(outcome, version_id=ports.store.open(upload).version.version_id)
    except EtlError:
        return outcome
