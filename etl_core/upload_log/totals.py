"""Totals, so that GET /tables does not read the log: one item per table with its days, and one per
shard with the hours of all its tables. Every final status adds to both.

An entry keeps in `counted` what it added. Between the two writes a function can die: then the totals
miss this upload. The entry is the truth, the totals are statistics.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from etl_core.model.api_types import Day, Hour, LastUpload, TableSummary, Totals
from etl_core.model.names import UNPARSED, faults_of_name
from etl_core.model.times import format_utc_time

COUNTED = "counted"
FRESHNESS_HOURS = "freshness_hours"
TABLES = "#tables"
"""No key names a table with this sign, so no entry is in these partitions."""
TABLE_SHARDS = 4
HOURS_KEY = "#hours"
"""The sort key of a shard's hours. It sorts before every table."""
DAYS, HOURS = 30, 48
KINDS = {
    "loaded": "succeeded",
    "applied": "succeeded",
    "unchanged": "succeeded",
    "duplicate": "succeeded",
    "superseded": "succeeded",
    "rejected": "rejected",
    "failed": "failed",
    "unknown": "failed",
}
"""What a status counts as. Other statuses do not count."""
_NUMBERS = ("rows", "bytes", "succeeded", "rejected", "failed")


@dataclass(frozen=True)
class Tally:
    """What one entry adds to the totals of its table; `sign` is -1 for what it does not add any more."""

    table: str
    hour: str
    kind: str
    rows: int
    bytes: int
    sign: int = 1
    upload: LastUpload | None = None
    schema_version: str | None = None
    is_load: bool = False
    is_schema_file: bool = False
    """A schema file took effect. Then `freshness_hours` is what it says, None if it says nothing."""
    freshness_hours: int | None = None

    @property
    def mark(self) -> str:
        """The value of `counted` in the entry."""
        return f"{self.kind}/{self.rows}/{self.bytes}"


def tally_of(key: Mapping[str, str], attributes: Mapping[str, Any]) -> Tally | None:
    """Return what an entry with these attributes adds; None if its status does not count."""
    kind = KINDS.get(attributes["status"])
    if kind is None:
        return None
    is_loaded = attributes["status"] == "loaded"
    is_schema_file = attributes["status"] in ("applied", "unchanged")
    names = ("upload_id", "s3_key", "status", "landed_timestamp", "loaded_timestamp")
    upload = {name: attributes[name] for name in names if attributes.get(name) is not None}
    version = attributes.get("schema_version")
    return Tally(
        table=_table_id(key["table_name"], attributes),
        hour=key["landed_key"][:13],
        kind=kind,
        rows=int(attributes.get("rows_loaded") or 0) if is_loaded else 0,
        bytes=int(attributes.get("file_size") or 0) if is_loaded else 0,
        upload=cast(LastUpload, upload),
        schema_version=None if version is None else str(version),
        is_load=is_loaded,
        is_schema_file=is_schema_file,
        freshness_hours=attributes.get(FRESHNESS_HOURS),
    )


def undone(tally: Tally, mark: str) -> Tally | None:
    """Return what takes back an earlier mark of the same entry; None if the mark cannot be read."""
    kind, _, numbers = mark.partition("/")
    rows, _, size = numbers.partition("/")
    if kind not in KINDS.values() or not rows.isdigit() or not size.isdigit():
        return None
    return Tally(tally.table, tally.hour, kind, int(rows), int(size), sign=-1)


def _table_id(table_name: str, attributes: Mapping[str, Any]) -> str:
    database, schema = attributes.get("database"), attributes.get("schema")
    if not database or not schema or any(faults_of_name(str(database), "database")):
        return UNPARSED
    return f"{database}/{schema}/{table_name}"


def totals_key(table: str) -> dict[str, str]:
    """Return the primary key of a table's totals."""
    return {"table_name": _partition(table), "landed_key": table}


def hours_key(table: str) -> dict[str, str]:
    """Return the primary key of the hours that a table's uploads add to."""
    return {"table_name": _partition(table), "landed_key": HOURS_KEY}


def _partition(table: str) -> str:
    return f"{TABLES}/{zlib.crc32(table.encode()) % TABLE_SHARDS}"


def by_table(tallies: Iterable[Tally]) -> dict[str, list[Tally]]:
    """Return the tallies of each table, in their order."""
    groups: dict[str, list[Tally]] = defaultdict(list)
    for tally in tallies:
        groups[tally.table].append(tally)
    return dict(groups)


def additions(tallies: Iterable[Tally]) -> dict[str, int]:
    """Return the numbers to add to a table's item, by attribute: `d/2026-11-22/rows`."""
    sums: dict[str, int] = defaultdict(int)
    for tally in tallies:
        day = f"d/{tally.hour[:10]}"
        sums[f"{day}/rows"] += tally.sign * tally.rows
        sums[f"{day}/bytes"] += tally.sign * tally.bytes
        sums[f"{day}/{tally.kind}"] += tally.sign
    return {name: number for name, number in sums.items() if number}


def hourly_additions(tallies: Iterable[Tally]) -> dict[str, int]:
    """Return the numbers to add to the hours, by attribute: `h/2026-11-22T09/failed`."""
    sums: dict[str, int] = defaultdict(int)
    for tally in tallies:
        sums[f"h/{tally.hour}/{tally.kind}"] += tally.sign
    return {name: number for name, number in sums.items() if number}


def last_uploads(tallies: Iterable[Tally]) -> dict[str, Any]:
    """Return the attributes that the last of the tallies sets."""
    attributes: dict[str, Any] = {}
    for tally in tallies:
        if tally.upload is None:
            continue
        attributes["last_upload"] = tally.upload
        if tally.kind == "succeeded":
            attributes["last_success"] = tally.upload
        if tally.is_load:
            attributes["last_load"] = tally.upload
        if tally.schema_version is not None:
            attributes["schema_version"] = tally.schema_version
        if tally.is_schema_file:
            attributes[FRESHNESS_HOURS] = tally.freshness_hours
    return attributes


def is_newer(attributes: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Return whether the last upload of these attributes arrived after the item's."""
    known = item.get("last_upload")
    return (
        known is None or known["landed_timestamp"] < attributes["last_upload"]["landed_timestamp"]
    )


def expired(item: Mapping[str, Any], now: datetime) -> list[str]:
    """Return the attributes that are too old to be shown."""
    return [name for name in item if name[1:2] == "/" and not _is_shown(name, now)]


def _is_shown(name: str, now: datetime) -> bool:
    return (
        name.split("/")[1] >= _first_day(now)
        if name[0] == "d"
        else name.split("/")[1] >= _first_hour(now)
    )


def _first_day(now: datetime) -> str:
    return format_utc_time(now - timedelta(days=DAYS - 1))[:10]


def _first_hour(now: datetime) -> str:
    return format_utc_time(now - timedelta(hours=HOURS - 1))[:13]


def is_table(sort_key: str) -> bool:
    """Return whether the item with this sort key has the totals of a table."""
    return sort_key not in (UNPARSED, HOURS_KEY)


def summarize(item: Mapping[str, Any], now: datetime, default_hours: int) -> TableSummary:
    """Return what is shown of a table's item.

    `default_hours`: after how many hours a table is stale whose schema file does not say it, 0 for never.
    """
    database, schema, table_name = str(item["landed_key"]).split("/", 2)
    hours = item.get(FRESHNESS_HOURS)
    limit = default_hours if hours is None else int(hours)
    days = list(_days(item, now))
    today = format_utc_time(now)[:10]
    return {
        "database": database,
        "schema": schema,
        "table_name": table_name,
        "schema_version": item.get("schema_version"),
        "last_upload": item.get("last_upload"),
        "last_success": item.get("last_success"),
        "last_load": item.get("last_load"),
        "freshness": _freshness(item.get("last_load"), limit, now),
        "freshness_hours": limit or None,
        "today": _sum(day for day in days if day["date"] == today),
        "last_30_days": _sum(days),
        "days": days,
    }


def _freshness(last_load: Mapping[str, Any] | None, limit: int, now: datetime) -> str:
    if last_load is None:
        return "never_loaded"
    time = str(last_load.get("loaded_timestamp") or last_load["landed_timestamp"])
    oldest = format_utc_time(now - timedelta(hours=limit))
    return "stale" if limit and time < oldest else "fresh"


def _days(item: Mapping[str, Any], now: datetime) -> Iterator[Day]:
    first = _first_day(now)
    dates = {name.split("/")[1] for name in item if name.startswith("d/")}
    for day in sorted(each for each in dates if each >= first):
        numbers = {name: int(item.get(f"d/{day}/{name}", 0)) for name in _NUMBERS}
        yield cast(Day, {"date": day, **numbers})


def _sum(days: Iterable[Day]) -> Totals:
    sums = dict.fromkeys(_NUMBERS, 0)
    for day in days:
        for name in _NUMBERS:
            sums[name] += cast(dict[str, Any], day)[name]
    return cast(Totals, sums)


def sum_hours(items: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[Hour]:
    """Yield the hours of all shards together, oldest first."""
    first = _first_hour(now)
    sums: dict[str, dict[str, int]] = {}
    for item in items:
        for name, number in item.items():
            if name.startswith("h/") and name[2:15] >= first:
                _, hour, kind = name.split("/")
                counts = sums.setdefault(hour, dict.fromkeys(_NUMBERS[2:], 0))
                counts[kind] += int(number)
    for hour in sorted(sums):
        yield cast(Hour, {"hour": f"{hour}:00:00Z", **sums[hour]})
