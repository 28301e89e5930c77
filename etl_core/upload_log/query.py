"""Queries of the log: parses the API's parameters to a bounded read.

The parameters are untrusted input.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from etl_core.model.lake_key import Action
from etl_core.model.names import faults_of_name, faults_of_schema, fold
from etl_core.model.status import Status
from etl_core.model.table_ref import split_table_name
from etl_core.upload_log.messages import (
    CHOICE_INVALID,
    DATABASE_INVALID,
    LIMIT_INVALID,
    PARAMETER_UNKNOWN,
    TABLE_NAME_MISSING,
    TABLE_NAME_UNREADABLE,
    TIME_INVALID,
    TIMES_CONFLICT,
    TIMES_REVERSED,
    TOKEN_INVALID,
    TOKEN_OF_OTHER_TABLE,
    TOKEN_OF_OTHER_TIMES,
)

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
PARAMETERS = (
    "table_name",
    "landed_timestamp",
    "from",
    "to",
    "status",
    "database",
    "action",
    "limit",
    "next_token",
)
_MAX_TABLE_NAME = 1024
_MAX_DATABASE = 127
_MAX_SHOWN = 80
_TIME = "0000-00-00T00:00:00Z"
_ENDINGS = ("0001-01-01T00:00:00Z", "0000-10-10T00:00:00Z")
"""The beginning of a time is valid if one of these completes it to a time. The first digit of a
month or day may be 0 or 1."""
_LAST = "~"
"""Sorts after every character of a sort key."""


class InvalidQueryError(ValueError):
    """A parameter is missing or malformed. `parameter` is its name."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class LogQuery:
    """A read of one table's entries, newest first.

    `first` and `last` bound the sort key, both inclusive.
    """

    table_name: str
    schema: str | None
    first: str
    last: str
    status: str | None
    database: str | None
    action: str | None
    limit: int
    after: str | None

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> LogQuery:
        """Parse the parameters. Raises InvalidQueryError for the first one at fault."""
        for name in parameters:
            if name not in PARAMETERS:
                raise InvalidQueryError(
                    name, PARAMETER_UNKNOWN(name=name, parameters=", ".join(PARAMETERS))
                )
        table_name, schema = _table_name(parameters.get("table_name"))
        first, last = _bounds(parameters)
        after = _token(parameters.get("next_token"), table_name)
        if after is not None and not first <= after <= last:
            raise InvalidQueryError("next_token", TOKEN_OF_OTHER_TIMES())
        return cls(
            table_name=table_name,
            schema=schema,
            first=first,
            last=last,
            status=_choice(parameters, "status", tuple(Status)),
            database=_database(parameters.get("database")),
            action=_choice(parameters, "action", tuple(Action)),
            limit=_limit(parameters.get("limit")),
            after=after,
        )


def next_token(table_name: str, landed_key: str) -> str:
    """Return the token of the page that begins after this entry. `table_name` as in LogQuery."""
    return base64.urlsafe_b64encode(f"{landed_key}\n{table_name}".encode()).decode().rstrip("=")


def _table_name(text: str | None) -> tuple[str, str | None]:
    """Return the partition, and the schema if the name has one: `sales.orders` is table orders of schema sales."""
    if text is None or not text.strip():
        raise InvalidQueryError("table_name", TABLE_NAME_MISSING())
    if len(text) > _MAX_TABLE_NAME or not text.isprintable():
        raise InvalidQueryError("table_name", TABLE_NAME_UNREADABLE(limit=_MAX_TABLE_NAME))
    name = fold(text.strip())
    schema, table = split_table_name(name)
    if (
        "." in name
        and not any(faults_of_schema(schema))
        and not any(faults_of_name(table, "table"))
    ):
        return table, schema
    return name, None


def _bounds(parameters: Mapping[str, str]) -> tuple[str, str]:
    exact, first, last = (parameters.get(name) for name in ("landed_timestamp", "from", "to"))
    if exact is not None and (first is not None or last is not None):
        raise InvalidQueryError("landed_timestamp", TIMES_CONFLICT())
    if exact is not None:
        prefix = _timestamp("landed_timestamp", exact)
        return prefix, prefix + _LAST
    lower = _timestamp("from", first) if first is not None else "0"
    upper = (_timestamp("to", last) if last is not None else "") + _LAST
    if lower > upper:
        raise InvalidQueryError("from", TIMES_REVERSED(first=first, last=last))
    return lower, upper


def _timestamp(parameter: str, text: str) -> str:
    """Return the time, or the beginning of one, in the form of the log.

    At least the year is needed.
    """
    prefix = text.strip().replace(" ", "T")
    pattern = "".join(r"\d" if sign == "0" else sign for sign in _TIME[: len(prefix)])
    if (
        not 4 <= len(prefix) <= len(_TIME)
        or not re.fullmatch(pattern, prefix, re.ASCII)
        or not _is_beginning_of_time(prefix)
    ):
        raise InvalidQueryError(parameter, TIME_INVALID(name=parameter, value=text[:_MAX_SHOWN]))
    return prefix


def _is_beginning_of_time(prefix: str) -> bool:
    for ending in _ENDINGS:
        with suppress(ValueError):
            return bool(datetime.fromisoformat(prefix + ending[len(prefix) :]))
    return False


def _choice(parameters: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    text = parameters.get(name)
    if text is None:
        return None
    if text.lower() not in choices:
        message = CHOICE_INVALID(name=name, value=text[:_MAX_SHOWN], choices=", ".join(choices))
        raise InvalidQueryError(name, message)
    return text.lower()


def _database(text: str | None) -> str | None:
    if text is None:
        return None
    if not text.strip() or len(text) > _MAX_DATABASE:
        raise InvalidQueryError(
            "database",
            DATABASE_INVALID(value=text[:_MAX_SHOWN], limit=_MAX_DATABASE),
        )
    return fold(text.strip())


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidQueryError("limit", LIMIT_INVALID(value=text[:_MAX_SHOWN], limit=MAX_LIMIT))
    return int(text)


def _token(text: str | None, table_name: str) -> str | None:
    """Return the sort key of the entry that the token names."""
    if text is None:
        return None
    try:
        decoded = base64.b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_", validate=True
        ).decode()
    except (binascii.Error, ValueError):
        decoded = ""
    key, _, table = decoded.rpartition("\n")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ#[^#]{0,64}#[0-9a-f]{12}", key, re.ASCII):
        raise InvalidQueryError("next_token", TOKEN_INVALID())
    if table != table_name:
        raise InvalidQueryError("next_token", TOKEN_OF_OTHER_TABLE())
    return key
