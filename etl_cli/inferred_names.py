"""Column names from the header of a CSV file. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from etl_core.csv_files.row_check import RowCheck
from etl_core.csv_files.rows import CsvRow
from etl_core.csv_files.values import Effect
from etl_core.model.errors import InvalidDataFileError
from etl_core.model.names import (
    MAX_IDENTIFIER_BYTES,
    SYSTEM_COLUMNS,
    faults_of_column,
    fold,
    header_key,
    header_spelling,
)
from etl_core.schema_files.schema_file import SchemaFile

_CLEAN = re.compile(r"[a-z_][a-z0-9_]*")
_NOT_CLEAN = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class InferredName:
    """A column's name. `header`: its name in the files, if that is another one."""

    name: str
    header: str | None = None


def infer_names(header: Sequence[str], *, clean: bool) -> list[InferredName]:
    """Return a column name for each name of the header. A column without a name becomes `column_N`.

    Names that differ only in case get a number, and keep their spelling in `header`. `clean`: only
    small ASCII letters, digits and underscores. Raises InvalidDataFileError with every name that is
    not accepted.
    """
    keys = [header_key(name) for name in header]
    shared = {key for key, count in Counter(keys).items() if count > 1}
    taken: set[str] = set() if clean else {key for key in keys if key not in shared}
    names = []
    for number, (written, key) in enumerate(zip(header, keys, strict=True), 1):
        spelling = header_spelling(written)
        if not key:
            names.append(InferredName(_free(f"column_{number}", taken), ""))
            continue
        name = _clean(written, number) if clean else fold(spelling)
        if clean or key in shared:
            name = _free(name, taken)
        is_listed = key in shared or header_key(name) != key
        names.append(InferredName(name, spelling if is_listed else None))
    if faults := list(_faults(names, header, clean=clean)):
        hint = "" if clean else ". --clean-names writes names that are accepted"
        message = f"the header cannot name a table's columns: {'; '.join(faults[:5])}{hint}"
        raise InvalidDataFileError(message, faults[:100])
    return names


def numbered_names(count: int) -> list[InferredName]:
    """Return names for the columns of a file without a header."""
    return [InferredName(f"column_{number}") for number in range(1, count + 1)]


def _clean(written: str, number: int) -> str:
    """Return the name in small ASCII letters: `Größe (m²)` becomes `grosse_m2`."""
    plain = unicodedata.normalize("NFKD", written.strip().casefold())
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    name = _NOT_CLEAN.sub("_", letters).strip("_") or f"column_{number}"
    name = name if _CLEAN.fullmatch(name) and name not in SYSTEM_COLUMNS else f"_{name}"
    return name[: MAX_IDENTIFIER_BYTES - 8]


def _free(name: str, taken: set[str]) -> str:
    """Return the name, with a number if it is taken."""
    free, number = name, 1
    while header_key(free) in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(header_key(free))
    return free


def _faults(names: Sequence[InferredName], header: Sequence[str], *, clean: bool) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, (name, written) in enumerate(zip(names, header, strict=True), 1):
        for fault in () if clean else faults_of_column(name.name):
            yield f"column {number}: {fault}"
        spelling = header_spelling(written)
        if spelling and first.setdefault(spelling, number) != number:
            yield (
                f"column {number}: the name {spelling!r} is used twice (first in column "
                f"{first[spelling]}); rename one of them in the file"
            )


def notes_of_header(spec: SchemaFile) -> Iterator[str]:
    """Yield a note if the names could be a row of the table: the files may have no header, and the row would be lost.

    A name such as `y` is no sign of that, although a BOOLEAN can have this value.
    """
    if spec.csv.header == "none":
        return
    names = [column.header[0] if column.header else column.name for column in spec.columns]
    has_value = any(
        name and not column.type.is_text and column.type.name != "boolean"
        for name, column in zip(names, spec.columns, strict=True)
    )
    found = RowCheck([column.name for column in spec.columns], spec).of_row(CsvRow(1, names))
    if has_value and all(each.issue.effect is not Effect.REFUSED for each in found):
        shown = spec.csv.delimiter.join(names)[:100]
        yield f"the first row looks like data: {shown!r}. If the files have no header, use --no-header"
