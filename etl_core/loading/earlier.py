"""What landed before an upload and has to take effect before it: schema files before data, everything before a schema file.

S3 lists an object as soon as it is there, so that a schema file is seen here also before its event has arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etl_core.errors import PATIENCE, EarlierUploadError, EtlError, NoSchemaError, SchemaNotReadyError
from etl_core.lake_key import Action
from etl_core.ledger import schema_history
from etl_core.listed import LakeVersion
from etl_core.loading.attempt import Load
from etl_core.loading.ledger_lock import Found
from etl_core.log import LONGEST_WAIT, Status
from etl_core.names import DEFAULT_SCHEMA
from etl_core.ports import LoggedUpload

_NEWEST = 20


def list_schema_files(load: Load) -> Sequence[LakeVersion]:
    """The schema files of the table that lie in the lake, in the spelling of the upload's own key."""
    database, _, table_name, _ = load.upload.key.split("/", 3)
    return load.ports.store.list_versions(f"{database}/{Action.SCHEMA}/{table_name}/")


def wait_for_schema_files(load: Load, found: Found, listed: Sequence[LakeVersion]) -> None:
    """Raises SchemaNotReadyError while a schema file that landed before this data file has neither taken effect nor been refused."""
    for key in _schema_files(load, found, listed):
        raise SchemaNotReadyError(
            f"the schema file {key!r} landed before this file and has no answer yet. See the log of its upload; "
            "when it has one, upload this file again"
        )


def wait_for_earlier_uploads(load: Load, found: Found, listed: Sequence[LakeVersion]) -> None:
    """Raises EarlierUploadError, for a while, when something landed before this schema file and is not done yet.

    Data waits behind it only for a table that has a schema: without one it waits for this very file.
    """
    if load.retry_count >= PATIENCE:
        return
    earlier = list(_schema_files(load, found, listed))
    if any(row.schema_file is not None for row in found.rows):
        earlier += [each.upload.key for each in found.undecided if each.upload.order < load.upload.order]
    if earlier:
        raise EarlierUploadError(f"{earlier[0]!r} landed before this schema file and has no answer yet")


def _schema_files(load: Load, found: Found, listed: Sequence[LakeVersion]) -> Iterator[str]:
    """The keys of those that were received and have no answer, and, for PATIENCE tries, of those that nobody has seen."""
    for each in found.undecided:
        if each.key.action is Action.SCHEMA and each.upload.order < load.upload.order:
            yield each.upload.key
    if load.retry_count >= PATIENCE:
        return
    known = {(row.s3_key, row.version_id) for row in found.rows} | {(load.upload.key, load.version_id)}
    oldest = load.ports.now() - LONGEST_WAIT
    governing = next(iter(schema_history(found.rows, load.upload)), None)
    if governing is not None and governing.order < load.upload.order:
        oldest = max(oldest, governing.landed_at)
    for version in listed:
        if (
            oldest <= version.landed_at <= load.upload.landed_at
            and version.id not in known
            and _is_ahead(load, version)
        ):
            yield version.key


def _is_ahead(load: Load, version: LakeVersion) -> bool:
    """Unless the log has its answer, or tells that it landed later within the same second."""
    logged = load.ports.backlog.find(load.key, version)
    return logged is None or (logged.status is Status.RECEIVED and logged.upload.order < load.upload.order)


def without_schema(load: Load) -> EtlError:
    """The answer to a data file whose table has no schema: to wait while a schema file may still be applied, else a rejection."""
    key = load.key
    folders = load.ports.store.schema_folders(key)
    listed = [version for folder in folders for version in load.ports.store.list_versions(folder)]
    newest = sorted(listed, key=lambda version: version.landed_at)[-_NEWEST:]
    refused = {version.key: load.ports.backlog.find(key, version) for version in newest}
    if not all(_is_refused(logged) for logged in refused.values()):
        return SchemaNotReadyError(
            f"no schema is in force for {key.target} in {key.database}, though a schema file for it lies in the lake: it is "
            "not applied yet. See the log of its upload; when it is applied, upload this file again"
        )
    if refused:
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
