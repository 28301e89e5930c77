"""What the documentation shows is what happens: commands are run, files are read, links lead somewhere."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etl_core.model.errors import InvalidSchemaFileError
from etl_core.schema_files.schema_file import SchemaFile
from tests.docs.pages import (
    PAGES,
    ROOT,
    STORIES,
    Command,
    commands,
    links,
    matches,
    run,
    run_until,
)

OTHERS = [command for page in PAGES if page not in STORIES for command in commands(page)]
"""Commands of single pages: they need no cloud."""

BLOCKS = [
    (page, block)
    for page in PAGES
    for block in re.findall(
        r"^```json\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    if '"columns"' in block
]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the example files."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


@pytest.fixture
def state(tmp_path: Path, folder: Path) -> Iterator[Path]:
    """Where the page's local cloud keeps its state; the cloud is stopped afterwards."""
    state = tmp_path / "state"
    yield state
    run(Command(ROOT, "etl down", ""), folder, state)


@pytest.mark.parametrize("page", STORIES, ids=name)
def test_the_commands_of_a_page_print_what_it_shows(page: Path, folder: Path, state: Path) -> None:
    """Pasted in order into a fresh local cloud, as its reader does it."""
    for command in commands(page):
        output = run_until(command, folder, state, command.output)
        assert matches(output, command.output), f"$ {command.text}\n{output}"


@pytest.mark.parametrize(
    "command", OTHERS, ids=lambda command: f"{name(command.page)} {command.text[:60]}"
)
def test_a_command_of_a_page_prints_what_it_shows(
    command: Command, folder: Path, tmp_path: Path
) -> None:
    output = run(command, folder, tmp_path / "state")

    assert matches(output, command.output), f"$ {command.text}\n{output}"


def test_pages_show_commands_for_every_step() -> None:
    shown = {
        command.text.split()[1]
        for command in (*OTHERS, *(each for page in STORIES for each in commands(page)))
        if command.text.startswith("etl ")
    }

    assert {"up", "down", "infer", "check", "plan", "put", "logs", "sql"} <= shown


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def test_every_page_below_docs_can_be_reached_from_its_index() -> None:
    seen, pending = set[Path](), [ROOT / "README.md", ROOT / "docs" / "README.md"]
    while pending:
        page = pending.pop()
        seen.add(page)
        targets = {(page.parent / link).resolve() for link in links(page)}
        pending += [target for target in targets - seen if target.suffix == ".md"]

    assert {name(page) for page in PAGES if "docs" in page.parts} <= {name(page) for page in seen}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize(
    ("page", "text"), BLOCKS, ids=lambda value: name(value) if isinstance(value, Path) else ""
)
def test_a_schema_file_of_a_page_is_valid(page: Path, text: str) -> None:
    SchemaFile.parse(text.encode())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*/*.json")), ids=lambda path: path.stem
)
def test_an_example_is_a_valid_schema_file(path: Path) -> None:
    SchemaFile.parse(path.read_bytes())


def test_properties_that_are_mentioned_are_accepted() -> None:
    """Pieces of a schema file in a line of text, such as "allowed_changes": ["retype"]."""
    pieces = [
        piece
        for page in PAGES
        for piece in re.findall(r'`("[a-z_]+": [^`]+)`', page.read_text("utf-8"))
    ]

    assert pieces
    for piece in pieces:
        given = json.loads("{" + piece + "}")
        assert any(map(_is_accepted, _places(given))), piece


def _places(given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield schema files with the properties at the top, in `csv`, and in a column."""
    column = {"name": "a", "type": "INTEGER"}
    yield {"columns": [column], **given}
    yield {"columns": [column], "csv": given}
    yield {"columns": [column | given]}


def _is_accepted(schema_file: dict[str, Any]) -> bool:
    try:
        SchemaFile.parse(json.dumps(schema_file).encode())
    except InvalidSchemaFileError:
        return False
    return True
