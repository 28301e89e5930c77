"""The one error the stand-in raises itself, and the one PostgreSQL sends.

SqlError       a statement was refused here: goes to the client as an ErrorResponse
BackendError   the embedded PostgreSQL refused it: its fields, to be translated or relayed
"""

from __future__ import annotations

from collections.abc import Mapping


class SqlError(Exception):
    """An error for the client: SQLSTATE, message, and optionally the DETAIL and HINT lines psql shows below it."""

    def __init__(
        self, sqlstate: str, message: str, detail: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint

    def fields(self) -> dict[str, str]:
        """The fields of an ErrorResponse, by their one-letter code (PostgreSQL protocol, "Error and Notice Fields")."""
        optional = {"D": self.detail, "H": self.hint}
        return {"S": "ERROR", "C": self.sqlstate, "M": self.message} | {
            k: v for k, v in optional.items() if v
        }


class BackendError(Exception):
    """PostgreSQL answered with an ErrorResponse. `fields` by one-letter code: C SQLSTATE, M message, D detail,
    W context (for COPY: line and column), n constraint, c column. The connection is in step (ReadyForQuery was read)
    unless `fatal`."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields.get("M", "the connection to PostgreSQL was lost"))
        self.fields = dict(fields)

    @property
    def sqlstate(self) -> str:
        """SQLSTATE of the error; 08006 when the connection was lost before PostgreSQL could say anything."""
        return self.fields.get("C", "08006")

    @property
    def fatal(self) -> bool:
        """True when the connection is gone with the error."""
        return self.fields.get("V", self.fields.get("S")) in ("FATAL", "PANIC")


CONNECTION_LOST = {
    "S": "FATAL",
    "V": "FATAL",
    "C": "08006",
    "M": "the connection to PostgreSQL was lost",
}
