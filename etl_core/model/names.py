"""Identifiers: how Redshift stores them, and which ones this project accepts.

Redshift folds ASCII letters to lower case even inside double quotes and silently cuts names at 127
bytes (database developer guide, "Names and identifiers"), so two different names can become one.
Everything here works on folded names.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator

from etl_core.model.messages import (
    COLUMN_NAME_BLANKS,
    COLUMN_NAME_EMPTY,
    COLUMN_NAME_SYSTEM,
    COLUMN_NAME_TOO_LONG,
    COLUMN_NAME_UNPRINTABLE,
    NAME_TOO_LONG,
    NAME_UNSAFE,
    SCHEMA_NAME_RESERVED,
)

MAX_IDENTIFIER_BYTES = 127
LEDGER_SCHEMA = "etl_ledger"
UNPARSED = "_unparsed"
DEFAULT_SCHEMA = "public"

SYSTEM_COLUMNS = frozenset({"oid", "xmin", "xmax", "cmin", "cmax", "ctid", "tableoid"})
"""PostgreSQL's system column names. Redshift refuses them as column names (unsupported PostgreSQL features)."""

_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_SAFE_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED_SCHEMAS = re.compile(r"pg_.*|information_schema|" + LEDGER_SCHEMA)


def fold(name: str) -> str:
    """Return the name as Redshift stores it: ASCII letters in lower case, the rest unchanged."""
    return name.translate(_FOLD)


def header_spelling(name: str) -> str:
    """Return the name of a header without blanks around it, and with composed accents."""
    return unicodedata.normalize("NFC", name.strip())


def header_key(name: str) -> str:
    """Return the text by which names of a header are compared: equal for names that differ only in
    case, in blanks around them, or in how their accents are encoded.
    """
    if name.isascii():
        return fold(name.strip())
    return unicodedata.normalize("NFC", header_spelling(name).casefold())


def faults_of_name(name: str, kind: str) -> Iterator[str]:
    """Yield why a name is not accepted; nothing if it is.

    `kind` is `database`, `schema` or `table`.
    """
    if not _SAFE_NAME.fullmatch(fold(name)):
        yield NAME_UNSAFE(kind=kind, name=name)
    elif len(name) > MAX_IDENTIFIER_BYTES:
        yield NAME_TOO_LONG(kind=kind, name=name, size=len(name), limit=MAX_IDENTIFIER_BYTES)


def faults_of_schema(name: str) -> Iterator[str]:
    """Yield why a schema name is not accepted; nothing if it is.

    System schemas and the ledger's schema are refused.
    """
    yield from faults_of_name(name, "schema")
    if _RESERVED_SCHEMAS.fullmatch(fold(name)):
        yield SCHEMA_NAME_RESERVED(name=name)


def faults_of_column(name: str) -> Iterator[str]:
    """Yield why a column name is not accepted; nothing if it is.

    Printable text up to 127 bytes of UTF-8 is accepted.
    """
    size = len(name.encode("utf-8", "surrogatepass"))
    if not name.strip():
        yield COLUMN_NAME_EMPTY()
    elif name != name.strip():
        yield COLUMN_NAME_BLANKS(name=name)
    elif not name.isprintable():
        yield COLUMN_NAME_UNPRINTABLE(name=name)
    elif size > MAX_IDENTIFIER_BYTES:
        yield COLUMN_NAME_TOO_LONG(beginning=name[:40], size=size, limit=MAX_IDENTIFIER_BYTES)
    elif fold(name) in SYSTEM_COLUMNS:
        yield COLUMN_NAME_SYSTEM(name=name)


METRIC_NAMESPACE, METRIC_DIMENSION = "RedshiftLakeLoader", "Stack"
LEDGER_FAULTS = "LedgerFaults"
"""The metric of the scheduled reconcile: damaged ledgers, and uploads that a ledger should know and does not."""
OLDEST_PENDING, PENDING = "OldestPendingSeconds", "PendingUploads"
"""Metrics of the scheduled look at the pending uploads: the age of the oldest one, and how many there are."""
