"""What the values of a column are, and the type that keeps them. Pure. Memory use does not grow with the values.

A type is chosen only if it keeps every value as it is written: 007 and +49 stay text, and so does a
column with a single value that is not a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from etl_core.csv_files.datetime_formats import is_auto_datetime, is_time

_MAX_WORDS, _MAX_SCALES = 5, 50
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)\.(\d+)", re.ASCII)
_FLOAT = re.compile(r"-?\d(?:\.\d+[eE][-+]?\d{1,2}|[eE][-+]\d{1,2})", re.ASCII)
# 1e3 is a number among other measurements, and a code by itself.
_EXPONENT = re.compile(r"-?\d[eE]\d{1,2}", re.ASCII)
_CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d{1,6}0*)?)?(?P<zone> ?(?:Z|UTC|[-+]\d\d(?::?\d\d)?))?"
_TIME = re.compile(_CLOCK, re.ASCII)
# Only unambiguous forms: 01/02/2003 and 01.02.2003 can be one of two days and stay text. A load refuses
# them, too, unless the schema file has their format.
_DATETIME = re.compile(
    r"(?:\d{4}-\d\d-\d\d"
    r"|(?P<named>\d\d?[- ][A-Za-z]{3,9}[- ]\d{4}|[A-Za-z]{3,9} \d\d?, \d{4}"
    rf"|\d{{4}}-[A-Za-z]{{3}}-\d\d))(?P<clock>[ T]{_CLOCK})?",
    re.ASCII,
)
_TRUTHS = frozenset({"true", "false"})
_PAIRS: tuple[frozenset[str], ...] = (
    _TRUTHS,
    frozenset({"t", "f"}),
    frozenset({"yes", "no"}),
    frozenset({"y", "n"}),
)
_NUMBERS = frozenset({"integer", "decimal", "float", "exponent"})
_INTEGERS = (("SMALLINT", 2**15), ("INTEGER", 2**31), ("BIGINT", 2**63))
_BIGINT = 2**63

_NEARLY = (
    (
        re.compile(r"\d{4}/\d\d?/\d\d?(?: \d\d?:\d\d(?::\d\d)?)?", re.ASCII),
        "looks like dates such as {value}; COPY reads them as DATE or TIMESTAMP: change the type if that is meant",
    ),
    (
        re.compile(r"\d\d?([/.-])\d\d?\1(?:\d\d){1,2}(?: \d\d?:\d\d(?::\d\d)?)?", re.ASCII),
        "looks like dates such as {value}, which can be one of two days; to load dates, make it DATE and set "
        "csv.date_format, such as DD/MM/YYYY or MM/DD/YYYY",
    ),
    (
        re.compile(r"[-+]?\.\d+|\+(?:0|[1-9]\d*)\.\d*", re.ASCII),
        "looks like numbers such as {value}; COPY reads them: make it NUMERIC(p,s) if that is meant",
    ),
    (
        re.compile(
            r"[-+(]?[$€£]? ?\d{1,3}(?:[ ,.']\d{3})+(?:[.,]\d+)?[ %€)]*|[-+]?[$€£] ?\d+(?:[.,]\d+)?"
            r"|[-+]?\d+(?:[.,]\d+)? ?[%€]|-?\d+,\d+",
        ),
        "looks like numbers such as {value}; COPY reads only numbers such as 1234.5: write them so",
    ),
)
"""Texts that nearly are dates or numbers, and what a person may do about them."""


@dataclass
class ValueKinds:
    """What is known of a column's values: their kinds, and the ranges that decide the type."""

    kinds: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    minimum: int = 0
    maximum: int = 0
    whole_digits: int = 0
    scales: set[int] = field(default_factory=set)
    has_padding: bool = False
    fits_double: bool = True
    date_styles: set[str] = field(default_factory=set)
    nearly: dict[int, str] = field(default_factory=dict)
    """For each form of _NEARLY, a value that has it; -1 for a value that has none."""

    def add(self, value: str) -> None:
        """Add one value."""
        kind = self._kind(value)
        self.kinds.add(kind)
        if kind in _NUMBERS:
            self.fits_double = self.fits_double and _fits_double(value)
        elif kind == "word":
            if len(self.words) < _MAX_WORDS:
                self.words.add(value.lower())
            if -1 not in self.nearly:
                self.nearly.setdefault(_form(value), value)

    def type(self, *, tight: bool) -> str | None:
        """Return the type that keeps all values as written; None if only a text does.

        `tight`: the smallest type, also one that changes how values are spelled, as Y becomes true.
        """
        if not self.kinds:
            return None
        if self.kinds <= {"integer", "decimal"}:
            return self._decimal(tight=tight) if self.scales else self._integer(tight=tight)
        if self.kinds <= _NUMBERS:
            is_measured = self.fits_double and self.kinds & {"decimal", "float"}
            return "DOUBLE PRECISION" if is_measured else None
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
            case ["word"] if self.words <= _TRUTHS or (tight and self.words in _PAIRS):
                return "BOOLEAN"
        return None

    def note(self) -> str | None:
        """Return what a person should know if the column becomes a text; None if it clearly is one."""
        if (kind := self.type(tight=True)) is not None:
            return f"keeps its spelling as a text; --tight makes it {kind}"
        if len(self.nearly) == 1 and -1 not in self.nearly and self.kinds <= _NUMBERS | {"word"}:
            [(form, value)] = self.nearly.items()
            return _NEARLY[form][1].format(value=repr(value))
        return None

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
        self.date_styles.add("named" if match["named"] else "iso")
        return "zoned timestamp" if match["zone"] else "timestamp" if match["clock"] else "date"

    def _add_digits(self, whole: str, fraction: str) -> None:
        self.whole_digits = max(self.whole_digits, len(whole))
        if fraction and len(self.scales) < _MAX_SCALES:
            self.scales.add(len(fraction))
        self.has_padding = self.has_padding or fraction.endswith("0")

    def _integer(self, *, tight: bool) -> str | None:
        for name, limit in _INTEGERS if tight else _INTEGERS[-1:]:
            # With room for twice the range that was seen.
            if -limit <= self.minimum * 2 and self.maximum * 2 < limit:
                return name
        if self.minimum >= -_BIGINT and self.maximum < _BIGINT:
            return "BIGINT"
        if self.whole_digits > 38:
            return None
        return f"NUMERIC({max(20, min(38, self.whole_digits + 2))},0)"

    def _decimal(self, *, tight: bool) -> str | None:
        """Return NUMERIC for few different scales, as amounts have; measurements have many and
        become DOUBLE PRECISION.

        1.1 and 1.10 are two versions, and one number: with both, only a text keeps them apart.
        """
        scale = max(self.scales)
        if self.has_padding and len(self.scales) > 1 and not tight:
            return None
        if self.fits_double and len(self.scales) > 1 and scale > 4:
            return "DOUBLE PRECISION"
        if self.whole_digits + scale > 38 or scale > 37:
            return "DOUBLE PRECISION" if self.fits_double else None
        precision = min(38, self.whole_digits + 2 + scale)
        # NUMERIC(19,s) is stored in 64 bits and cannot hold all numbers of 19 digits.
        precision = max(precision, 20) if precision > 18 else precision
        # Up to 18 digits take the same space.
        return f"NUMERIC({precision if tight else max(18, precision)},{scale})"


def _form(value: str) -> int:
    forms = (index for index, (form, _) in enumerate(_NEARLY) if form.fullmatch(value))
    return next(forms, -1) if len(value) <= 40 else -1


def _fits_double(value: str) -> bool:
    """Whether the value is a double as programs write it: with the fewest digits that identify it, or with all 17."""
    number, written = float(value), Decimal(value)
    return written in (Decimal(repr(number)), Decimal(f"{number:.17g}"))
