"""What landed before an upload and has to take effect before it: schema files before data, everything before a schema file.

S3 lists an object as soon as it is there, so that a schema file is seen here also before its event has arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from etl_core.errors import (
    LOG_PATIENCE,
    PATIENCE,
    EarlierUploadError,
    EtlError,
    NoSchemaError,
    SchemaNotReadyError,
    ThrottledError,
)
from etl_core.lake_key import Action
from etl_core.ledger import schema_history
from etl_core.listed import LakeVersion
from etl_core.loading.attempt import Load
from etl_core.loading.ledger_lock import Found
from etl_core.log import LONGEST_WAIT, Status
from etl_core.names import DEFAULT_SCHEMA
from etl_core.ports import LoggedUpload

_NEWEST = 20


@dataclass(frozen=True)
class OpenSchemaFile:
    """A schema file that is neither in the ledger nor refused. `order` is the lowest it can have, when its event was not seen."""

    key: str
    order: tuple[datetime, str, str]
    is_seen: bool


def open_schema_files(load: Load, found: Found) -> list[OpenSchemaFile]:
    """Those of the table that may govern data and are still to be settled, without the upload in hand.

    Listed after the look at who waits, so that a schema file that landed before one of these is seen.
    """
    received = [each.upload for each in found.undecided if each.key.action is Action.SCHEMA]
    known = {(row.s3_key, row.version_id) for row in found.rows} | {(load.upload.key, load.version_id)}
    oldest = load.ports.now() - LONGEST_WAIT
    governing = next(iter(schema_history(found.rows, load.upload)), None)
    if governing is not None and governing.order < load.upload.order:
        oldest = max(oldest, governing.landed_at)
    listed = [
        version for version in _list_schema_files(load) if version.landed_at >= oldest and version.id not in known
    ]
    looked_up = (_look_up(load, version) for version in listed)
    return [
        *(OpenSchemaFile(upload.key, upload.order, is_seen=True) for upload in received),
        *(each for each in looked_up if each is not None),
    ]


def _list_schema_files(load: Load) -> Sequence[LakeVersion]:
    """Those of the table that lie in the lake, in the spelling of the upload's own key."""
    database, _, table_name, _ = load.upload.key.split("/", 3)
    return load.ports.store.list_versions(f"{database}/{Action.SCHEMA}/{table_name}/")


def _look_up(load: Load, version: LakeVersion) -> OpenSchemaFile | None:
    """What the log knows of a version in the lake; None when it has its answer."""
    try:
        logged = load.ports.backlog.find(load.key, version)
    except ThrottledError:
        if load.retry_count < LOG_PATIENCE:
            raise
        logged = None
    if logged is None:
        return OpenSchemaFile(version.key, (version.landed_at, "", ""), is_seen=False)
    if logged.status is Status.RECEIVED:
        return OpenSchemaFile(version.key, logged.upload.order, is_seen=True)
    return None


def wait_for_schema_files(load: Load, schema_files: Sequence[OpenSchemaFile]) -> None:
    """Raises SchemaNotReadyError while a schema file that landed before this data file is open; one that nobody has seen, for
    PATIENCE tries."""
    for each in schema_files:
        if each.order < load.upload.order and (each.is_seen or load.retry_count < PATIENCE):
            raise SchemaNotReadyError(
                f"the schema file {each.key!r} landed before this file and has no answer yet. See the log of its upload; "
                "when it has one, upload this file again"
            )


def wait_for_earlier_uploads(load: Load, found: Found) -> None:
    """Raises EarlierUploadError, for PATIENCE tries, when something landed before this schema file and is not done yet.

    Data waits behind it only for a table that has a schema: without one it waits for this very file.
    """
    if load.retry_count >= PATIENCE:
        return
    earlier = [each.key for each in open_schema_files(load, found) if each.order < load.upload.order]
    if any(row.schema_file is not None for row in found.rows):
        earlier += [each.upload.key for each in found.undecided if each.upload.order < load.upload.order]
    if earlier:
        raise EarlierUploadError(f"{earlier[0]!r} landed before this schema file and has no answer yet")


def without_schema(load: Load) -> EtlError:
    """The answer to a data file whose table has no schema: to wait while a schema file may still be applied, else a rejection."""
    key = load.key
    folders = load.ports.store.schema_folders(key)
    listed = [version for folder in folders for version in load.ports.store.list_versions(folder)]
    newest = sorted(listed, key=lambda version: version.landed_at)[-_NEWEST:]
    if not all(_is_refused(load.ports.backlog.find(key, version)) for version in newest):
        return SchemaNotReadyError(
            f"no schema is in force for {key.target} in {key.database}, though a schema file for it lies in the lake: it is "
            "not applied yet. See the log of its upload; when it is applied, upload this file again"
        )
    if newest:
        return NoSchemaError(
            f"no schema is in force for {key.target} in {key.database}: its schema file {newest[-1].key!r} was refused. See the "
            "log of that upload; upload it again corrected, then this file"
        )
    return NoSchemaError(
        f"no schema is in force for {key.target} in {key.database}: upload a schema file to "
        f"{key.database}/schema/{key.table if key.schema == DEFAULT_SCHEMA else key.target}/schema.json first, then this file again"
    )


def _is_refused(logged: LoggedUpload | None) -> bool:
    return logged is not None and logged.status in (Status.REJECTED, Status.FAILED)
