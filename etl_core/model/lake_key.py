"""The key of an object in the lake, parsed: `db_name/action/table_name/file`.

Keys are read as EventBridge delivers them: not URL-encoded (S3 user guide, "EventBridge event
message structure").
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from etl_core.model.errors import InvalidKeyError
from etl_core.model.messages import (
    KEY_ACTION_UNKNOWN,
    KEY_CONTROL_CHARACTER,
    KEY_INVALID,
    KEY_LEADING_SLASH,
    KEY_PARTS_MISSING,
)
from etl_core.model.names import UNPARSED, faults_of_name, faults_of_schema, fold
from etl_core.model.table_ref import (
    TableRef,
    faults_of_database,
    faults_of_names,
    has_database,
    split_table_name,
)
from etl_core.model.texts import CONTROL_CHARACTER

LAYOUT = "db_name/action/table_name/file"
SCHEMA_SUFFIX = ".json"
DATA_SUFFIXES = (".csv", ".csv.gz", ".csv.bz2", ".csv.zst")


class Action(StrEnum):
    """What an upload asks for."""

    APPEND = "append"
    TRUNCATE = "truncate"
    UPSERT = "upsert"
    SCHEMA = "schema"


@dataclass(frozen=True)
class LakeKey:
    """A valid key. `file` is everything after the third slash, unchanged."""

    table: TableRef
    action: Action
    file: str

    @classmethod
    def parse(cls, key: str, databases: Collection[str]) -> LakeKey:
        """Parse a key. Raises InvalidKeyError, which names every fault of the key at once."""
        faults = tuple(_faults(key, databases))
        if faults:
            raise InvalidKeyError(
                KEY_INVALID(key=key, faults="; ".join(faults), layout=LAYOUT), faults
            )
        database, action, table_name, file = key.split("/", 3)
        return cls(TableRef.parse(database, table_name), Action(fold(action)), file)


@dataclass(frozen=True)
class KeyParts:
    """The parts of any key, for the log. A part that the key does not name is None."""

    table_name: str
    database: str | None
    schema: str | None
    action: str | None


def is_folder_marker(key: str) -> bool:
    """Whether the key ends in a slash.

    Tools that show folders make such objects; they are not uploads.
    """
    return key.endswith("/")


def describe_key(key: str) -> KeyParts:
    """Return the parts of any key, valid or not.

    `table_name` is `_unparsed` if the key names no table, or none for which the API can be asked.
    """
    parts = key.split("/", 3)
    if len(parts) < 4 or not parts[2].strip() or not parts[2].isprintable():
        return KeyParts(UNPARSED, fold(parts[0]) if len(parts) > 1 else None, None, None)
    database, action, name = fold(parts[0]), fold(parts[1]), fold(parts[2].strip())
    schema, table = split_table_name(parts[2])
    if not any(faults_of_schema(schema)) and not any(faults_of_name(table, "table")):
        return KeyParts(table, database, schema, action)
    is_asked_for = "*" not in name and not has_database(name)
    return KeyParts(name if is_asked_for else UNPARSED, database, None, action)


def _faults(key: str, databases: Collection[str]) -> Iterator[str]:
    if (control := CONTROL_CHARACTER.search(key)) is not None:
        character = f"U+{ord(control.group()):04X}"
        yield KEY_CONTROL_CHARACTER(character=character, position=control.start() + 1)
    parts = key.split("/", 3)
    if key.startswith("/"):
        yield KEY_LEADING_SLASH()
        return
    if len(parts) < 4 or not parts[3]:
        yield KEY_PARTS_MISSING(count=len([part for part in parts if part]))
        return
    database, action, table_name, _ = parts
    table = TableRef.parse(database, table_name)
    yield from faults_of_database(table.database, databases)
    if fold(action) not in tuple(Action):
        yield KEY_ACTION_UNKNOWN(action=action, actions=", ".join(Action))
    yield from faults_of_names(table)


def has_extension(key: str, action: Action) -> bool:
    """Return whether the file's name ends as files of the action must. The load says what is wrong."""
    suffixes = (SCHEMA_SUFFIX,) if action is Action.SCHEMA else DATA_SUFFIXES
    return key.lower().endswith(suffixes)


def is_marker_file(key: str) -> bool:
    """Return whether other tools write such files beside their data: `_SUCCESS`, `.part-0.csv.crc`."""
    return key.rpartition("/")[2].startswith(("_", "."))
