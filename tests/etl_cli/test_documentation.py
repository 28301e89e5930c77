"""The commands in README.md and docs/ are run, and their files are read."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from etl_cli.main import main
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from redshift_emulator.server import Server
from tests.builders import TABLE
from tests.etl_core.live import LiveTable

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_PROMPT = "$ "
_COMMAND = re.compile(r"(?:\.venv/bin/)?etl ((?:plan|infer|check) .*)")
"""tests/e2e covers the commands that need a local cloud or a stack."""


@dataclass(frozen=True)
class Example:
    """A command on a page, and the output below it."""

    page: str
    command: str
    output: str


def blocks(page: Path) -> Iterator[str]:
    """Yield the indented and fenced blocks of a page without indent and fence."""
    text = page.read_text("utf-8")
    yield from re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for indented in re.findall(r"(?:^\n|\A)((?:^    .*\n|^\n(?=    ))+)", text, re.MULTILINE):
        yield re.sub(r"^    ", "", indented, flags=re.MULTILINE)


def examples() -> list[Example]:
    """Return all commands with a prompt, in order."""
    result = []
    for page in PAGES:
        for block in blocks(page):
            for part in re.split(rf"^{re.escape(_PROMPT)}", block, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                result.append(Example(page.name, command, output.rstrip("\n")))
    return result


EXAMPLES = [example for example in examples() if _COMMAND.match(example.command)]
FILES = [example for example in examples() if example.command.startswith("cat ")]
SCHEMA_FILES = [
    (page.name, block)
    for page in PAGES
    for block in blocks(page)
    if '"columns"' in block and block.startswith("{")
]


def test_the_pages_have_the_expected_examples() -> None:
    commands = {
        shlex.split(match[1])[0]
        for match in map(_COMMAND.match, (one.command for one in EXAMPLES))
        if match
    }

    assert commands == {"plan", "infer", "check"}
    assert {example.page for example in EXAMPLES} == {"README.md", "schema-changes.md"}
    assert (len(EXAMPLES), len(FILES), len(SCHEMA_FILES)) == (8, 1, 1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_is_shown_without_a_prompt(page: Path) -> None:
    assert not [
        line for block in blocks(page) for line in block.splitlines() if _COMMAND.match(line)
    ]


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: f"{example.page} {example.command[-60:]}"
)
def test_a_command_prints_what_the_page_shows(
    example: Example,
    live: LiveTable,
    emulator: Server,
    certificates: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    match = _COMMAND.match(example.command)
    assert match is not None
    arguments = shlex.split(match[1])
    if "--host" in arguments:
        host, port = emulator.address
        arguments[arguments.index("HOST")] = host
        arguments += ["--port", str(port), "--ca-file", str(certificates / "ca.pem")]
        create(
            live,
            SchemaFile.parse(Path(arguments[1]).read_bytes()),
            arguments[arguments.index("--table") + 1],
        )

    environment = {"REDSHIFT_USER": "awsuser", "REDSHIFT_PASSWORD": emulator.options.password}
    result = CliRunner().invoke(main, arguments, env=environment)

    assert result.output.rstrip("\n") == example.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def create(live: LiveTable, spec: SchemaFile, name: str) -> None:
    """Create the table of the page's example."""
    live.create(table_of_schema_file(spec, TABLE))
    live.run(f"DROP TABLE IF EXISTS public.{name}")
    live.run(f"ALTER TABLE public.t RENAME TO {name}")


@pytest.mark.parametrize("example", FILES, ids=lambda example: example.command)
def test_a_shown_file_has_the_shown_content(example: Example) -> None:
    assert (ROOT / example.command.removeprefix("cat ")).read_text("utf-8").rstrip(
        "\n"
    ) == example.output


@pytest.mark.parametrize("page_and_text", SCHEMA_FILES, ids=lambda shown: shown[0])
def test_a_schema_file_of_a_page_is_valid(page_and_text: tuple[str, str]) -> None:
    SchemaFile.parse(page_and_text[1].encode())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*/*.json")), ids=lambda path: path.stem
)
def test_an_example_is_a_valid_schema_file(path: Path) -> None:
    SchemaFile.parse(path.read_bytes())


def test_properties_in_the_text_are_valid() -> None:
    """Parts of a schema file in a line of text, such as "allowed_changes": ["retype"]."""
    parts = [
        part
        for page in PAGES
        for part in re.findall(r'`("[a-z_]+": [^`]+)`', page.read_text("utf-8"))
    ]

    assert parts
    for part in parts:
        SchemaFile.parse(
            json.dumps(
                {"columns": [{"name": "a", "type": "INTEGER"}], **json.loads("{" + part + "}")}
            ).encode()
        )
