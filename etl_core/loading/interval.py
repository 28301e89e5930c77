"""The interval between two loads of a table, in which small files gather."""

from __future__ import annotations

from etl_core.model.function_settings import LoadSettings
from etl_core.schema_files.schema_file import SchemaFile


def load_interval(in_force: SchemaFile | None, settings: LoadSettings) -> int:
    """Return how many seconds the next load of the table waits: as its schema file says, else as the stack."""
    if in_force is None or in_force.load_interval_seconds is None:
        return settings.load_interval_seconds
    return in_force.load_interval_seconds
