"""Attributes of a log entry that are keys of the log table's indexes, and the partitions that they name.

`listed`: uploads of all tables by day of arrival. `notable`: refused uploads by month, and the schema files
of a table. A partition is split into shards, so that the uploads of one day do not share one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from etl_core.model.lake_key import Action
from etl_core.model.status import REFUSED, Status
from etl_core.model.table_ref import TableRef

LISTED, LISTED_INDEX = "listed", "listed"
NOTABLE, NOTABLE_INDEX = "notable", "notable"
UPLOAD_ID, UPLOAD_INDEX = "upload_id", "uploads"
SHARDS = 4
_IN_FORCE = frozenset((Status.APPLIED, Status.UNCHANGED))


def listed_partition(landed_key: str) -> str:
    """Return the partition of an entry among the uploads of all tables."""
    return f"{landed_key[:10]}/{shard_of(landed_key)}"


def notable_partition(landed_key: str, attributes: Mapping[str, Any]) -> str | None:
    """Return the partition of a refused upload or of a schema file that took effect; None for others."""
    if attributes["status"] in REFUSED:
        return f"refused/{landed_key[:7]}/{shard_of(landed_key)}"
    names = [attributes.get(name) for name in ("database", "schema", "table_name")]
    is_schema_file = attributes.get("action") == Action.SCHEMA and None not in names
    if is_schema_file and attributes["status"] in _IN_FORCE:
        return schema_partition(TableRef(*map(str, names)))
    return None


def schema_partition(table: TableRef) -> str:
    """Return the partition of a table's schema files."""
    return f"schema/{table.database}/{table.schema}/{table.name}"


def shard_of(landed_key: str) -> int:
    """Return the shard, from the first digit of the upload id in the sort key."""
    return int(landed_key.rpartition("#")[2][:1] or "0", 16) % SHARDS


def days_of(first: str, last: str) -> Iterator[tuple[str, ...]]:
    """Yield the partitions of each day from `last` back to `first` (sort keys or beginnings of times)."""
    day, earliest = date.fromisoformat(last[:10]), date.fromisoformat(first[:10])
    while day >= earliest:
        yield tuple(f"{day.isoformat()}/{shard}" for shard in range(SHARDS))
        day -= timedelta(days=1)


def refused_months_of(first: str, last: str) -> Iterator[tuple[str, ...]]:
    """Yield the partitions of refused uploads, month by month, from `last` back to `first`."""
    year, month = int(last[:4]), int(last[5:7])
    while f"{year:04}-{month:02}" >= first[:7]:
        yield tuple(f"refused/{year:04}-{month:02}/{shard}" for shard in range(SHARDS))
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
