"""PostgreSQL's errors in Redshift's words, where those are known. Pure.

Sources: c_serial_isolation (1023), r_Character_types; the rest is PostgreSQL's own text, which Redshift shares in most cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Fields = dict[str, str]

# Fields that Redshift sends, too. Positions would point into the spliced text; constraint and file names are not Redshift's.
_KEPT = ("S", "C", "M", "D", "H", "W")
_LENGTH_GUARD = re.compile(r"rs\$len\$\d+\$(.+)$")


def translate(fields: Mapping[str, str]) -> Fields:
    """The fields of an error as Redshift would send them."""
    kept = {code: fields[code] for code in _KEPT if code in fields}
    translator = _BY_SQLSTATE.get(fields.get("C", ""))
    return translator(kept, fields) if translator else kept


def _length(kept: Fields, fields: Mapping[str, str]) -> Fields:
    guard = _LENGTH_GUARD.match(fields.get("n", ""))
    if not guard:
        return kept
    return {
        "S": kept.get("S", "ERROR"),
        "C": "22001",
        "M": "value too long for type " + guard.group(1),
    }


def _serialization(kept: Fields, fields: Mapping[str, str]) -> Fields:
    detail = "Serializable isolation violation on table - " + fields.get("t", "0")
    cycle = ", transactions forming the cycle are: 0, 0 (pid:0)"
    return {
        "S": kept.get("S", "ERROR"),
        "C": "XX000",
        "M": "1023",
        "D": detail + cycle,
        "H": kept.get("M", ""),
    }


def _identity(kept: Fields, fields: Mapping[str, str]) -> Fields:
    del fields
    return {
        "S": kept.get("S", "ERROR"),
        "C": "0A000",
        "M": "cannot set an identity column to a value",
    }


def _cardinality(kept: Fields, fields: Mapping[str, str]) -> Fields:
    if not fields.get("M", "").startswith("MERGE command cannot affect row a second time"):
        return kept
    return {
        "S": kept.get("S", "ERROR"),
        "C": "XX000",
        "M": "Found multiple matches to update the same tuple",
    }


_BY_SQLSTATE: dict[str, Callable[[Fields, Mapping[str, str]], Fields]] = {
    "21000": _cardinality,
    "23514": _length,
    "40001": _serialization,
    "428C9": _identity,
}
