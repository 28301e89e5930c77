"""Arrival dependencies: what must take effect before an upload.

A data file waits for schema files, a schema file for everything. S3 lists an object as soon as it
exists, so a schema file is found here even before its event is delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etl_core.loading.load_context import LoadContext
from etl_core.loading.locked_ledger import Backlog
from etl_core.loading.messages import (
    EARLIER_UPLOAD_PENDING,
    LEDGER_MISSING,
    NO_SCHEMA,
    SCHEMA_FILE_FAILED,
    SCHEMA_FILE_PENDING,
    SCHEMA_NOT_APPLIED,
)
from etl_core.model.errors import (
    DamagedLedgerError,
    EarlierUploadError,
    EtlError,
    NoSchemaError,
    SchemaNotReadyError,
    ThrottledError,
)
from etl_core.model.lake_key import Action
from etl_core.model.object_versions import ObjectVersion
from etl_core.model.retry_policies import MAX_LOG_READ_ATTEMPTS, MAX_WAIT_ATTEMPTS
from etl_core.model.status import TOOK_EFFECT, UNSETTLED, Status
from etl_core.model.upload import Order
from etl_core.upload_log.entry import LONGEST_WAIT

_NEWEST = 20
_HAVE_ROW = (*TOOK_EFFECT, Status.SUPERSEDED, Status.DUPLICATE)
"""A schema file with one of these statuses has a row in the ledger."""
_REFUSED = (Status.REJECTED, Status.FAILED)


@dataclass(frozen=True)
class PendingSchemaFile:
    """A schema file that is neither in the ledger nor refused.

    `is_logged`: the log has received its event. `order` is its place in arrival order; for a file
    that is not logged, the earliest place that it can have.
    """

    key: str
    order: Order
    is_logged: bool


def pending_schema_files(
    load: LoadContext, backlog: Backlog, version_id: str | None
) -> list[PendingSchemaFile]:
    """Return the table's pending schema files that may apply to data files, without the load's own upload.

    The lake is listed after the pending uploads were read, so a schema file that arrived before one
    of them is found. `version_id` is the version of the load's own upload.
    """
    view = backlog.view
    received = [each.upload for each in backlog.pending if each.key.action is Action.SCHEMA]
    oldest = load.ports.now() - LONGEST_WAIT
    at_arrival = next(iter(view.schema_history(load.upload)), None)
    if at_arrival is not None and at_arrival.order < load.upload.order:
        oldest = max(oldest, at_arrival.landed_at)
    listed = [
        version
        for version in _list_schema_files(load)
        if version.landed_at >= oldest
        and version.id != (load.upload.key, version_id)
        and not view.holds(version.key, version.version_id)
    ]
    looked_up = (_look_up(load, version) for version in listed)
    return [
        *(PendingSchemaFile(upload.key, upload.order, is_logged=True) for upload in received),
        *(each for each in looked_up if each is not None),
    ]


def _list_schema_files(load: LoadContext) -> Sequence[ObjectVersion]:
    """Return the versions of the table's schema files in the lake, in the spelling of the upload's own key."""
    database, _, table_name, _ = load.upload.key.split("/", 3)
    return load.ports.store.list_versions(f"{database}/{Action.SCHEMA}/{table_name}/")


def _look_up(load: LoadContext, version: ObjectVersion) -> PendingSchemaFile | None:
    """Return the version if the log has no final status for it, else None."""
    try:
        logged = load.ports.backlog.find_upload(load.key.table, version)
    except ThrottledError:
        if load.retry_count < MAX_LOG_READ_ATTEMPTS:
            raise
        logged = None
    if logged is None:
        return PendingSchemaFile(version.key, (version.landed_at, "", ""), is_logged=False)
    if logged.status is Status.RECEIVED:
        return PendingSchemaFile(version.key, logged.upload.order, is_logged=True)
    return None


def wait_for_schema_files(load: LoadContext, schema_files: Sequence[PendingSchemaFile]) -> None:
    """Raise SchemaNotReadyError while a schema file that arrived before this data file is pending.

    The load waits at most MAX_WAIT_ATTEMPTS retries for a schema file that is not logged.
    """
    for each in schema_files:
        if each.order < load.upload.order and (
            each.is_logged or load.retry_count < MAX_WAIT_ATTEMPTS
        ):
            raise SchemaNotReadyError(SCHEMA_FILE_PENDING(key=each.key))


def wait_for_earlier_uploads(load: LoadContext, backlog: Backlog, version_id: str | None) -> None:
    """Raise EarlierUploadError, for at most MAX_WAIT_ATTEMPTS retries, while an upload that arrived
    before this schema file is pending.

    Pending data files count only if the table has a schema. Without one they wait for this schema
    file.
    """
    schema_files = pending_schema_files(load, backlog, version_id)
    earlier = [each.key for each in schema_files if each.order < load.upload.order]
    if backlog.view.has_schema:
        earlier += [
            each.upload.key for each in backlog.pending if each.upload.order < load.upload.order
        ]
    if earlier:
        raise EarlierUploadError(EARLIER_UPLOAD_PENDING(key=earlier[0]))


def missing_schema_error(load: LoadContext) -> EtlError:
    """Return the error for a data file whose table has no schema: retryable while a schema file may
    still be applied, a rejection if none was.

    DamagedLedgerError if the log says that one was applied. The ledger must be read once more before
    that is certain: it may just have been applied.
    """
    table = load.key.table
    folders = load.ports.store.schema_folders(table)
    listed = [version for folder in folders for version in load.ports.store.list_versions(folder)]
    newest = sorted(listed, key=lambda version: version.landed_at)[-_NEWEST:]
    found = {each: load.ports.backlog.find_upload(table, each) for each in newest}
    status = {each: None if logged is None else logged.status for each, logged in found.items()}
    if any(each is None or each in UNSETTLED for each in status.values()):
        return SchemaNotReadyError(SCHEMA_NOT_APPLIED(table=table, database=table.database))
    if applied := [each.key for each in newest if status[each] in _HAVE_ROW]:
        return DamagedLedgerError(
            LEDGER_MISSING(table=table, database=table.database, key=applied[-1])
        )
    if refused := [each.key for each in newest if status[each] in _REFUSED]:
        return NoSchemaError(
            SCHEMA_FILE_FAILED(table=table, database=table.database, key=refused[-1])
        )
    return NoSchemaError(NO_SCHEMA(table=table, database=table.database, folder=table.folder))
