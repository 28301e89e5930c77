"""Queries of the uploads to all tables: parses the API's parameters to a bounded read.

The parameters are untrusted input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from etl_core.model.api import MAX_KEY, UPLOAD_PARAMETERS
from etl_core.model.lake_key import Action, describe_key
from etl_core.model.status import REFUSED, Status
from etl_core.model.times import EARLIEST_ARRIVAL, FUTURE_LIMIT, format_utc_time
from etl_core.upload_log.indexes import (
    LISTED,
    LISTED_INDEX,
    NOTABLE,
    NOTABLE_INDEX,
    days_of,
    refused_months_of,
)
from etl_core.upload_log.messages import KEY_PREFIX_INVALID
from etl_core.upload_log.parameters import (
    LAST,
    MAX_SHOWN,
    InvalidQueryError,
    check_names,
    decode_token,
    parse_choice,
    parse_database,
    parse_limit,
    parse_table_name,
    parse_timestamp,
)

DEFAULT_PERIOD = timedelta(days=7)
_TIME_TAIL = "0000-00-00T00:00:00Z"
_DAY_LENGTH = len("0000-00-00")
_EARLIEST = EARLIEST_ARRIVAL.date()


@dataclass(frozen=True)
class Place:
    """Where entries are: an index (None: the table itself), its partition key, and partitions of one period."""

    index: str | None
    attribute: str
    partitions: tuple[str, ...]


@dataclass(frozen=True)
class UploadQuery:
    """A read of uploads, newest first: sort keys from `first`, inclusive, to `before`, exclusive."""

    first: str
    before: str
    statuses: tuple[str, ...]
    database: str | None
    schema: str | None
    table_name: str | None
    action: str | None
    s3_key: str | None
    limit: int

    @classmethod
    def parse(cls, parameters: Mapping[str, str], now: datetime) -> UploadQuery:
        """Parse the parameters. Raises InvalidQueryError for the first one at fault."""
        check_names(parameters, UPLOAD_PARAMETERS)
        first, before = _bounds(parameters, now)
        table_name, schema = None, None
        if "table" in parameters:
            table_name, schema = parse_table_name("table", parameters["table"])
        return cls(
            first=first,
            before=min(before, decode_token(parameters.get("next_token")) or before),
            statuses=_statuses(parameters.get("status")),
            database=parse_database(parameters.get("database")),
            schema=schema,
            table_name=table_name,
            action=parse_choice(parameters, "action", tuple(Action)),
            s3_key=_key_prefix(parameters.get("s3_key")),
            limit=parse_limit(parameters.get("limit")),
        )

    @property
    def filters(self) -> dict[str, str]:
        """The fields that must have these values. Statuses and the key have filters of their own."""
        wanted = {"database": self.database, "schema": self.schema, "action": self.action}
        if self.table_name is not None:
            wanted["table_name"] = self.table_name
        return {name: value for name, value in wanted.items() if value is not None}

    @property
    def is_empty(self) -> bool:
        """Return whether no time is in all of the bounds."""
        return self.first >= self.before

    def places(self) -> Iterator[Place]:
        """Yield where to read, the newest period first."""
        table = self.table_name or _table_of(self.s3_key)
        last = _last_day(self.before).isoformat()
        if table is not None:
            yield Place(None, "table_name", (table,))
        elif self.statuses and set(REFUSED).issuperset(self.statuses):
            for months in refused_months_of(self.first, last):
                yield Place(NOTABLE_INDEX, NOTABLE, months)
        else:
            for days in days_of(self.first, last):
                yield Place(LISTED_INDEX, LISTED, days)


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _statuses(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = [name.strip() for name in text.split(",")]
    chosen = [parse_choice({"status": name}, "status", tuple(Status)) for name in names[:50]]
    return tuple(dict.fromkeys(str(each) for each in chosen))


def _key_prefix(text: str | None) -> str | None:
    if text is None:
        return None
    if not text or len(text) > MAX_KEY:
        raise InvalidQueryError("s3_key", KEY_PREFIX_INVALID(value=text[:MAX_SHOWN], limit=MAX_KEY))
    return text


def _table_of(key_prefix: str | None) -> str | None:
    """Return the table that all keys with this beginning name; None if they can name several."""
    if key_prefix is None or key_prefix.count("/") < 3:
        return None
    return describe_key(key_prefix).table_name


def _bounds(parameters: Mapping[str, str], now: datetime) -> tuple[str, str]:
    """Return the first sort key, inclusive, and the last, exclusive."""
    first, last = parameters.get("from"), parameters.get("to")
    latest = format_utc_time(now + FUTURE_LIMIT)[:10]
    upper = min(latest, latest if last is None else parse_timestamp("to", last))
    if first is None:
        end = min(_last_day(upper), now.date())
        return _full_time((end - DEFAULT_PERIOD).isoformat()), upper + LAST
    lower = parse_timestamp("from", first)
    return _full_time(lower), upper + LAST


def _full_time(prefix: str) -> str:
    """Return the first time with this beginning, since S3 exists."""
    earliest = f"{_EARLIEST.isoformat()}T00:00:00Z"
    if len(prefix) > _DAY_LENGTH:
        return max(earliest, prefix + _TIME_TAIL[len(prefix) :])
    return max(earliest, f"{_first_day(prefix).isoformat()}T00:00:00Z")


def _first_day(prefix: str) -> date:
    return next(_days_with(prefix, range(1, 13), range(1, 32)), _EARLIEST)


def _last_day(prefix: str) -> date:
    return next(_days_with(prefix.rstrip(LAST), range(12, 0, -1), range(31, 0, -1)), _EARLIEST)


def _days_with(prefix: str, months: range, days: range) -> Iterator[date]:
    for month in months:
        for day in days:
            text = f"{prefix[:4]}-{month:02}-{day:02}"
            if text.startswith(prefix[:10]) and _is_date(text):
                yield date.fromisoformat(text)
