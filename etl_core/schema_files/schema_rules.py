"""Rules that compare parts of a schema file: a column's properties with its type, and properties of
the file with its columns.

They work on typed values. A part that is faulty by itself is reported when it is read, and no rule
here looks at it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from etl_core.model.lake_key import Action
from etl_core.model.names import header_key
from etl_core.schema_files.column_types import ColumnType, type_names
from etl_core.schema_files.messages import (
    COLUMN_REPEATED,
    DEFAULT_FUNCTION_UNFIT,
    DEFAULT_NOT_BOOLEAN,
    DEFAULT_NOT_DATETIME,
    DEFAULT_NOT_TEXT,
    DEFAULT_TOO_LONG,
    DISTSTYLE_WITH_DISTKEY,
    DISTSTYLE_WITHOUT_DISTKEY,
    ENCODING_UNFIT,
    IDENTITY_NULLABLE,
    IDENTITY_STEP,
    IDENTITY_TYPE,
    KEY_COLUMN_NULLABLE,
    KEY_COLUMN_TWICE,
    KEY_COLUMN_TYPE,
    KEY_COLUMN_UNKNOWN,
    NO_COLUMNS,
    NUMBER_UNFIT,
    QUOTE_IS_DELIMITER,
    RENAMES_IN_CIRCLE,
    TEXT_HAS_NUL,
    TOO_MANY_ENTRIES,
    UPSERT_KEY_GENERATED,
    UPSERT_KEY_TYPE,
    UPSERT_WITHOUT_KEY,
)
from etl_core.schema_files.schema_json import render_short

if TYPE_CHECKING:
    from etl_core.schema_files.schema_file import ColumnSpec, SchemaFile

Path = tuple[int | str, ...]

MAX_COLUMNS = 1600
_MAX_DIGITS = 310
_MAX_CHOICES = 5
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = re.compile(
    r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?: ?(?:Z|[+-][01]\d(?::?[0-5]\d)?))?",
    re.ASCII,
)

_TYPES = tuple(map(ColumnType, type_names()))
_INTEGERS = frozenset(kind.name for kind in _TYPES if kind.is_integer)
_NUMBERS = frozenset(kind.name for kind in _TYPES if kind.is_number)
_TEXTS = frozenset(kind.name for kind in _TYPES if kind.is_text)
_DATETIMES = frozenset(kind.name for kind in _TYPES if kind.is_datetime)
_ALL_TIMES = frozenset(kind.name for kind in _TYPES if kind.is_datetime or kind.is_time)

ENCODINGS: dict[str, frozenset[str]] = {
    "az64": _INTEGERS | {"numeric"} | _ALL_TIMES,
    "bytedict": _NUMBERS | _ALL_TIMES | _TEXTS,
    "delta": _INTEGERS | _DATETIMES | {"numeric"},
    "delta32k": frozenset({"integer", "bigint", "numeric"}) | _DATETIMES,
    "lzo": _INTEGERS | {"numeric", "binary varying"} | _ALL_TIMES | _TEXTS,
    "mostly8": _INTEGERS | {"numeric"},
    "mostly16": frozenset({"integer", "bigint", "numeric"}),
    "mostly32": frozenset({"bigint", "numeric"}),
    "runlength": _NUMBERS | _ALL_TIMES | _TEXTS | {"boolean"},
    "text255": frozenset({"character varying"}),
    "text32k": frozenset({"character varying"}),
    "zstd": _NUMBERS | _ALL_TIMES | _TEXTS | {"boolean"},
}
"""The types that an encoding can store (database developer guide, "Compression encodings"). `raw` stores all."""


@dataclass(frozen=True)
class Fault:
    """One fault of a schema file: where and why."""

    path: Path
    reason: str


def describe_path(path: Path) -> str:
    """Return the path as a user reads it: `$.columns[2].type`."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def faults_of_size(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the lists that no table can have.

    Checked first: the faults of half a million entries would not fit in memory.
    """
    for name, value in raw.items():
        if isinstance(value, list) and len(value) > MAX_COLUMNS:
            what = "columns" if name == "columns" else "entries"
            yield Fault((name,), TOO_MANY_ENTRIES(size=len(value), what=what, limit=MAX_COLUMNS))


# A column


def faults_of_encoding(encoding: str, kind: ColumnType) -> Iterator[Fault]:
    """Yield why the encoding cannot store the type."""
    if kind.name not in ENCODINGS.get(encoding, {kind.name}):
        fitting = ["raw", *(name for name, names in ENCODINGS.items() if kind.name in names)]
        choices = ", ".join(fitting[:_MAX_CHOICES])
        yield Fault((), ENCODING_UNFIT(encoding=encoding, type=kind, choices=choices))


def faults_of_identity(identity: tuple[int, int], kind: ColumnType) -> Iterator[Fault]:
    """Yield what is wrong with the seed and the step."""
    seed, step = identity
    if step == 0:
        yield Fault((1,), IDENTITY_STEP())
    for index, number in enumerate((seed, step)):
        if kind.is_integer and not _is_number(number, kind):
            yield Fault((index,), NUMBER_UNFIT(value=render_short(number), type=kind))


def faults_of_identity_column(column: ColumnSpec, given: Collection[str]) -> Iterator[Fault]:
    """Yield why the column cannot be an identity column.

    `given`: the properties that the file has, valid or not.
    """
    if "identity" not in given or "type" not in column.model_fields_set:
        return
    if column.type.name not in ("integer", "bigint"):
        yield Fault(("identity",), IDENTITY_TYPE(type=column.type))
    is_nullable = column.nullable and "nullable" in column.model_fields_set
    if is_nullable or "default" in given:
        yield Fault(("identity",), IDENTITY_NULLABLE())


def faults_of_default(value: Any, kind: ColumnType) -> Iterator[Fault]:
    """Yield why a default does not fit the type.

    `value` is a bool, int, Decimal, str, or else a function.
    """
    if not isinstance(value, bool | int | Decimal | str):
        if not kind.is_datetime:
            yield Fault((), DEFAULT_FUNCTION_UNFIT(type=kind))
    elif kind.name == "boolean":
        if not isinstance(value, bool):
            yield Fault((), DEFAULT_NOT_BOOLEAN(value=render_short(value), type=kind))
    elif kind.is_number:
        if not _is_number(value, kind):
            yield Fault((), NUMBER_UNFIT(value=render_short(value), type=kind))
    elif not isinstance(value, str):
        yield Fault((), DEFAULT_NOT_TEXT(value=render_short(value), type=kind))
    else:
        yield from _faults_of_text_default(value, kind)


def _faults_of_text_default(value: str, kind: ColumnType) -> Iterator[Fault]:
    size = len(value.encode("utf-8", "surrogatepass"))
    if (kind.is_datetime or kind.is_time) and not _is_unambiguous_time(value, kind):
        example = "2026-11-22 or 2026-11-22 09:30:00" if kind.is_datetime else "09:30:00"
        message = DEFAULT_NOT_DATETIME(value=render_short(value), example=example, type=kind)
        yield Fault((), message)
    elif "\0" in value:
        yield Fault((), TEXT_HAS_NUL(value=render_short(value)))
    elif kind.is_text and size > kind.arguments[0]:
        shown, limit = render_short(value), kind.arguments[0]
        yield Fault((), DEFAULT_TOO_LONG(value=shown, size=size, type=kind, limit=limit))


def _is_number(value: Any, kind: ColumnType) -> bool:
    """Whether the value fits a number type.

    A number may be written as text, so that it keeps all its digits.
    """
    if isinstance(value, bool):
        return False
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    # Exponents first: 1e-999999999 is a short text, but its digits would fill the memory.
    if not number.is_finite() or abs(number.adjusted()) >= _MAX_DIGITS:
        return False
    if kind.is_integer:
        limit = kind.integer_limit
        return number == number.to_integral_value() and -limit <= number < limit
    # copy_abs, not abs: abs rounds to the 28 digits of the decimal context, and 38 nines would
    # become 10**38.
    return kind.name != "numeric" or number.copy_abs() < 10 ** (
        kind.arguments[0] - kind.arguments[1]
    )


def _is_unambiguous_time(value: str, kind: ColumnType) -> bool:
    """Whether the text means the same date or time under every DATESTYLE."""
    if not kind.is_datetime:
        return _CLOCK.fullmatch(value) is not None
    day, clock = value[:10], value[10:]
    with suppress(ValueError):
        is_day = _DAY.fullmatch(day) is not None and bool(date.fromisoformat(day))
        return is_day and (
            not clock or (clock[0] in " T" and _CLOCK.fullmatch(clock[1:]) is not None)
        )
    return False


# The file


def faults_across(file: SchemaFile, faulty: Collection[Path]) -> Iterator[Fault]:
    """Yield the faults between properties of the file.

    Properties and columns that are faulty by themselves are not set in `file`, or have their
    default; `faulty` are their paths.
    """
    listed = file.columns if "columns" in file.model_fields_set else ()
    if not listed and "columns" in file.model_fields_set:
        yield Fault(("columns",), NO_COLUMNS(limit=MAX_COLUMNS))
        return
    columns = {
        index: column for index, column in enumerate(listed) if "name" in column.model_fields_set
    }
    yield from _repeated_names(columns)
    yield from _circular_renames(columns)
    yield from _faults_of_keys(file, {column.name: column for column in columns.values()}, faulty)
    yield from _faults_of_upsert(file, {column.name: column for column in columns.values()}, faulty)
    yield from _faults_of_distribution(file, faulty)
    are_valid = ("csv", "delimiter") not in faulty and ("csv", "quote") not in faulty
    if are_valid and file.csv.delimiter == file.csv.quote:
        yield Fault(("csv", "quote"), QUOTE_IS_DELIMITER())


def _repeated_names(columns: Mapping[int, ColumnSpec]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for index, column in columns.items():
        # How Redshift folds letters beyond ASCII is not documented: names that collide under either
        # rule are refused. So are names that look the same, and that no header could tell apart.
        first = seen.setdefault(header_key(column.name), index)
        if first != index:
            message = COLUMN_REPEATED(name=column.name, first=first, first_name=columns[first].name)
            yield Fault(("columns", index, "name"), message)


def _circular_renames(columns: Mapping[int, ColumnSpec]) -> Iterator[Fault]:
    """Yield the renames that form a circle: the table has the same names before and after, so
    nobody can tell if they were made.
    """
    sources = {
        column.name: column.renamed_from for column in columns.values() if column.renamed_from
    }
    for index, column in columns.items():
        circle = [column.name]
        while (source := sources.get(circle[-1])) is not None and source not in circle:
            circle.append(source)
        if source == column.name and len(circle) > 1:
            message = RENAMES_IN_CIRCLE(names=", ".join(map(repr, sorted(circle))))
            yield Fault(("columns", index, "renamed_from"), message)


def _faults_of_keys(
    file: SchemaFile, columns: Mapping[str, ColumnSpec], faulty: Collection[Path]
) -> Iterator[Fault]:
    paths: dict[str, list[tuple[Path, str]]] = {
        "primary_key": [(("primary_key", i), name) for i, name in enumerate(file.primary_key)],
        "sortkey": [(("sortkey", i), name) for i, name in enumerate(file.sortkey)],
        "distkey": [(("distkey",), file.distkey)] if file.distkey is not None else [],
    }
    for part, names in paths.items():
        valid = [(path, name) for path, name in names if path not in faulty]
        for path, name in valid:
            yield from _faults_of_key_column(part, path, name, columns.get(name))
        if len({name for _, name in valid}) < len(valid):
            yield Fault((part,), KEY_COLUMN_TWICE())


def _faults_of_key_column(
    part: str, path: Path, name: str, column: ColumnSpec | None
) -> Iterator[Fault]:
    if column is None:
        yield Fault(path, KEY_COLUMN_UNKNOWN(name=name))
    elif part == "primary_key":
        if column.nullable and "nullable" in column.model_fields_set:
            yield Fault(path, KEY_COLUMN_NULLABLE(name=name))
    elif "type" in column.model_fields_set and not column.type.can_be_key:
        yield Fault(path, KEY_COLUMN_TYPE(name=name, type=column.type, part=part))


def _faults_of_upsert(
    file: SchemaFile, columns: Mapping[str, ColumnSpec], faulty: Collection[Path]
) -> Iterator[Fault]:
    """Yield why an upsert cannot find the rows that it replaces."""
    if Action.UPSERT not in file.allowed_operations:
        return
    is_key_faulty = any(path[0] == "primary_key" for path in faulty)
    if not file.primary_key and not is_key_faulty:
        yield Fault(("allowed_operations",), UPSERT_WITHOUT_KEY())
    for index, name in enumerate(file.primary_key):
        column, path = columns.get(name), ("primary_key", index)
        if column is None or path in faulty:
            continue
        is_computed = not isinstance(column.default, bool | int | Decimal | str | None)
        if column.identity is not None or is_computed:
            yield Fault(path, UPSERT_KEY_GENERATED(name=name))
        elif "type" in column.model_fields_set and not column.type.can_be_upsert_key:
            yield Fault(path, UPSERT_KEY_TYPE(name=name, type=column.type))


def _faults_of_distribution(file: SchemaFile, faulty: Collection[Path]) -> Iterator[Fault]:
    if "diststyle" not in file.model_fields_set:
        return
    has_distkey = file.distkey is not None or ("distkey",) in faulty
    if has_distkey and file.diststyle != "KEY":
        yield Fault(("diststyle",), DISTSTYLE_WITH_DISTKEY(style=file.diststyle))
    if not has_distkey and file.diststyle == "KEY":
        yield Fault(("diststyle",), DISTSTYLE_WITHOUT_DISTKEY())
