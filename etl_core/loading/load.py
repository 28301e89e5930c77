"""Load one upload into one table: the use case of the load function, over the ports.

LOCK the target's ledger, read it           -- decides: duplicate, superseded, or proceed under the schema in force
append, truncate: read the catalog          -- the table must match its schema file
                  [DELETE,] COPY            -- from a manifest that names exactly the objects to load
schema:           read the catalog, run the plan from the live table to the schema file
INSERT the ledger rows                      -- in the same transaction
"""

from __future__ import annotations

import time
from dataclasses import replace

from etl_core.loading.load_context import LoadContext
from etl_core.loading.load_data import load_data
from etl_core.loading.load_schema import load_schema
from etl_core.loading.messages import WRONG_BUCKET
from etl_core.loading.ports import Ports
from etl_core.model.errors import EtlError, InvalidKeyError, LoadFailedError, RejectedError
from etl_core.model.function_settings import LoadSettings
from etl_core.model.lake_key import Action, LakeKey
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from etl_core.upload_log.outcome import Failure, LoadOutcome


def load_upload(
    upload: Upload, settings: LoadSettings, ports: Ports, seconds: float, retry_count: int = 0
) -> LoadOutcome:
    """Decide about one upload and load it into its table.

    `seconds` is the time limit; `retry_count` counts earlier attempts. Raises RetryableError if the
    same upload may succeed later. Every other error becomes the outcome.
    """
    started = time.monotonic()
    outcome = _load(upload, settings, ports, started + seconds, retry_count)
    if outcome.version_id is None:
        outcome = replace(outcome, version_id=_version_id(upload, ports))
    return replace(outcome, duration_ms=round((time.monotonic() - started) * 1000))


def _load(
    upload: Upload, settings: LoadSettings, ports: Ports, deadline: float, retry_count: int
) -> LoadOutcome:
    try:
        upload.check_arrival(ports.now())
        key = _parse_key(upload, settings)
    except RejectedError as error:
        return LoadOutcome(Status.REJECTED, version_id=upload.version_id, error=_failure(error))
    load = LoadContext(
        upload, key, settings, ports, deadline, retry_count, version_id=upload.version_id
    )
    try:
        return load_schema(load) if key.action is Action.SCHEMA else load_data(load)
    except RejectedError as error:
        return load.refusal(Status.REJECTED, _failure(error))
    except LoadFailedError as error:
        return load.refusal(Status.FAILED, _failure(error))


def _version_id(upload: Upload, ports: Ports) -> str | None:
    """Return the version of an upload that was refused before its object was read and whose event has no version id."""
    try:
        return ports.store.find_version(upload).version_id
    except EtlError:
        return None


def _parse_key(upload: Upload, settings: LoadSettings) -> LakeKey:
    if upload.bucket != settings.lake_bucket:
        raise InvalidKeyError(WRONG_BUCKET(bucket=upload.bucket, lake_bucket=settings.lake_bucket))
    return LakeKey.parse(upload.key, settings.databases)


def _failure(error: EtlError) -> Failure:
    return Failure(type(error).__name__, error.message, error.details)
