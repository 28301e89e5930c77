"""Parameters of the API's query strings. They are untrusted input."""

from __future__ import annotations

import re
from collections.abc import Mapping

from etl_core.model.api import (
    CONTROL_CHARACTERS,
    DEFAULT_LIMIT,
    MAX_DATABASE,
    MAX_LIMIT,
    MAX_TABLE_NAME,
    TIME_PATTERN,
    TOKEN_PATTERN,
    Parameter,
)
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
_TIME_LENGTH = len("0000-00-00T00:00:00Z")
_UNREADABLE = re.compile(rf"[{CONTROL_CHARACTERS}\ud800-\udfff]")
"""Control characters, and halves of characters, which no request in UTF-8 has."""
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
    if len(text) > MAX_TABLE_NAME or _UNREADABLE.search(text):
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
    if not re.fullmatch(TIME_PATTERN, text, re.ASCII):
        raise InvalidQueryError(parameter, TIME_INVALID(name=parameter, value=text[:MAX_SHOWN]))
    return text.replace(" ", "T")


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


def parse_limit(text: str | None, default: int = DEFAULT_LIMIT) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidQueryError("limit", LIMIT_INVALID(value=text[:MAX_SHOWN], limit=MAX_LIMIT))
    return int(text)


def encode_token(place: str) -> str:
    """Return the token of a place in arrival order: a sort key of the log, or the beginning of a time."""
    time, rest = place[:_TIME_LENGTH], place[_TIME_LENGTH:]
    return f"{time}.{rest.encode().hex()}" if rest else time


def decode_token(text: str | None) -> str | None:
    """Return the place that a token names.

    Any place is valid, also one where no entry is, and for any query. Raises InvalidQueryError for a
    text that is none.
    """
    if text is None:
        return None
    if not re.fullmatch(TOKEN_PATTERN, text, re.ASCII):
        raise InvalidQueryError("next_token", TOKEN_INVALID())
    time, _, rest = text.partition(".")
    return time.replace(" ", "T") + bytes.fromhex(rest).decode(errors="replace")
