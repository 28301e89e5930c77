"""The two errors that end a statement, and Redshift's texts for PostgreSQL's errors.

SqlError       the emulator refuses a statement; sent to the client as an ErrorResponse
BackendError   the embedded PostgreSQL reported an error; its fields are translated and sent on

Sources of the translations: c_serial_isolation (1023), r_Character_types. All other texts are
PostgreSQL's own, which Redshift shares in most cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping


class SqlError(Exception):
    """An error for the client: SQLSTATE, message, and optionally the DETAIL and HINT lines that psql shows below it."""

    def __init__(
        self, sqlstate: str, message: str, detail: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint

    def fields(self) -> dict[str, str]:
        """Return the fields of an ErrorResponse by their one-letter code (PostgreSQL protocol,
        "Error and Notice Fields").
        """
        optional = {"D": self.detail, "H": self.hint}
        return {"S": "ERROR", "C": self.sqlstate, "M": self.message} | {
            k: v for k, v in optional.items() if v
        }


class BackendError(Exception):
    """PostgreSQL answered with an ErrorResponse.

    `fields` by one-letter code: C SQLSTATE, M message, D detail, W context (for COPY: line and
    column), n constraint, c column. Unless the error is `fatal`, ReadyForQuery has been read and
    the connection can be used.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields.get("M", "the connection to PostgreSQL was lost"))
        self.fields = dict(fields)

    @property
    def sqlstate(self) -> str:
        """The SQLSTATE; 08006 if the connection was lost before PostgreSQL sent one."""
        return self.fields.get("C", "08006")

    @property
    def fatal(self) -> bool:
        """Whether the error has ended the connection."""
        return self.fields.get("V", self.fields.get("S")) in ("FATAL", "PANIC")


CONNECTION_LOST = {
    "S": "FATAL",
    "V": "FATAL",
    "C": "08006",
    "M": "the connection to PostgreSQL was lost",
}

Fields = dict[str, str]

# The fields that Redshift sends, too. Positions would refer to the rewritten text; constraint and
# file names are PostgreSQL's.
_KEPT = ("S", "C", "M", "D", "H", "W")
_LENGTH_GUARD = re.compile(r"rs\$len\$\d+\$(.+)$")


def translate(fields: Mapping[str, str]) -> Fields:
    """Return the fields of PostgreSQL's error as Redshift would send them."""
    kept = {code: fields[code] for code in _KEPT if code in fields}
    translator = _BY_SQLSTATE.get(fields.get("C", ""))
    return translator(kept, fields) if translator else kept


def _error(kept: Fields, sqlstate: str, message: str) -> Fields:
    return {"S": kept.get("S", "ERROR"), "C": sqlstate, "M": message}


def _length(kept: Fields, fields: Mapping[str, str]) -> Fields:
    """The constraint that counts bytes has the type in its name."""
    guard = _LENGTH_GUARD.match(fields.get("n", ""))
    return _error(kept, "22001", "value too long for type " + guard.group(1)) if guard else kept


def _serialization(kept: Fields, fields: Mapping[str, str]) -> Fields:
    detail = "Serializable isolation violation on table - " + fields.get("t", "0")
    cycle = ", transactions forming the cycle are: 0, 0 (pid:0)"
    return _error(kept, "XX000", "1023") | {"D": detail + cycle, "H": kept.get("M", "")}


def _identity(kept: Fields, fields: Mapping[str, str]) -> Fields:
    del fields
    return _error(kept, "0A000", "cannot set an identity column to a value")


def _not_null(kept: Fields, fields: Mapping[str, str]) -> Fields:
    if not fields.get("M", "").startswith("null value in column"):
        return kept
    return _error(kept, "23502", "Cannot insert a NULL value into column " + fields.get("c", ""))


def _cardinality(kept: Fields, fields: Mapping[str, str]) -> Fields:
    if not fields.get("M", "").startswith("MERGE command cannot affect row a second time"):
        return kept
    return _error(kept, "XX000", "Found multiple matches to update the same tuple")


_BY_SQLSTATE: dict[str, Callable[[Fields, Mapping[str, str]], Fields]] = {
    "21000": _cardinality,
    "23502": _not_null,
    "23514": _length,
    "40001": _serialization,
    "428C9": _identity,
}
