"""Infers a schema file from the values of a CSV file. Pure. Memory use does not grow with the file.

A type is chosen only if it keeps every value as it is written: 007 and +49 stay text, and so does a
column with a single value that is not a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from etl_cli.terminal import to_json
from etl_core.csv_files.datetime_formats import is_auto_datetime, is_time
from etl_core.csv_files.rows import CsvRow
from etl_core.csv_files.values import DEFAULT_NULL, size_of
from etl_core.model.errors import InvalidDataFileError
from etl_core.model.names import faults_of_column, fold
from etl_core.schema_files.schema_file import CsvOptions

_MAX_KEPT, _MAX_KEPT_LENGTH, _MAX_WORDS, _MAX_SCALES = 20_000, 64, 5, 50
_MAX_VARCHAR = 65535
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)\.(\d+)", re.ASCII)
_FLOAT = re.compile(r"-?\d(?:\.\d+[eE][-+]?\d{1,2}|[eE][-+]\d{1,2})", re.ASCII)
# 1e3 is a number among other measurements, and a code by itself.
_EXPONENT = re.compile(r"-?\d[eE]\d{1,2}", re.ASCII)
_CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d{1,6}0*)?)?(?P<zone> ?(?:Z|UTC|[-+]\d\d(?::?\d\d)?))?"
_TIME = re.compile(_CLOCK, re.ASCII)
# Only unambiguous forms: 01/02/2003 can be one of two days and stays text.
_DATETIME = re.compile(
    r"(?:\d{4}-\d\d-\d\d|(?P<dotted>\d\d\.\d\d\.\d{4})"
    r"|(?P<named>\d\d?[- ][A-Za-z]{3,9}[- ]\d{4}|[A-Za-z]{3,9} \d\d?, \d{4}"
    rf"|\d{{4}}-[A-Za-z]{{3}}-\d\d))(?P<clock>[ T]{_CLOCK})?",
    re.ASCII,
)
_PAIRS: tuple[set[str], ...] = ({"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"})
_NUMBERS = frozenset({"integer", "decimal", "float", "exponent"})
_NULL_WORDS = frozenset({"na", "n/a", "null", "none", "nan", "nil", "-", "?", "\\n"})
_INTEGERS = (("SMALLINT", 2**15), ("INTEGER", 2**31), ("BIGINT", 2**63))


@dataclass(frozen=True)
class Guess:
    """The inferred column. `hints` are things that a person should check."""

    name: str
    type: str
    nullable: bool
    hints: tuple[str, ...] = ()


@dataclass
class _Statistics:
    """What is known of a column's values: their kinds, and the ranges that decide the type."""

    kinds: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    minimum: int = 0
    maximum: int = 0
    whole_digits: int = 0
    scales: set[int] = field(default_factory=set)
    fits_double: bool = True
    date_styles: set[str] = field(default_factory=set)

    def add(self, value: str) -> None:
        """Add one value."""
        kind = self._kind(value)
        self.kinds.add(kind)
        if kind in _NUMBERS:
            self.fits_double = self.fits_double and _fits_double(value)
        if kind == "word" and len(self.words) < _MAX_WORDS:
            self.words.add(value.lower())

    def _kind(self, value: str) -> str:
        if _INTEGER.fullmatch(value) and len(value) <= 39:
            self._add_digits(value.lstrip("-"), "")
            number = int(value)
            self.minimum, self.maximum = min(self.minimum, number), max(self.maximum, number)
            return "integer"
        if match := _DECIMAL.fullmatch(value):
            self._add_digits(match[1], match[2])
            return "decimal"
        if _FLOAT.fullmatch(value):
            return "float"
        if _EXPONENT.fullmatch(value):
            return "exponent"
        return self._datetime_kind(value) or "word"

    def _datetime_kind(self, value: str) -> str | None:
        if (match := _TIME.fullmatch(value)) and is_time(value):
            return "zoned time" if match["zone"] else "time"
        if not (match := _DATETIME.fullmatch(value)) or not is_auto_datetime(value):
            return None
        self.date_styles.add("dotted" if match["dotted"] else "named" if match["named"] else "iso")
        return "zoned timestamp" if match["zone"] else "timestamp" if match["clock"] else "date"

    def _add_digits(self, whole: str, fraction: str) -> None:
        self.whole_digits = max(self.whole_digits, len(whole))
        if fraction and len(self.scales) < _MAX_SCALES:
            self.scales.add(len(fraction))

    def type(self) -> str | None:
        """Return the type that keeps all values as written; None if only a text does."""
        if not self.kinds:
            return None
        if self.kinds <= {"integer", "decimal"}:
            return self._decimal() if self.scales else self._integer()
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
            case ["date"]:
                return "DATE"
            case ["timestamp"] | ["date", "timestamp"]:
                return "TIMESTAMP"
            case ["zoned timestamp"]:
                return "TIMESTAMPTZ"
            case ["word"] if self.words in _PAIRS or self.words <= _PAIRS[0]:
                return "BOOLEAN"
        return None

    def _integer(self) -> str | None:
        for name, limit in _INTEGERS:
            # With room for twice the range that was seen.
            if -limit <= self.minimum * 2 and self.maximum * 2 < limit:
                return name
        if self.minimum >= -(2**63) and self.maximum < 2**63:
            return "BIGINT"
        if self.whole_digits > 38:
            return None
        return f"NUMERIC({max(20, min(38, self.whole_digits + 2))},0)"

    def _decimal(self) -> str | None:
        """Return NUMERIC for few different scales, as amounts have; measurements have many and
        become DOUBLE PRECISION.
        """
        scale = max(self.scales)
        if self.fits_double and len(self.scales) > 1 and scale > 4:
            return "DOUBLE PRECISION"
        if self.whole_digits + scale > 38 or scale > 37:
            return "DOUBLE PRECISION" if self.fits_double else None
        precision = min(38, self.whole_digits + 2 + scale)
        # NUMERIC(19,s) is stored in 64 bits and cannot hold all numbers of 19 digits.
        return f"NUMERIC({max(precision, 20) if precision > 18 else precision},{scale})"


class ColumnProfile:
    """Collects statistics of a column's values, and a limited number of the values themselves."""

    def __init__(self, name: str, null_as: str | None) -> None:
        self.name, self._null_as = name, DEFAULT_NULL if null_as is None else null_as
        self.seen: set[str] = set()
        self._statistics, self._size, self._has_nulls = _Statistics(), 0, False
        self._null_words: set[str] = set()

    def add(self, value: str) -> None:
        """Add a value that is not in `seen`."""
        if len(value) <= _MAX_KEPT_LENGTH and len(self.seen) < _MAX_KEPT:
            self.seen.add(value)
        if value == self._null_as or not value.strip():
            self._has_nulls = True
            # Blanks are NULL in a number column, and a text in a text column.
            self._size = max(self._size, 0 if value == self._null_as else size_of(value))
            return
        self._size = max(self._size, size_of(value))
        if value.lower() in _NULL_WORDS:
            self._null_words.add(value)
            return
        self._statistics.add(value)

    def guess(self, *, sampled: bool) -> Guess:
        """Return the inferred column. A sample proves no column to be without NULLs."""
        kind = self._statistics.type()
        nullable = sampled or self._has_nulls or not self._size
        if kind is not None and not self._null_words:
            return Guess(self.name, kind, nullable)
        text = f"VARCHAR({_with_headroom(self._size)})"
        return Guess(self.name, text, nullable, tuple(self._hints(kind)))

    def _hints(self, kind: str | None) -> Iterable[str]:
        if not self._size:
            yield "has no values; its type is a guess"
        if kind is not None and self._null_words:
            words = ", ".join(map(repr, sorted(self._null_words)))
            yield f"would be {kind} without {words}; if that means NULL, use --null-as"
        if self._size > _MAX_VARCHAR:
            yield f"has a value of {self._size} bytes; VARCHAR holds {_MAX_VARCHAR} bytes, so the file cannot be loaded"


def infer_columns(
    rows: Iterable[CsvRow], header: Sequence[str], null_as: str | None, *, sampled: bool
) -> list[Guess]:
    """Return columns that accept every value of the rows.

    Raises InvalidDataFileError for invalid column names and invalid rows.
    """
    names = column_names(header)
    profiles = [ColumnProfile(name, null_as) for name in names]
    known = [profile.seen for profile in profiles]
    for line, fields, fault, _ in rows:
        if fault is not None:
            raise InvalidDataFileError(f"line {line}: {fault}")
        if len(fields) != len(names):
            if fields == [""]:
                continue
            raise InvalidDataFileError(
                f"line {line} has {len(fields)} fields; the header has {len(names)}. Check the delimiter"
            )
        for value, seen, profile in zip(fields, known, profiles, strict=True):
            if value not in seen:
                _check_text(line, profile.name, value)
                profile.add(value)
    return [profile.guess(sampled=sampled) for profile in profiles]


def column_names(header: Sequence[str]) -> list[str]:
    """Return the header's names as column names.

    Raises InvalidDataFileError with every name that is not accepted.
    """
    names = [fold(name.strip()) for name in header]
    faults = [
        f"column {number}: {fault}"
        for number, name in enumerate(names, 1)
        for fault in faults_of_column(name)
    ]
    faults += [
        f"column {number}: the name {name!r} is used twice (upper and lower case are the same)"
        for number, name in enumerate(names, 1)
        if name in set(names[: number - 1])
    ]
    if faults:
        raise InvalidDataFileError(
            f"the header cannot name a table's columns: {'; '.join(faults[:20])}", faults[:100]
        )
    return names


def render_schema_file(guesses: Sequence[Guess], options: CsvOptions) -> str:
    """Return the text of the schema file, one column in each line."""
    columns = ",\n".join(f"    {to_json(_column(guess), indent=None)}" for guess in guesses)
    csv = options.model_dump(mode="json", exclude_defaults=True)
    tail = f',\n  "csv": {to_json(csv, indent=None)}' if csv else ""
    return f'{{\n  "schema_version": "1",\n  "columns": [\n{columns}\n  ]{tail}\n}}\n'


def _column(guess: Guess) -> dict[str, Any]:
    return {"name": guess.name, "type": guess.type} | (
        {} if guess.nullable else {"nullable": False}
    )


def _fits_double(value: str) -> bool:
    """Whether the value is a double as programs write it: with the fewest digits that identify it, or with all 17."""
    number, written = float(value), Decimal(value)
    return written in (Decimal(repr(number)), Decimal(f"{number:.17g}"))


def _with_headroom(size: int) -> int:
    """Return the length with half of it added, rounded up to a power of two."""
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
