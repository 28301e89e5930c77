"""Parameters of the API's query strings. They are untrusted input."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from etl_core.model.api import DEFAULT_LIMIT, MAX_DATABASE, MAX_LIMIT, MAX_TABLE_NAME, Parameter
from etl_core.model.names import faults_of_name, faults_of_schema, fold
from etl_core.model.table_ref import has_database, split_table_name
from etl_core.upload_log.messages import (
    CHOICE_INVALID,
    DATABASE_INVALID,
    LIMIT_INVALID,
    PARAMETER_UNKNOWN,
    TABLE_NAME_MISSING,
    TABLE_NAME_NOT_ONE,
    TABLE_NAME_UNREADABLE,
    TABLE_NAME_WITH_DATABASE,
    TIME_INVALID,
    TOKEN_INVALID,
)

MAX_SHOWN = 80
SORT_KEY_TAIL = r"T\d\d:\d\d:\d\dZ#[^\n]{0,64}#[0-9a-f]{12}"
"""Pattern of the log's sort key (model.upload.landed_key) after the day. A sequencer may have the separator."""
_TIME = "0000-00-00T00:00:00Z"
_ENDINGS = ("0001-01-01T00:00:00Z", "0000-10-10T00:00:00Z")
"""The beginning of a time is valid if one of these completes it to a time. The first digit of a
month or day may be 0 or 1."""
LAST = "~"
"""Sorts after every character of a sort key."""


class InvalidQueryError(ValueError):
    """A parameter is missing or malformed. `parameter` is its name."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def check_names(parameters: Mapping[str, str], known: tuple[Parameter, ...]) -> None:
    """Raises InvalidQueryError for a parameter that the operation does not have."""
    names = [parameter.name for parameter in known]
    for name in parameters:
        if name not in names:
            raise InvalidQueryError(
                name,
                PARAMETER_UNKNOWN(name=name[:MAX_SHOWN], parameters=", ".join(names) or "none"),
            )


def parse_table_name(parameter: str, text: str | None) -> tuple[str, str | None]:
    """Return the partition, and the schema if the name has one: `sales.orders` is table orders of schema sales."""
    if text is None or not text.strip():
        raise InvalidQueryError(parameter, TABLE_NAME_MISSING(name=parameter))
    if len(text) > MAX_TABLE_NAME or not text.isprintable():
        raise InvalidQueryError(
            parameter, TABLE_NAME_UNREADABLE(name=parameter, limit=MAX_TABLE_NAME)
        )
    name = fold(text.strip())
    if "*" in name or "/" in name:
        raise InvalidQueryError(
            parameter, TABLE_NAME_NOT_ONE(name=parameter, value=text[:MAX_SHOWN])
        )
    if has_database(name):
        database, _, rest = name.partition(".")
        message = TABLE_NAME_WITH_DATABASE(
            name=parameter, value=text[:MAX_SHOWN], table=rest, database=database
        )
        raise InvalidQueryError(parameter, message)
    schema, table = split_table_name(name)
    if (
        "." in name
        and not any(faults_of_schema(schema))
        and not any(faults_of_name(table, "table"))
    ):
        return table, schema
    return name, None


def parse_timestamp(parameter: str, text: str) -> str:
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
        raise InvalidQueryError(parameter, TIME_INVALID(name=parameter, value=text[:MAX_SHOWN]))
    return prefix


def _is_beginning_of_time(prefix: str) -> bool:
    for ending in _ENDINGS:
        with suppress(ValueError):
            return bool(datetime.fromisoformat(prefix + ending[len(prefix) :]))
    return False


def parse_choice(parameters: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    text = parameters.get(name)
    if text is None:
        return None
    if text.lower() not in choices:
        message = CHOICE_INVALID(name=name, value=text[:MAX_SHOWN], choices=", ".join(choices))
        raise InvalidQueryError(name, message)
    return text.lower()


def parse_database(text: str | None) -> str | None:
    if text is None:
        return None
    if not text.strip() or len(text) > MAX_DATABASE:
        raise InvalidQueryError(
            "database",
            DATABASE_INVALID(value=text[:MAX_SHOWN], limit=MAX_DATABASE),
        )
    return fold(text.strip())


def parse_limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidQueryError("limit", LIMIT_INVALID(value=text[:MAX_SHOWN], limit=MAX_LIMIT))
    return int(text)


def encode_token(*parts: str) -> str:
    """Return the token that `decode_token` reads."""
    return base64.urlsafe_b64encode("\n".join(parts).encode()).decode().rstrip("=")


def decode_token(text: str) -> tuple[str, str]:
    """Return the two parts of a token. Raises InvalidQueryError if it has not two."""
    try:
        decoded = base64.b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_", validate=True
        ).decode()
    except (binascii.Error, ValueError):
        decoded = ""
    first, separator, second = decoded.rpartition("\n")
    if not separator:
        raise InvalidQueryError("next_token", TOKEN_INVALID())
    return first, second
