"""Rules of a schema file that concern several of its parts. They read the raw JSON, so that they also speak about a file
whose single parts have faults of their own, and skip what is not of the right shape (that is reported elsewhere)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from etl_core.model.names import fold
from etl_core.schema_files.column_types import ColumnType, parse_column_type

Path = tuple[int | str, ...]

NUMBERS = {"smallint", "integer", "bigint", "numeric", "real", "double precision"}
INTEGERS = {"smallint", "integer", "bigint"}
MOMENTS = {"date", "timestamp without time zone", "timestamp with time zone"}
_TIMES = MOMENTS | {"time without time zone", "time with time zone"}
_STRINGS = {"character", "character varying"}

ENCODINGS: dict[str, frozenset[str]] = {
    "az64": frozenset(INTEGERS | {"numeric"} | _TIMES),
    "bytedict": frozenset(NUMBERS | _TIMES | _STRINGS),
    "delta": frozenset(INTEGERS | MOMENTS | {"numeric"}),
    "delta32k": frozenset({"integer", "bigint", "numeric"} | MOMENTS),
    "lzo": frozenset(INTEGERS | {"numeric", "binary varying"} | _TIMES | _STRINGS),
    "mostly8": frozenset(INTEGERS | {"numeric"}),
    "mostly16": frozenset({"integer", "bigint", "numeric"}),
    "mostly32": frozenset({"bigint", "numeric"}),
    "runlength": frozenset(NUMBERS | _TIMES | _STRINGS | {"boolean"}),
    "text255": frozenset({"character varying"}),
    "text32k": frozenset({"character varying"}),
    "zstd": frozenset(NUMBERS | _TIMES | _STRINGS | {"boolean"}),
}
"""Which types an encoding takes (database developer guide, "Compression encodings"); `raw` takes all."""


MAX_COLUMNS = 1600
_MOST_DIGITS = 310
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = re.compile(
    r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?: ?(?:Z|[+-][01]\d(?::?[0-5]\d)?))?",
    re.ASCII,
)
_RANGES = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where."""

    path: Path
    reason: str


def describe_path(path: Path) -> str:
    """`$.columns[2].type`."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def faults_of_size(raw: dict[str, Any]) -> Iterator[Fault]:
    """Lists beyond any table's size. They are told alone: half a million faults of their entries would not fit the memory."""
    for name, value in raw.items():
        if isinstance(value, list) and len(value) > MAX_COLUMNS:
            what = "columns" if name == "columns" else "entries"
            yield Fault(
                (name,), f"{len(value)} {what} were given; a table has 1 to {MAX_COLUMNS} columns"
            )


def faults_across(raw: dict[str, Any]) -> list[Fault]:
    """The faults that only show when several parts of the file are seen together."""
    columns = raw.get("columns")
    columns = columns if isinstance(columns, list) else []
    if raw.get("columns") == []:
        return [Fault(("columns",), f"no columns were given; a table has 1 to {MAX_COLUMNS}")]
    named = {fold(column["name"]): column for column in columns if _has_name(column)}
    faults = [
        *_repeated(columns),
        *_renamed_in_circles(columns),
        *_of_keys(raw, named),
        *_of_distribution(raw),
        *_of_csv(raw),
    ]
    if "allowed_operations" in raw and "allowed_actions" in raw:
        faults.append(
            Fault(
                ("allowed_actions",), "is the same as allowed_operations; give only one of the two"
            )
        )
    for index, column in enumerate(columns):
        if _has_name(column):
            faults += [
                Fault(("columns", index, *fault.path), fault.reason) for fault in _of_column(column)
            ]
    return faults


def _has_name(column: Any) -> bool:
    return isinstance(column, dict) and isinstance(column.get("name"), str)


def _repeated(columns: list[Any]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for index, column in enumerate(columns):
        if not _has_name(column):
            continue
        # Folding of letters beyond ASCII is not documented: names that would collide under either rule are refused.
        first = seen.setdefault(column["name"].casefold(), index)
        if first != index:
            yield Fault(
                ("columns", index, "name"),
                f"{column['name']!r} is the same name as columns[{first}] ({columns[first]['name']!r}): Redshift folds upper and "
                "lower case; rename one of them",
            )


def _renamed_in_circles(columns: list[Any]) -> Iterator[Fault]:
    """Such a file does not tell whether its renames were made already: before and after, the table has the same names."""
    sources = {
        fold(column["name"]): fold(column["renamed_from"])
        for column in columns
        if _has_name(column) and isinstance(column.get("renamed_from"), str)
    }
    for index, column in enumerate(columns):
        if not _has_name(column) or fold(column["name"]) not in sources:
            continue
        circle = [fold(column["name"])]
        while (source := sources.get(circle[-1])) is not None and source not in circle:
            circle.append(source)
        if source == circle[0] and len(circle) > 1:
            yield Fault(
                ("columns", index, "renamed_from"),
                f"the renames of {', '.join(map(repr, sorted(circle)))} go in a circle; rename one of them to a name that is not taken, "
                "and in a next schema file the others, then that one",
            )


def _of_keys(raw: dict[str, Any], named: dict[str, Any]) -> Iterator[Fault]:
    for part in ("primary_key", "sortkey", "distkey"):
        value = raw.get(part)
        names = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        for index, name in enumerate(names):
            path: Path = (part, index) if isinstance(value, list) else (part,)
            if isinstance(name, str):
                yield from _of_key_column(part, path, name, named)
        folded = [fold(name) for name in names if isinstance(name, str)]
        if len(set(folded)) < len(folded):
            yield Fault((part,), "names a column twice")


def _of_key_column(part: str, path: Path, name: str, named: dict[str, Any]) -> Iterator[Fault]:
    column = named.get(fold(name))
    if column is None:
        yield Fault(path, f"{name!r} is not one of the columns")
    elif part == "primary_key" and column.get("nullable") is True:
        yield Fault(path, f"the column {name!r} is nullable; a primary key's columns are not")
    elif part != "primary_key" and (kind := _type_of(column)) and not kind.can_be_key:
        yield Fault(path, f"the column {name!r} is {kind}; such a column cannot be a {part}")


def _of_distribution(raw: dict[str, Any]) -> Iterator[Fault]:
    style = raw.get("diststyle")
    style = style.upper() if isinstance(style, str) else None
    if raw.get("distkey") is not None and style in ("AUTO", "EVEN", "ALL"):
        yield Fault(
            ("diststyle",), f"{style} does not go with a distkey; write KEY or leave diststyle out"
        )
    if raw.get("distkey") is None and style == "KEY":
        yield Fault(("diststyle",), "KEY needs a distkey")


def _of_csv(raw: dict[str, Any]) -> Iterator[Fault]:
    csv = raw.get("csv")
    if isinstance(csv, dict) and csv.get("delimiter", ",") == csv.get("quote", '"'):
        yield Fault(("csv", "quote"), "is the same character as the delimiter")


def _of_column(column: dict[str, Any]) -> Iterator[Fault]:
    kind = _type_of(column)
    if kind is None:
        return
    encode = column.get("encode")
    if isinstance(encode, str) and kind.name not in ENCODINGS.get(encode.lower(), {kind.name}):
        yield Fault(
            ("encode",), f"{encode!r} does not take {kind}; leave encode out, or use raw or zstd"
        )
    if column.get("identity") is not None:
        yield from _of_identity(column, kind)
    if column.get("default") is not None:
        yield from _of_default(column["default"], kind)


def _of_identity(column: dict[str, Any], kind: ColumnType) -> Iterator[Fault]:
    if kind.name not in ("integer", "bigint"):
        yield Fault(("identity",), f"an identity column is INTEGER or BIGINT, not {kind}")
    if column.get("nullable") is True or column.get("default") is not None:
        yield Fault(("identity",), "an identity column is never null and has no default")
    given = column["identity"]
    seed, step = given if isinstance(given, list) and len(given) == 2 else (None, None)
    if step == 0:
        yield Fault(("identity", 1), "the step is 0: every row would get the same number")
    if kind.name in _RANGES and isinstance(seed, int) and not _is_number(seed, kind):
        yield Fault(("identity", 0), f"{_given(seed)} is not a number that fits {kind}")


def _of_default(value: Any, kind: ColumnType) -> Iterator[Fault]:
    path: Path = ("default",)
    if isinstance(value, dict):
        if kind.name not in MOMENTS:
            yield Fault(path, f"a function does not fit {kind}; it gives a date or time")
    elif kind.name == "boolean":
        if not isinstance(value, bool):
            yield Fault(path, f"{_given(value)} is not true or false, as {kind} needs")
    elif kind.name in NUMBERS:
        if not _is_number(value, kind):
            yield Fault(path, f"{_given(value)} is not a number that fits {kind}")
    elif not isinstance(value, str):
        yield Fault(path, f"{_given(value)} is not a text, as {kind} needs")
    elif kind.name in _TIMES and not _is_moment(value, kind):
        example = "2026-11-22 or 2026-11-22 09:30:00" if kind.name in MOMENTS else "09:30:00"
        yield Fault(path, f"{_given(value)} is not a moment written as {example}, as {kind} needs")
    elif "\0" in value:
        yield Fault(path, f"{value!r} holds a NUL character, which Redshift cannot store")
    elif kind.name in _STRINGS and len(value.encode("utf-8", "surrogatepass")) > kind.arguments[0]:
        yield Fault(path, f"{value!r} has more bytes than {kind} holds")


def _given(value: Any) -> str:
    text = (
        str(value)
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool)
        else repr(value)
    )
    return text if len(text) <= 80 else text[:77] + "..."


def _is_number(value: Any, kind: ColumnType) -> bool:
    """Numbers may also be written as text, so that none of their digits is lost on the way."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return False
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    # Far exponents first: 1e-999999999 is a short text, but written out it fills the memory.
    if not number.is_finite() or abs(number.adjusted()) >= _MOST_DIGITS:
        return False
    if kind.name in _RANGES:
        return (
            number == number.to_integral_value()
            and -_RANGES[kind.name] <= number < _RANGES[kind.name]
        )
    # copy_abs, not abs: that would round to the 28 digits of the decimal context, and 38 nines would become 10**38.
    return kind.name != "numeric" or number.copy_abs() < 10 ** (
        kind.arguments[0] - kind.arguments[1]
    )


def _is_moment(value: str, kind: ColumnType) -> bool:
    """Only forms that mean one moment under every DATESTYLE."""
    if kind.name not in MOMENTS:
        return _CLOCK.fullmatch(value) is not None
    day, clock = value[:10], value[10:]
    with suppress(ValueError):
        is_day = _DAY.fullmatch(day) is not None and bool(date.fromisoformat(day))
        return is_day and (
            not clock or (clock[0] in " T" and _CLOCK.fullmatch(clock[1:]) is not None)
        )
    return False


def _type_of(column: dict[str, Any]) -> ColumnType | None:
    written = column.get("type")
    if not isinstance(written, str) or len(written) > 100:
        return None
    try:
        return parse_column_type(written)
    except ValueError:
        return None
