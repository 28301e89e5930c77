"""Queries of the tables: parses the API's parameters. They are untrusted input."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from etl_core.model.api import DEFAULT_TABLES, TABLES_PARAMETERS, TABLES_TOKEN_PATTERN
from etl_core.upload_log.messages import TOKEN_INVALID
from etl_core.upload_log.parameters import InvalidQueryError, check_names, parse_limit


@dataclass(frozen=True)
class TablesQuery:
    """A read of at most `limit` tables after the one with the totals key `after`, by name."""

    after: str
    limit: int

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> TablesQuery:
        """Parse the parameters. Raises InvalidQueryError for the first one at fault."""
        check_names(parameters, TABLES_PARAMETERS)
        after = _decode(parameters.get("next_token"))
        return cls(after, parse_limit(parameters.get("limit"), DEFAULT_TABLES))


def tables_token(name: str) -> str:
    """Return the token of the page that begins after the table with this totals key."""
    return name.encode().hex()


def _decode(text: str | None) -> str:
    """Return the place that the token names. Any place is valid, also one where no table is."""
    if text is None:
        return ""
    if not re.fullmatch(TABLES_TOKEN_PATTERN, text, re.ASCII):
        raise InvalidQueryError("next_token", TOKEN_INVALID())
    return bytes.fromhex(text).decode(errors="replace")
