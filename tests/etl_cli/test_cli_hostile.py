"""Unusable files: each command prints a plain message and exits with a documented code."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from etl_cli.main import main
from tests.builders import a_column, a_schema_file
from tests.etl_cli.csv_folder import CsvFolder

_SCHEMA = a_schema_file(a_column("a", "VARCHAR(9)"), a_column("b"))
_PACKED = gzip.compress(b"a,b\n1,2\n", mtime=0)
_NO_CSV: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the file is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", "the file is empty"),
    "not text": (bytes(range(128, 256)) * 9, "not UTF8 text"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "UTF-16 text, by its first bytes"),
    "Latin-1 header": ("ü,b\n1,2\n".encode("latin-1"), "the header is not UTF-8 text"),
    "Latin-1 value": ("a,b\nü,2\n".encode("latin-1"), "line 2, column 'a'"),
    "endless header": (b"x" * (2 << 20), "does not end within"),
    "endless row": (b"a,b\n" + b"x" * (5 << 20), "longer than 4 MB"),
    "endless quote": (b'a,b\n"1,2\n' * 9, "quote"),
    "bare CR": (b"a,b\r1,2\r", "bare CR"),
    "too few fields": (b"a,b\n1\n", "1 field"),
}


@pytest.fixture
def runner(tmp_path: Path) -> CsvFolder:
    return CsvFolder(tmp_path)


def _runs(runner: CsvFolder) -> dict[str, Callable[[str], Result]]:
    schema = runner.file(_SCHEMA, "schema.json")
    return {
        "infer": lambda data: runner.run("infer", data),
        "check": lambda data: runner.run("check", schema, data),
    }


@pytest.mark.parametrize("command", ["infer", "check"])
@pytest.mark.parametrize(("content", "message"), _NO_CSV.values(), ids=_NO_CSV)
def test_a_file_that_is_not_csv_is_invalid(
    runner: CsvFolder, command: str, content: bytes, message: str
) -> None:
    result = _runs(runner)[command](runner.file(content))

    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["infer", "check"])
@pytest.mark.parametrize(
    ("packed", "message"),
    [(_PACKED[:-4], "a part of it is missing"), (b"a,b\n1,2\n", "not valid GZIP")],
)
def test_a_damaged_compressed_file_is_invalid(
    runner: CsvFolder, command: str, packed: bytes, message: str
) -> None:
    result = _runs(runner)[command](runner.file(packed, "data.csv.gz"))

    assert result.exit_code == 1
    assert message in result.output


def test_a_byte_order_mark_is_not_part_of_a_column_name(runner: CsvFolder) -> None:
    data = b"\xef\xbb\xbfa,b\nx,1\n"

    assert [column["name"] for column in runner.infer(data)["columns"]] == ["a", "b"]
    assert _runs(runner)["check"](runner.file(data)).output.endswith(
        "data.csv: 1 row fits " + str(runner.folder / "schema.json\n")
    )
    assert runner.run("check", runner.file(b"\xef\xbb\xbf" + _SCHEMA, "marked.json")).exit_code == 0


def test_an_empty_line_in_a_file_of_one_column_is_null(runner: CsvFolder) -> None:
    assert runner.infer("a\n1\n\n2\n")["columns"] == [{"name": "a", "type": "BIGINT"}]


def test_bytes_that_are_not_text_are_shown_as_bytes(runner: CsvFolder) -> None:
    assert r"value 'x\xfc'" in _runs(runner)["check"](runner.file(b"a,b\nx\xfc,1\n")).output


@pytest.mark.parametrize(
    ("command", "unusable"),
    [(["infer"], 2), (["check"], 2), (["plan"], 3), (["plan", "--actual", "x"], 3)],
)
def test_a_folder_and_a_missing_file_cannot_be_used(
    runner: CsvFolder, command: list[str], unusable: int
) -> None:
    for path in (runner.folder, runner.folder / "nowhere.csv"):
        result = runner.run(*command, str(path))

        assert result.exit_code == unusable
        assert "Error: Invalid value" in result.output


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 99, b"[]", b'"x"', b'{"columns": null}', b"[" * 99_999, b"{}"]
)
def test_every_command_rejects_an_invalid_schema_file(runner: CsvFolder, content: bytes) -> None:
    path, good = runner.file(content, "bad.json"), runner.file(_SCHEMA, "good.json")

    assert runner.run("check", path).exit_code == 1
    for arguments in (["plan", path], ["plan", good, "--actual", path]):
        result = runner.run(*arguments)
        assert result.exit_code == 3
        assert result.output.startswith(f"{path}: ")


@pytest.mark.parametrize("command", ["plan", "infer", "check"])
def test_the_exit_codes_are_documented(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])

    assert result.exit_code == 0
    assert "Exit code: 0" in result.output
