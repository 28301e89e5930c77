"""Queries of one table's log: parses the API's parameters to a bounded read.

The parameters are untrusted input.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from etl_core.model.api import LOG_PARAMETERS
from etl_core.model.lake_key import Action
from etl_core.model.status import Status
from etl_core.upload_log.messages import (
    TIMES_CONFLICT,
    TIMES_REVERSED,
    TOKEN_INVALID,
    TOKEN_OF_OTHER_TABLE,
    TOKEN_OF_OTHER_TIMES,
)
from etl_core.upload_log.parameters import (
    LAST,
    SORT_KEY_TAIL,
    InvalidQueryError,
    check_names,
    decode_token,
    encode_token,
    parse_choice,
    parse_database,
    parse_limit,
    parse_table_name,
    parse_timestamp,
)


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
        check_names(parameters, LOG_PARAMETERS)
        table_name, schema = parse_table_name("table_name", parameters.get("table_name"))
        first, last = _bounds(parameters)
        after = _token(parameters.get("next_token"), table_name)
        if after is not None and not first <= after <= last:
            raise InvalidQueryError("next_token", TOKEN_OF_OTHER_TIMES())
        return cls(
            table_name=table_name,
            schema=schema,
            first=first,
            last=last,
            status=parse_choice(parameters, "status", tuple(Status)),
            database=parse_database(parameters.get("database")),
            action=parse_choice(parameters, "action", tuple(Action)),
            limit=parse_limit(parameters.get("limit")),
            after=after,
        )


def next_token(table_name: str, landed_key: str) -> str:
    """Return the token of the page that begins after this entry. `table_name` as in LogQuery."""
    return encode_token(landed_key, table_name)


def _bounds(parameters: Mapping[str, str]) -> tuple[str, str]:
    exact, first, last = (parameters.get(name) for name in ("landed_timestamp", "from", "to"))
    if exact is not None and (first is not None or last is not None):
        raise InvalidQueryError("landed_timestamp", TIMES_CONFLICT())
    if exact is not None:
        prefix = parse_timestamp("landed_timestamp", exact)
        return prefix, prefix + LAST
    lower = parse_timestamp("from", first) if first is not None else "0"
    upper = (parse_timestamp("to", last) if last is not None else "") + LAST
    if lower > upper:
        raise InvalidQueryError("from", TIMES_REVERSED(first=first, last=last))
    return lower, upper


def _token(text: str | None, table_name: str) -> str | None:
    """Return the sort key of the entry that the token names."""
    if text is None:
        return None
    key, table = decode_token(text)
    if not re.fullmatch(rf"\d{{4}}-\d\d-\d\d{SORT_KEY_TAIL}", key, re.ASCII):
        raise InvalidQueryError("next_token", TOKEN_INVALID())
    if table != table_name:
        raise InvalidQueryError("next_token", TOKEN_OF_OTHER_TABLE())
    return key
