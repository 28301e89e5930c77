"""Queries of one table's log: parses the API's parameters to a bounded read.

The parameters are untrusted input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from etl_core.model.api import LOG_PARAMETERS
from etl_core.model.lake_key import Action
from etl_core.model.status import Status
from etl_core.upload_log.parameters import (
    LAST,
    check_names,
    decode_token,
    parse_choice,
    parse_database,
    parse_limit,
    parse_table_name,
    parse_timestamp,
)


@dataclass(frozen=True)
class LogQuery:
    """A read of one table's entries, newest first.

    `first` and `last` bound the sort key, both inclusive; `after`, exclusive, is where the page begins.
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
        after = decode_token(parameters.get("next_token"))
        return cls(
            table_name=table_name,
            schema=schema,
            first=first,
            last=last,
            status=parse_choice(parameters, "status", tuple(Status)),
            database=parse_database(parameters.get("database")),
            action=parse_choice(parameters, "action", tuple(Action)),
            limit=parse_limit(parameters.get("limit")),
            after=None if after is not None and after > last else after,
        )

    @property
    def is_empty(self) -> bool:
        """Return whether no time is in all of the bounds."""
        return self.first > self.last or (self.after is not None and self.after <= self.first)


def _bounds(parameters: Mapping[str, str]) -> tuple[str, str]:
    """Return the first and the last sort key. Every parameter limits the times, as every other filter does."""
    given = {
        name: parse_timestamp(name, parameters[name])
        for name in ("landed_timestamp", "from", "to")
        if name in parameters
    }
    first = [given[name] for name in ("landed_timestamp", "from") if name in given]
    last = [given[name] + LAST for name in ("landed_timestamp", "to") if name in given]
    return max(first, default="0"), min(last, default=LAST)
