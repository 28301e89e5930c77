"""Ask the ledger what it decided about an upload. Nothing is loaded."""

from __future__ import annotations

import time

from etl_core.loading.ledger_view import Proceed
from etl_core.loading.load_context import LoadContext, Trace
from etl_core.loading.locked_ledger import lock_ledger
from etl_core.loading.messages import WRONG_BUCKET
from etl_core.loading.ports import Ports
from etl_core.model.errors import InvalidKeyError, MissingObjectError, RejectedError
from etl_core.model.function_settings import LoadSettings
from etl_core.model.lake_key import LakeKey
from etl_core.model.upload import Upload
from etl_core.upload_log.outcome import LoadOutcome


def recall(
    upload: Upload, settings: LoadSettings, ports: Ports, seconds: float
) -> LoadOutcome | None:
    """Return the outcome of an upload about which the ledger has decided, None if it has not.

    The ledger is locked first: a load that has not ended holds the lock, so the answer is final.
    Raises RetryableError or LoadFailedError.
    """
    try:
        key = parse_key(upload, settings)
    except RejectedError:
        return None
    load = LoadContext(upload, key, settings, ports, time.monotonic() + seconds)
    candidates = _find_versions(load) if upload.version_id is None else ()
    with ports.warehouse.transaction(key.table.database, load.seconds_left) as transaction:
        locked = lock_ledger(transaction, load, candidates)
        transaction.roll_back()
    if locked is None or isinstance(locked.decision, Proceed):
        return None
    trace = Trace(locked.version_id, settings.work_bucket).with_schema(locked.view, upload)
    return trace.outcome_without_effect(upload, locked.decision)


def parse_key(upload: Upload, settings: LoadSettings) -> LakeKey:
    """Return the parsed key. Raises InvalidKeyError, also for an upload of another bucket."""
    if upload.bucket != settings.lake_bucket:
        raise InvalidKeyError(WRONG_BUCKET(bucket=upload.bucket, lake_bucket=settings.lake_bucket))
    return LakeKey.parse(upload.key, settings.databases)


def _find_versions(load: LoadContext) -> tuple[str, ...]:
    try:
        return load.ports.store.open(load.upload).candidates
    except MissingObjectError:
        return ()
