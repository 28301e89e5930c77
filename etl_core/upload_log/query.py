"""The question that the API answers: query parameters in, a bounded read of the log out. Hostile until parsed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from etl_core.model.names import faults_of_name, faults_of_schema, fold
from etl_core.model.status import Status
from etl_core.model.table_ref import split_table_name

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
_TIME = "0000-00-00T00:00:00Z"
_ENDINGS = ("0001-01-01T00:00:00Z", "0000-10-10T00:00:00Z")
"""A beginning of a time goes on with one of these: a digit alone may need a zero behind it, or anything else."""
_LAST = "~"
_ACTIONS = ("append", "truncate", "schema")


class InvalidQueryError(ValueError):
    """A parameter is missing or malformed; `parameter` names it."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class LogQuery:
    """Entries of one table, newest first. `first` and `last` bound the sort key, both inclusive."""

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
        """Raises InvalidQueryError for the first parameter at fault."""
        for name in parameters:
            if name not in PARAMETERS:
                raise InvalidQueryError(
                    name, f"{name!r} is not a parameter; known are {', '.join(PARAMETERS)}"
                )
        table_name, schema = _table_name(parameters.get("table_name"))
        first, last = _bounds(parameters)
        after = _token(parameters.get("next_token"), table_name)
        if after is not None and not first <= after <= last:
            raise InvalidQueryError(
                "next_token",
                "next_token belongs to a query for other times; repeat that query with it",
            )
        return cls(
            table_name=table_name,
            schema=schema,
            first=first,
            last=last,
            status=_choice(parameters, "status", tuple(Status)),
            database=_optional(parameters, "database"),
            action=_choice(parameters, "action", _ACTIONS),
            limit=_limit(parameters.get("limit")),
            after=after,
        )


def next_token(table_name: str, landed_key: str) -> str:
    """The token with which the next page of a table (as `LogQuery.table_name` has it) begins behind this entry."""
    return base64.urlsafe_b64encode(f"{landed_key}\n{table_name}".encode()).decode().rstrip("=")


def _table_name(text: str | None) -> tuple[str, str | None]:
    """The partition, and the schema where the name carries one: `sales.orders` asks for orders of schema sales."""
    if text is None or not text.strip():
        raise InvalidQueryError(
            "table_name", "the parameter table_name is missing; write ?table_name=user_data"
        )
    if len(text) > _MAX_TABLE_NAME or not text.isprintable():
        raise InvalidQueryError(
            "table_name",
            f"table_name is longer than {_MAX_TABLE_NAME} characters, or holds control characters",
        )
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
        raise InvalidQueryError(
            "landed_timestamp",
            "landed_timestamp does not go with from and to; give one or the other",
        )
    if exact is not None:
        prefix = _timestamp("landed_timestamp", exact)
        return prefix, prefix + _LAST
    lower = _timestamp("from", first) if first is not None else "0"
    upper = (_timestamp("to", last) if last is not None else "") + _LAST
    if lower > upper:
        raise InvalidQueryError("from", f"from ({first}) is later than to ({last})")
    return lower, upper


def _timestamp(parameter: str, text: str) -> str:
    """A timestamp or any beginning of one, at least the year."""
    given = text.strip().replace(" ", "T")
    shape = "".join(r"\d" if sign == "0" else sign for sign in _TIME[: len(given)])
    if (
        not 4 <= len(given) <= len(_TIME)
        or not re.fullmatch(shape, given, re.ASCII)
        or not _begins_a_time(given)
    ):
        raise InvalidQueryError(
            parameter,
            f"{parameter} is {text[:80]!r}; it is a UTC time such as 2026-11-22T09:30:00Z, or a beginning of one such as 2026-11-22",
        )
    return given


def _begins_a_time(given: str) -> bool:
    for ending in _ENDINGS:
        with suppress(ValueError):
            return bool(datetime.fromisoformat(given + ending[len(given) :]))
    return False


def _choice(parameters: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    text = parameters.get(name)
    if text is None:
        return None
    if text.lower() not in choices:
        raise InvalidQueryError(
            name, f"{name} is {text[:80]!r}; it is one of {', '.join(map(str, choices))}"
        )
    return text.lower()


def _optional(parameters: Mapping[str, str], name: str) -> str | None:
    text = parameters.get(name)
    if text is None:
        return None
    if not text.strip() or len(text) > 127:
        raise InvalidQueryError(
            name, f"{name} is {text[:80]!r}; it is a name of at most 127 characters"
        )
    return fold(text.strip())


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidQueryError(
            "limit", f"limit is {text[:80]!r}; it is a whole number from 1 to {MAX_LIMIT}"
        )
    return int(text)


def _token(text: str | None, table_name: str) -> str | None:
    """The entry that a token names."""
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
        raise InvalidQueryError(
            "next_token", "next_token is not one that this API gave; repeat the query without it"
        )
    if table != table_name:
        raise InvalidQueryError(
            "next_token", "next_token belongs to another table; repeat that table's query with it"
        )
    return key
