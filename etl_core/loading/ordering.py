"""What landed before an upload and has to take effect before it: schema files before data, everything before a schema file.

S3 lists an object as soon as it is there, so that a schema file is seen here also before its event has arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from etl_core.loading.ledger import schema_history
from etl_core.loading.ledger_lock import Found
from etl_core.loading.load_context import LoadContext
from etl_core.model.errors import (
    EarlierUploadError,
    EtlError,
    NoSchemaError,
    SchemaNotReadyError,
    ThrottledError,
)
from etl_core.model.lake_key import Action
from etl_core.model.object_versions import ObjectVersion
from etl_core.model.retry_policies import MAX_LOG_READ_ATTEMPTS, MAX_WAIT_ATTEMPTS
from etl_core.model.status import Status
from etl_core.upload_log.entry import LONGEST_WAIT, LoggedUpload

_NEWEST = 20


@dataclass(frozen=True)
class PendingSchemaFile:
    """A schema file that is neither in the ledger nor refused. `order` is the lowest it can have, when its event was not seen."""

    key: str
    order: tuple[datetime, str, str]
    is_seen: bool


def pending_schema_files(load: LoadContext, found: Found) -> list[PendingSchemaFile]:
    """Those of the table that may govern data and are still to be settled, without the upload in hand.

    Listed after the look at who waits, so that a schema file that landed before one of these is seen.
    """
    received = [each.upload for each in found.pending if each.key.action is Action.SCHEMA]
    known = {(row.s3_key, row.version_id) for row in found.rows} | {
        (load.upload.key, load.version_id)
    }
    oldest = load.ports.now() - LONGEST_WAIT
    governing = next(iter(schema_history(found.rows, load.upload)), None)
    if governing is not None and governing.order < load.upload.order:
        oldest = max(oldest, governing.landed_at)
    listed = [
        version
        for version in _list_schema_files(load)
        if version.landed_at >= oldest and version.id not in known
    ]
    looked_up = (_look_up(load, version) for version in listed)
    return [
        *(PendingSchemaFile(upload.key, upload.order, is_seen=True) for upload in received),
        *(each for each in looked_up if each is not None),
    ]


def _list_schema_files(load: LoadContext) -> Sequence[ObjectVersion]:
    """Those of the table that lie in the lake, in the spelling of the upload's own key."""
    database, _, table_name, _ = load.upload.key.split("/", 3)
    return load.ports.store.list_versions(f"{database}/{Action.SCHEMA}/{table_name}/")


def _look_up(load: LoadContext, version: ObjectVersion) -> PendingSchemaFile | None:
    """What the log knows of a version in the lake; None when it has its answer."""
    try:
        logged = load.ports.backlog.find_upload(load.key.table, version)
    except ThrottledError:
        if load.retry_count < MAX_LOG_READ_ATTEMPTS:
            raise
        logged = None
    if logged is None:
        return PendingSchemaFile(version.key, (version.landed_at, "", ""), is_seen=False)
    if logged.status is Status.RECEIVED:
        return PendingSchemaFile(version.key, logged.upload.order, is_seen=True)
    return None


def wait_for_schema_files(load: LoadContext, schema_files: Sequence[PendingSchemaFile]) -> None:
    """Raises SchemaNotReadyError while a schema file that landed before this data file is open; one that nobody has seen, for
    MAX_WAIT_ATTEMPTS tries."""
    for each in schema_files:
        if each.order < load.upload.order and (
            each.is_seen or load.retry_count < MAX_WAIT_ATTEMPTS
        ):
            raise SchemaNotReadyError(
                f"the schema file {each.key!r} landed before this file and has no answer yet. See the log of its upload; "
                "when it has one, upload this file again"
            )


def wait_for_earlier_uploads(load: LoadContext, found: Found) -> None:
    """Raises EarlierUploadError, for MAX_WAIT_ATTEMPTS tries, when something landed before this schema file and is not done yet.

    Data waits behind it only for a table that has a schema: without one it waits for this very file.
    """
    if load.retry_count >= MAX_WAIT_ATTEMPTS:
        return
    earlier = [
        each.key for each in pending_schema_files(load, found) if each.order < load.upload.order
    ]
    if any(row.schema_file is not None for row in found.rows):
        earlier += [
            each.upload.key for each in found.pending if each.upload.order < load.upload.order
        ]
    if earlier:
        raise EarlierUploadError(
            f"{earlier[0]!r} landed before this schema file and has no answer yet"
        )


def without_schema(load: LoadContext) -> EtlError:
    """The answer to a data file whose table has no schema: to wait while a schema file may still be applied, else a rejection."""
    table = load.key.table
    folders = load.ports.store.schema_folders(table)
    listed = [version for folder in folders for version in load.ports.store.list_versions(folder)]
    newest = sorted(listed, key=lambda version: version.landed_at)[-_NEWEST:]
    if not all(_is_refused(load.ports.backlog.find_upload(table, version)) for version in newest):
        return SchemaNotReadyError(
            f"no schema is in force for {table} in {table.database}, though a schema file for it lies in the lake: it is "
            "not applied yet. See the log of its upload; when it is applied, upload this file again"
        )
    if newest:
        return NoSchemaError(
            f"no schema is in force for {table} in {table.database}: its schema file {newest[-1].key!r} was refused. See the "
            "log of that upload; upload it again corrected, then this file"
        )
    return NoSchemaError(
        f"no schema is in force for {table} in {table.database}: upload a schema file to "
        f"{table.database}/schema/{table.folder}/schema.json first, then this file again"
    )


def _is_refused(logged: LoggedUpload | None) -> bool:
    return logged is not None and logged.status in (Status.REJECTED, Status.FAILED)
