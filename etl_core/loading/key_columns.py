"""The rules for the key of an upsert, and why a file is refused that breaks them."""

from __future__ import annotations

from collections.abc import Sequence

from etl_core.csv_files.keys import KeyFault, find_key_fault
from etl_core.csv_files.rows import read_rows
from etl_core.loading.copy_run import KeysRefused
from etl_core.loading.data_file import Part, decompressed_before
from etl_core.loading.file_scan import read_spec
from etl_core.loading.load_context import LoadContext
from etl_core.loading.messages import (
    UPSERT_KEY_CHANGED,
    UPSERT_KEY_EMPTY,
    UPSERT_KEY_EMPTY_AT,
    UPSERT_KEY_NOT_IN_FILE,
    UPSERT_KEY_REPEATED,
    UPSERT_KEY_REPEATED_AT,
)
from etl_core.model.errors import (
    NOWHERE,
    EtlError,
    HeaderMismatchError,
    LoadFailedError,
    Place,
    ValuesRefusedError,
)
from etl_core.schema_files.schema_file import SchemaFile


def check_key_columns(key: Sequence[str], columns: Sequence[str]) -> None:
    """Raise HeaderMismatchError if the file of an upsert, with these columns, lacks one of its key."""
    missing = [name for name in key if name not in columns]
    if missing:
        raise HeaderMismatchError(
            UPSERT_KEY_NOT_IN_FILE(columns=", ".join(map(repr, missing)), key=", ".join(key))
        )


def check_same_key(own: Part, later: Sequence[Part]) -> None:
    """Raise LoadFailedError if an upsert is loaded after a later one with another key.

    A row of the later upsert that has the same key as one of the upload's is then not known.
    """
    if not own.key:
        return
    for each in later:
        if each.key and set(each.key) != set(own.key):
            raise LoadFailedError(
                UPSERT_KEY_CHANGED(
                    key=", ".join(own.key),
                    later_key=", ".join(each.key),
                    file=each.file.version.key,
                )
            )


def keys_refused(
    refused: KeysRefused, load: LoadContext, in_force: SchemaFile | None
) -> ValuesRefusedError:
    """Return the error of a file whose keys do not identify its rows, with the lines if they are found in time."""
    fault = None if in_force is None else _find(refused, load, in_force)
    if fault is not None:
        return error_of_keys(fault, refused.key)
    key, value = ", ".join(refused.key), repr(", ".join(refused.value))
    if refused.is_empty:
        return ValuesRefusedError(UPSERT_KEY_EMPTY(key=key, value=value), NOWHERE, 1)
    return ValuesRefusedError(UPSERT_KEY_REPEATED(key=key, value=value), NOWHERE, 1)


def error_of_keys(fault: KeyFault, key: Sequence[str]) -> ValuesRefusedError:
    """Return the error for a fault with its lines."""
    columns, value = ", ".join(key), ", ".join(fault.value)
    place = Place(fault.line, columns, value)
    if fault.earlier is None:
        message = UPSERT_KEY_EMPTY_AT(line=fault.line, key=columns)
        return ValuesRefusedError(message, place, 1)
    message = UPSERT_KEY_REPEATED_AT(
        first=fault.earlier, line=fault.line, key=columns, value=repr(value)
    )
    return ValuesRefusedError(message, place, 1)


def _find(refused: KeysRefused, load: LoadContext, in_force: SchemaFile) -> KeyFault | None:
    part = refused.part
    pieces = decompressed_before(load.deadline, part.file, load.ports.store)
    spec = read_spec(part.shape, in_force)
    try:
        rows = read_rows(pieces, part.shape.csv)
        fault = find_key_fault(rows, part.shape.columns, refused.key, spec)
    except EtlError:
        return None
    is_same = fault is not None and (fault.earlier is None) == refused.is_empty
    return fault if is_same else None
