"""The schema file: what a table should look like, and which uploads it accepts.

Text in, typed value out, every fault at once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from etl_core.model.errors import InvalidSchemaFileError
from etl_core.model.lake_key import Action
from etl_core.model.texts import listed
from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.datetime_patterns import AUTO
from etl_core.schema_files.header_rules import faults_of_headers
from etl_core.schema_files.messages import (
    BOTH_NAMES,
    FAULT_AT,
    FAULTS_LEFT_OUT,
    FILE_TOO_LARGE,
    SCHEMA_FILE_FAULTY,
)
from etl_core.schema_files.part_reader import PartReader
from etl_core.schema_files.property_types import (
    AllowedChange,
    Character,
    ColumnName,
    DateFormat,
    DefaultFunction,
    DefaultValue,
    Delimiter,
    Description,
    DistStyle,
    EmptyRows,
    Encoding,
    FileEncoding,
    FreshnessHours,
    Header,
    HeaderNames,
    Identity,
    LoadInterval,
    MaxBadPercent,
    MaxBadRows,
    MissingColumns,
    NullText,
    OnBadRows,
    OnLossy,
    OnRepeat,
    Operation,
    Part,
    TimeFormat,
    TypeProperty,
)
from etl_core.schema_files.schema_json import parse_json
from etl_core.schema_files.schema_rules import (
    Fault,
    describe_path,
    faults_across,
    faults_of_identity_column,
    faults_of_size,
)

__all__ = [
    "ALL_OPERATIONS",
    "MAX_FILE_BYTES",
    "ColumnSpec",
    "CsvOptions",
    "DefaultFunction",
    "SchemaFile",
]

MAX_FILE_BYTES = 1_000_000
_MAX_FAULTS = 200
ALL_OPERATIONS = (Action.APPEND, Action.TRUNCATE, Action.SCHEMA)
_ALIAS = "allowed_actions"
"""Another name of allowed_operations."""
_FORMATS = ("date_format", "time_format")
_AUTO_FORMATS = tuple((name, AUTO) for name in _FORMATS)
_UNAMBIGUOUS = "unambiguous_formats"
_DATE = "date"
_PERCENT = "max_bad_percent"
_FOR_EDITORS = "$schema"
"""Names the JSON Schema, so that editors find it. It means nothing to the loader."""


class ColumnSpec(Part):
    """One column. Names are folded."""

    name: ColumnName
    header: HeaderNames = ()
    """Other names of the column in the headers of data files."""
    type: TypeProperty
    nullable: bool = True
    default: DefaultValue = None
    encode: Encoding = None
    identity: Identity = None
    renamed_from: ColumnName | None = None
    description: Description | None = None

    def faults_within(self, given: Collection[str]) -> Iterable[Fault]:
        """Return why the column cannot be an identity column, if the file makes it one."""
        return faults_of_identity_column(self, given)


class CsvOptions(Part):
    """How the table's data files are written."""

    header: Header = "first_row"
    """`none`: the files have no header, and their fields are in the order of the columns."""
    delimiter: Delimiter = ","
    quote: Character = '"'
    null_as: NullText | None = None
    empty_as_null: bool = False
    blank_as_null: bool = False
    date_format: DateFormat | None = None
    """None: automatic recognition, and a file with a date that can be read in two ways is refused."""
    time_format: TimeFormat | None = None
    """None: like date_format."""
    encoding: FileEncoding = "UTF8"
    missing_columns: MissingColumns = "reject"
    """`default`: columns that a header does not name get their default, or NULL."""
    ignore_columns: HeaderNames = ()
    """Names in a header whose values are not loaded."""
    empty_rows: EmptyRows = "load"
    """What happens to rows whose fields are all empty."""
    on_lossy: OnLossy = "warn"
    """What happens if COPY would load a value with a part cut off."""
    on_repeat: OnRepeat = "load"
    """What happens if the same bytes arrive again under the same key."""
    on_bad_rows: OnBadRows = "reject"
    """What happens to a file with rows that do not fit the table."""
    max_bad_rows: MaxBadRows | None = None
    """More bad rows refuse the file."""
    max_bad_percent: MaxBadPercent | None = None
    """A larger share of the rows refuses the file."""

    @property
    def copy_date_format(self) -> str:
        """What COPY gets as DATEFORMAT."""
        return AUTO if self.date_format is None else self.date_format

    @property
    def copy_time_format(self) -> str:
        """What COPY gets as TIMEFORMAT."""
        return AUTO if self.time_format is None else self.time_format

    def with_formats(self, *, is_date: bool, is_time: bool) -> CsvOptions:
        """Return the options with the format "auto" for a kind of columns that the table does not have."""
        formats = {
            _FORMATS[0]: self.date_format if is_date else self.copy_date_format,
            _FORMATS[1]: self.time_format if is_time else self.copy_time_format,
        }
        return self.model_copy(update=formats)


class SchemaFile(Part):
    """A valid schema file."""

    schema_version: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "1"
    columns: Annotated[tuple[ColumnSpec, ...], Field(strict=False)]
    allowed_operations: Annotated[tuple[Operation, ...], Field(strict=False)] = ALL_OPERATIONS
    allowed_changes: Annotated[tuple[AllowedChange, ...], Field(strict=False)] = ()
    primary_key: Annotated[tuple[ColumnName, ...], Field(strict=False)] = ()
    diststyle: DistStyle = "AUTO"
    distkey: ColumnName | None = None
    sortkey: Annotated[tuple[ColumnName, ...], Field(strict=False, max_length=400)] = ()
    description: Description | None = None
    load_interval_seconds: LoadInterval | None = None
    """Seconds from one load of the table to the next. None: the stack's setting."""
    freshness_hours: FreshnessHours | None = None
    """Hours after the last load after which the table is stale, 0 for never. None: the stack's setting."""
    csv: CsvOptions = CsvOptions()

    @classmethod
    def known_properties(cls) -> tuple[str, ...]:
        """Return the names that the JSON object may have."""
        return (*super().known_properties(), _ALIAS, _FOR_EDITORS)

    @classmethod
    def parse(cls, text: bytes) -> SchemaFile:
        """Parse and validate a schema file.

        Raises InvalidSchemaFileError; its details are all faults, each with its path.
        """
        if len(text) > MAX_FILE_BYTES:
            raise InvalidSchemaFileError(FILE_TOO_LARGE(size=len(text), limit=MAX_FILE_BYTES))
        raw = parse_json(text)
        if faults := list(faults_of_size(raw)):
            raise _invalid(faults)
        reader = PartReader()
        if "allowed_operations" in raw and _ALIAS in raw:
            reader.faults.append(Fault((_ALIAS,), BOTH_NAMES()))
        file = reader.read(cls, _without_shorthands(raw))
        faulty = {fault.path for fault in reader.faults}
        faults = [*reader.faults, *faults_across(file, faulty), *faults_of_headers(file, faulty)]
        if faults:
            raise _invalid([_as_written(fault, raw) for fault in faults])
        return file._with_formats()

    def _with_formats(self) -> SchemaFile:
        kinds = {column.type.name for column in self.columns if column.type.is_datetime}
        csv = self.csv.with_formats(is_date=_DATE in kinds, is_time=bool(kinds - {_DATE}))
        return self.model_copy(update={"csv": csv})

    def says_the_same(self, other: SchemaFile) -> bool:
        """Return whether both files are the same; naming "auto" and naming no format counts as the same."""
        mine, others = (
            file.model_copy(update={"csv": file.csv.with_formats(is_date=False, is_time=False)})
            for file in (self, other)
        )
        return mine == others

    def to_json(self) -> str:
        """Return the canonical JSON text: files that mean the same have the same text.

        A stored file without a format is of a time when that meant "auto". Today's default is
        stored by name, in a property that earlier code does not read.
        """
        values = self.model_dump(mode="json", exclude_defaults=True)
        csv = values.pop("csv", {})
        strict = [name for name in _FORMATS if getattr(self.csv, name) is None]
        csv = {name: value for name, value in csv.items() if (name, value) not in _AUTO_FORMATS}
        if strict:
            csv[_UNAMBIGUOUS] = strict
        return json.dumps(
            values | ({"csv": csv} if csv else {}), ensure_ascii=False, separators=(",", ":")
        )

    @classmethod
    def from_json(cls, text: str) -> SchemaFile:
        """Read what to_json wrote, without validation: a file that was accepted once stays readable
        when rules are added.
        """
        values = _with_tuples(parse_json(text.encode()))
        values["columns"] = tuple(map(_stored_column, values["columns"]))
        if "allowed_operations" in values:
            values["allowed_operations"] = tuple(map(Action, values["allowed_operations"]))
        csv = dict.fromkeys(_FORMATS, AUTO) | values.get("csv", {})
        csv |= dict.fromkeys(csv.pop(_UNAMBIGUOUS, ()))
        if csv.get(_PERCENT) is not None:
            csv[_PERCENT] = float(csv[_PERCENT])
        values["csv"] = CsvOptions.model_construct(**_with_tuples(csv))
        return cls.model_construct(**values)


def _stored_column(raw: dict[str, Any]) -> ColumnSpec:
    values = _with_tuples(raw)
    values["type"] = ColumnType.from_canonical(raw["type"])
    if isinstance(raw.get("default"), dict):
        values["default"] = DefaultFunction.model_construct(**raw["default"])
    return ColumnSpec.model_construct(**values)


def _with_tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}


def _without_shorthands(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the file without what is only for editors, and without its shorthands: the alias, one
    sort key as a text, a version as a number.
    """
    full = {name: value for name, value in raw.items() if name != _FOR_EDITORS}
    if _ALIAS in full:
        full.setdefault("allowed_operations", full.pop(_ALIAS))
    if isinstance(full.get("sortkey"), str):
        full["sortkey"] = [full["sortkey"]]
    version = full.get("schema_version")
    if isinstance(version, int | Decimal) and not isinstance(version, bool):
        full["schema_version"] = str(version)
    return full


def _as_written(fault: Fault, raw: dict[str, Any]) -> Fault:
    """Return the fault with its path in the file as it is written, with its shorthands."""
    name, *rest = fault.path
    if name == "allowed_operations" and name not in raw:
        return Fault((_ALIAS, *rest), fault.reason)
    *above, last = fault.path
    if last == 0 and isinstance(_value_at(raw, above), str):
        return Fault(tuple(above), fault.reason)  # a text instead of a list of one
    return fault


def _value_at(raw: Any, path: Iterable[int | str]) -> Any:
    """Return what the file has at the path; None if there is nothing."""
    value = raw
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
        else:
            return None
    return value


def _invalid(faults: Sequence[Fault]) -> InvalidSchemaFileError:
    lines = tuple(
        dict.fromkeys(
            FAULT_AT(path=describe_path(fault.path), reason=fault.reason) for fault in faults
        )
    )
    count = "1 fault" if len(lines) == 1 else f"{len(lines)} faults"
    if len(lines) > _MAX_FAULTS:
        left_out = FAULTS_LEFT_OUT(count=len(lines) - _MAX_FAULTS)
        lines = (*lines[:_MAX_FAULTS], left_out)
    return InvalidSchemaFileError(SCHEMA_FILE_FAULTY(count=count, faults=listed(lines)), lines)
