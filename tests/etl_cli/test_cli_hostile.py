"""Files that no one means to give: each command tells in words what is wrong, by its exit code too, and never by a stack trace."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from etl_cli.main import main
from tests.builders import a_column, a_schema_file
from tests.etl_cli.csv_folder import CsvFolder as CsvDesk

_SCHEMA = a_schema_file(a_column("a", "VARCHAR(9)"), a_column("b"))
_PACKED = gzip.compress(b"a,b\n1,2\n", mtime=0)
_NO_CSV: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the file is empty"),
    "only a mark": (b"\xef\xbb\xbf", "the file is empty"),
    "not text": (bytes(range(128, 256)) * 9, "not UTF8 text"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "not UTF8 text"),
    "Latin-1 header": ("ü,b\n1,2\n".encode("latin-1"), "not UTF8 text"),
    "Latin-1 value": ("a,b\nü,2\n".encode("latin-1"), "line 2, column 'a'"),
    "endless header": (b"x" * (2 << 20), "does not end within"),
    "endless row": (b"a,b\n" + b"x" * (5 << 20), "longer than 4 MB"),
    "endless quote": (b'a,b\n"1,2\n' * 9, "quote"),
    "bare CR": (b"a,b\r1,2\r", "bare CR"),
    "too few fields": (b"a,b\n1\n", "1 fields"),
}


@pytest.fixture
def services(tmp_path: Path) -> CsvDesk:
    return CsvDesk(tmp_path)


def _runs(services: CsvDesk) -> dict[str, Callable[[str], Result]]:
    schema = services.file(_SCHEMA, "schema.json")
    return {
        "infer": lambda data: services.run("infer", data),
        "check": lambda data: services.run("check", schema, data),
    }


@pytest.mark.parametrize("command", ["infer", "check"])
@pytest.mark.parametrize(("content", "told"), _NO_CSV.values(), ids=_NO_CSV)
def test_what_is_no_csv_is_a_fault_of_the_file(
    services: CsvDesk, command: str, content: bytes, told: str
) -> None:
    result = _runs(services)[command](services.file(content))

    assert result.exit_code == 1
    assert told in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["infer", "check"])
@pytest.mark.parametrize(
    ("packed", "told"),
    [(_PACKED[:-4], "a part of it is missing"), (b"a,b\n1,2\n", "not valid GZIP")],
)
def test_a_packed_file_that_is_broken_is_a_fault_of_the_file(
    services: CsvDesk, command: str, packed: bytes, told: str
) -> None:
    result = _runs(services)[command](services.file(packed, "data.csv.gz"))

    assert result.exit_code == 1
    assert told in result.output


def test_a_mark_of_utf_8_is_no_part_of_a_name(services: CsvDesk) -> None:
    data = b"\xef\xbb\xbfa,b\nx,1\n"

    assert [column["name"] for column in services.infer(data)["columns"]] == ["a", "b"]
    assert _runs(services)["check"](services.file(data)).output.endswith(
        "data.csv: 1 row fits " + str(services.folder / "schema.json\n")
    )
    assert (
        services.run("check", services.file(b"\xef\xbb\xbf" + _SCHEMA, "marked.json")).exit_code
        == 0
    )


def test_in_a_file_of_one_column_an_empty_line_is_a_null(services: CsvDesk) -> None:
    assert services.infer("a\n1\n\n2\n")["columns"] == [{"name": "a", "type": "SMALLINT"}]


def test_bytes_that_are_no_text_are_shown_as_bytes(services: CsvDesk) -> None:
    assert r"value 'x\xfc'" in _runs(services)["check"](services.file(b"a,b\nx\xfc,1\n")).output


@pytest.mark.parametrize(
    ("command", "unusable"),
    [(["infer"], 2), (["check"], 2), (["plan"], 3), (["plan", "--actual", "x"], 3)],
)
def test_a_folder_or_nothing_at_all_is_no_file(
    services: CsvDesk, command: list[str], unusable: int
) -> None:
    for path in (services.folder, services.folder / "nowhere.csv"):
        result = services.run(*command, str(path))

        assert result.exit_code == unusable
        assert "Error: Invalid value" in result.output


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 99, b"[]", b'"x"', b'{"columns": null}', b"[" * 99_999, b"{}"]
)
def test_what_is_no_schema_file_is_told_by_every_command(services: CsvDesk, content: bytes) -> None:
    path, good = services.file(content, "bad.json"), services.file(_SCHEMA, "good.json")

    assert services.run("check", path).exit_code == 1
    for arguments in (["plan", path], ["plan", good, "--actual", path]):
        result = services.run(*arguments)
        assert result.exit_code == 3
        assert result.output.startswith(f"{path}: ")


@pytest.mark.parametrize("command", ["plan", "infer", "check"])
def test_the_exit_codes_are_documented(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])

    assert result.exit_code == 0
    assert "Exit code: 0" in result.output
