"""Names: what Redshift makes of an identifier, and which identifiers this project accepts.

Redshift folds ASCII letters to lower case even inside double quotes and silently cuts names at 127 bytes (database
developer guide, "Names and identifiers"), so that two different names can become one. Everything here works on folded names.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

MAX_IDENTIFIER_BYTES = 127
LEDGER_SCHEMA = "etl_ledger"
UNPARSED = "_unparsed"
DEFAULT_SCHEMA = "public"

SYSTEM_COLUMNS = frozenset({"oid", "xmin", "xmax", "cmin", "cmax", "ctid", "tableoid"})
"""PostgreSQL's system column names; Redshift refuses them as columns (unsupported PostgreSQL features)."""

_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_SAFE_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED_SCHEMAS = re.compile(r"pg_.*|information_schema|" + LEDGER_SCHEMA)


def fold(name: str) -> str:
    """The name as Redshift stores it: ASCII letters in lower case, everything else as it is."""
    return name.translate(_FOLD)


def faults_of_name(name: str, what: str) -> Iterator[str]:
    """Why a database, schema or table name is not accepted; nothing when it is."""
    if not _SAFE_NAME.fullmatch(fold(name)):
        yield f"the {what} {name!r} is not a safe name: letters a-z, digits and _ only, not beginning with a digit"
    elif len(name) > MAX_IDENTIFIER_BYTES:
        yield f"the {what} {name!r} has {len(name)} bytes; Redshift cuts names at {MAX_IDENTIFIER_BYTES}"


def faults_of_schema(name: str) -> Iterator[str]:
    """Why a schema name is not accepted; system schemas and the ledger's own are not."""
    yield from faults_of_name(name, "schema")
    if _RESERVED_SCHEMAS.fullmatch(fold(name)):
        yield f"the schema {name!r} is reserved; choose another schema"


def faults_of_column(name: str) -> Iterator[str]:
    """Why a column name is not accepted. Any printable text is, up to 127 bytes of UTF-8."""
    size = len(name.encode("utf-8", "surrogatepass"))
    if not name.strip():
        yield "a column name must not be empty"
    elif name != name.strip():
        yield f"the column name {name!r} begins or ends with a blank, which a CSV's header cannot tell; remove it"
    elif not name.isprintable():
        yield f"the column name {name!r} holds control or unprintable characters"
    elif size > MAX_IDENTIFIER_BYTES:
        yield f"the column name {name[:40]!r}... has {size} bytes; Redshift cuts names at {MAX_IDENTIFIER_BYTES}"
    elif fold(name) in SYSTEM_COLUMNS:
        yield f"the column name {name!r} is a system column of the database; choose another name"
