"""A schema file from the values of a CSV file. Pure; a column's profile has a bounded size whatever the file's.

A type is chosen only when it keeps every value as it is written: 007 and +49 stay text, and so does what only mostly looks like a number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from etl_core.csv_files.datetime_formats import is_auto_moment, is_time
from etl_core.csv_files.rows import CsvRow
from etl_core.csv_files.values import DEFAULT_NULL, size_of
from etl_core.model.errors import InvalidDataFileError
from etl_core.model.names import faults_of_column, fold
from etl_core.schema_files.schema_file import CsvOptions

_MOST_KEPT, _LONGEST_KEPT = 20_000, 64
_MAX_VARCHAR = 65535
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)\.(\d+)", re.ASCII)
_FLOAT = re.compile(r"-?\d(?:\.\d+[eE][-+]?\d{1,2}|[eE][-+]\d{1,2})", re.ASCII)
_EXPONENT = re.compile(
    r"-?\d[eE]\d{1,2}", re.ASCII
)  # 1e3 is a number among measurements, and a code by itself
_CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d{1,6}0*)?)?(?P<zone> ?(?:Z|UTC|[-+]\d\d(?::?\d\d)?))?"
_TIME = re.compile(_CLOCK, re.ASCII)
# Only what can be read in one way: 01/02/2003 may be any of two days, and stays text.
_MOMENT = re.compile(
    r"(?:\d{4}-\d\d-\d\d|(?P<dotted>\d\d\.\d\d\.\d{4})|(?P<named>\d\d?[- ][A-Za-z]{3,9}[- ]\d{4}|[A-Za-z]{3,9} \d\d?, \d{4}"
    rf"|\d{{4}}-[A-Za-z]{{3}}-\d\d))(?P<clock>[ T]{_CLOCK})?",
    re.ASCII,
)
_PAIRS: tuple[set[str], ...] = ({"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"})
_NUMBERS = frozenset({"integer", "decimal", "float", "exponent"})
_NULL_WORDS = frozenset({"na", "n/a", "null", "none", "nan", "nil", "-", "?", "\\n"})
_INTEGERS = (("SMALLINT", 2**15), ("INTEGER", 2**31), ("BIGINT", 2**63))


@dataclass(frozen=True)
class Guess:
    """What a column seems to be. `hints` say what its owner should look at."""

    name: str
    type: str
    nullable: bool
    hints: tuple[str, ...] = ()


@dataclass
class _Shapes:
    """What the values of a column have in common: kinds met, and the extents that types need."""

    kinds: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    least: int = 0
    most: int = 0
    whole: int = 0
    decimals: set[int] = field(default_factory=set)
    fits_double: bool = True
    date_styles: set[str] = field(default_factory=set)

    def add(self, value: str) -> None:
        """Takes one value into account."""
        kind = self._kind(value)
        self.kinds.add(kind)
        if kind in _NUMBERS:
            self.fits_double = self.fits_double and _fits_double(value)
        if kind == "word" and len(self.words) < 5:
            self.words.add(value.lower())

    def _kind(self, value: str) -> str:
        if _INTEGER.fullmatch(value) and len(value) <= 39:
            self._extend(value.lstrip("-"), "")
            number = int(value)
            self.least, self.most = min(self.least, number), max(self.most, number)
            return "integer"
        if match := _DECIMAL.fullmatch(value):
            self._extend(match[1], match[2])
            return "decimal"
        if _FLOAT.fullmatch(value):
            return "float"
        if _EXPONENT.fullmatch(value):
            return "exponent"
        return self._moment(value) or "word"

    def _moment(self, value: str) -> str | None:
        if (match := _TIME.fullmatch(value)) and is_time(value):
            return "zoned time" if match["zone"] else "time"
        if not (match := _MOMENT.fullmatch(value)) or not is_auto_moment(value):
            return None
        self.date_styles.add("dotted" if match["dotted"] else "named" if match["named"] else "iso")
        return "zoned" if match["zone"] else "moment" if match["clock"] else "day"

    def _extend(self, whole: str, fraction: str) -> None:
        self.whole = max(self.whole, len(whole))
        if fraction and len(self.decimals) < 50:
            self.decimals.add(len(fraction))

    def type(self) -> str | None:
        """The type that keeps all values; None when only a text does."""
        if not self.kinds:
            return None
        if self.kinds <= {"integer", "decimal"}:
            return self._decimal() if self.decimals else self._integer()
        if self.kinds <= _NUMBERS:
            return (
                "DOUBLE PRECISION"
                if self.fits_double and self.kinds & {"decimal", "float"}
                else None
            )
        if len(self.date_styles) > 1:
            return None
        match sorted(self.kinds):
            case ["time"]:
                return "TIME"
            case ["zoned time"]:
                return "TIMETZ"
            case ["day"]:
                return "DATE"
            case ["moment"] | ["day", "moment"]:
                return "TIMESTAMP"
            case ["zoned"]:
                return "TIMESTAMPTZ"
            case ["word"] if self.words in _PAIRS or self.words <= _PAIRS[0]:
                return "BOOLEAN"
        return None

    def _integer(self) -> str | None:
        for name, limit in _INTEGERS:
            # Twice the range that was seen; the last type takes what it can.
            if -limit <= self.least * 2 and self.most * 2 < limit:
                return name
        if self.least >= -(2**63) and self.most < 2**63:
            return "BIGINT"
        return f"NUMERIC({max(20, min(38, self.whole + 2))},0)" if self.whole <= 38 else None

    def _decimal(self) -> str | None:
        """NUMERIC where the decimals are of one length or few, as amounts are; measurements come in all lengths."""
        scale = max(self.decimals)
        if self.fits_double and len(self.decimals) > 1 and scale > 4:
            return "DOUBLE PRECISION"
        if self.whole + scale > 38 or scale > 37:
            return "DOUBLE PRECISION" if self.fits_double else None
        precision = min(38, self.whole + 2 + scale)
        # NUMERIC(19,s) holds less than its digits say, as it is kept in 64 bits.
        return f"NUMERIC({max(precision, 20) if precision > 18 else precision},{scale})"


class ColumnProfile:
    """Collects a column's values, and forgets them."""

    def __init__(self, name: str, null_as: str | None) -> None:
        self.name, self._null_as = name, DEFAULT_NULL if null_as is None else null_as
        self.seen: set[str] = set()
        self._shapes, self._size, self._has_nulls = _Shapes(), 0, False
        self._null_words: set[str] = set()

    def add(self, value: str) -> None:
        """Takes a value that is not in `seen` into account."""
        if len(value) <= _LONGEST_KEPT and len(self.seen) < _MOST_KEPT:
            self.seen.add(value)
        if value == self._null_as or not value.strip():
            self._has_nulls = True
            # Blanks are NULL for a number, and a text for a text.
            self._size = max(self._size, 0 if value == self._null_as else size_of(value))
            return
        self._size = max(self._size, size_of(value))
        if value.lower() in _NULL_WORDS:
            self._null_words.add(value)
            return
        self._shapes.add(value)

    def guess(self, *, sampled: bool) -> Guess:
        """The column. Of a sample, every column may have nulls further on."""
        found = self._shapes.type()
        nullable = sampled or self._has_nulls or not self._size
        if found is not None and not self._null_words:
            return Guess(self.name, found, nullable)
        return Guess(
            self.name, f"VARCHAR({_with_headroom(self._size)})", nullable, tuple(self._hints(found))
        )

    def _hints(self, found: str | None) -> Iterable[str]:
        if not self._size:
            yield "has no values; its type is a guess"
        if found is not None and self._null_words:
            words = ", ".join(map(repr, sorted(self._null_words)))
            yield f"would be {found} but for {words}; if that means null, say so with --null-as"
        if self._size > _MAX_VARCHAR:
            yield f"has a value of {self._size} bytes; Redshift takes {_MAX_VARCHAR}, so that the file will not load"


def infer_columns(
    rows: Iterable[CsvRow], header: Sequence[str], null_as: str | None, *, sampled: bool
) -> list[Guess]:
    """The columns that take every value of the rows. Raises InvalidDataFileError: names no table can have, rows that are no rows."""
    names = column_names(header)
    profiles = [ColumnProfile(name, null_as) for name in names]
    known = [profile.seen for profile in profiles]
    for line, fields, fault in rows:
        if fault is not None:
            raise InvalidDataFileError(f"line {line}: {fault}")
        if len(fields) != len(names):
            if fields == [""]:
                continue
            raise InvalidDataFileError(
                f"line {line} has {len(fields)} fields; the header has {len(names)}. Is the delimiter another one?"
            )
        for value, seen, profile in zip(fields, known, profiles, strict=True):
            if value not in seen:
                _check_text(line, profile.name, value)
                profile.add(value)
    return [profile.guess(sampled=sampled) for profile in profiles]


def column_names(header: Sequence[str]) -> list[str]:
    """The header's names as a table would have them. Raises InvalidDataFileError for those that it cannot have, all at once."""
    names = [fold(name.strip()) for name in header]
    faults = [
        f"column {number}: {fault}"
        for number, name in enumerate(names, 1)
        for fault in faults_of_column(name)
    ]
    faults += [
        f"column {number}: the name {name!r} is there twice (upper and lower case are the same)"
        for number, name in enumerate(names, 1)
        if name in set(names[: number - 1])
    ]
    if faults:
        raise InvalidDataFileError(
            f"the header cannot name a table's columns: {'; '.join(faults[:20])}", faults[:100]
        )
    return names


def render_schema_file(guesses: Sequence[Guess], options: CsvOptions) -> str:
    """The schema file's text, a column a line."""
    columns = ",\n".join(
        f"    {json.dumps(_column(guess), ensure_ascii=False)}" for guess in guesses
    )
    csv = options.model_dump(mode="json", exclude_defaults=True)
    tail = f',\n  "csv": {json.dumps(csv, ensure_ascii=False)}' if csv else ""
    return f'{{\n  "schema_version": "1",\n  "columns": [\n{columns}\n  ]{tail}\n}}\n'


def _column(guess: Guess) -> dict[str, Any]:
    return {"name": guess.name, "type": guess.type} | (
        {} if guess.nullable else {"nullable": False}
    )


def _fits_double(value: str) -> bool:
    """Whether the value is how some program writes a double: in as few digits as tell it, or in all 17."""
    number, written = float(value), Decimal(value)
    return written in (Decimal(repr(number)), Decimal(f"{number:.17g}"))


def _with_headroom(size: int) -> int:
    """Half as much again, as a power of two."""
    return (
        256
        if not size
        else min(_MAX_VARCHAR, max(4, 1 << (size + (size + 1) // 2 - 1).bit_length()))
    )


def _check_text(line: int, name: str, value: str) -> None:
    if "\0" in value or (
        not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)
    ):
        what = "a NUL character" if "\0" in value else "bytes that are not valid UTF-8"
        raise InvalidDataFileError(
            f"line {line}, column {name!r} holds {what}, which Redshift cannot store; save the file as UTF-8"
        )
