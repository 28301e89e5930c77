"""Types of other databases and programs, and the Redshift type to write instead. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_LARGE_TEXT = "VARCHAR(n), at most VARCHAR(65535)"
_TRANSLATIONS = {
    "VARCHAR(n)": "string str nstring varchar2 nvarchar2 characters sysname symbol category",
    _LARGE_TEXT: "clob nclob ntext longtext mediumtext tinytext long xml",
    "VARCHAR(36)": "uuid uniqueidentifier guid",
    "VARCHAR(45)": "inet cidr",
    "VARCHAR(n), long enough for the longest value": "enum set",
    "SMALLINT": "tinyint byte uint8 int16 year",
    "INTEGER": "mediumint int32 uint16 smallserial serial",
    "BIGINT": "int64 int128 uint32 long bigserial hugeint",
    "NUMERIC(20,0)": "uint64",
    "NUMERIC(p,s)": "number fixed",
    "NUMERIC(38,9)": "bignumeric bigdecimal",
    "NUMERIC(19,4)": "money smallmoney currency",
    "REAL": "float32 single binary_float",
    "DOUBLE PRECISION": "double float64 binary_double",
    "BOOLEAN": "bit logical",
    "TIMESTAMP": "datetime datetime2 smalldatetime timestamp_ntz timestampntz datetime64",
    "TIMESTAMPTZ": "datetimeoffset timestamp_tz timestamp_ltz timestampltz",
    "SUPER": "json jsonb array struct map object variant record row list dict hstore",
    "VARBYTE(n)": "bytes bytea blob binary longblob mediumblob tinyblob image rowversion raw",
    "DATE": "date32",
}
_MEANT = {name: kind for kind, names in _TRANSLATIONS.items() for name in names.split()}
_WITH_ARGUMENTS = {"VARCHAR(n)", "NUMERIC(p,s)", "VARBYTE(n)"}
_WORD = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE)
_ARGUMENTS = re.compile(r"\(\s*\d{1,5}\s*(?:,\s*\d{1,2}\s*)?\)", re.ASCII)


def translate(text: str) -> str | None:
    """Return the Redshift type for a type of another dialect, with the same arguments; None for an unknown one."""
    if "unsigned" in (words := text.lower().split()):
        return "NUMERIC(20,0)" if words[0].startswith("bigint") else "BIGINT"
    word = _WORD.match(text.strip())
    meant = _MEANT.get(word[0].lower()) if word else None
    if meant in _WITH_ARGUMENTS and (arguments := _ARGUMENTS.search(text)):
        return meant.partition("(")[0] + "".join(arguments[0].split())
    return meant


def similar_type(text: str, known: Iterable[str]) -> str | None:
    """Return the type name that was probably meant; None if none is similar."""
    written = " ".join(text.partition("(")[0].upper().split())[:40]
    return next(iter(difflib.get_close_matches(written, list(known), n=1, cutoff=0.7)), None)
