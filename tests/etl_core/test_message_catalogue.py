"""The catalogue of messages is complete: every error that the library raises takes its text from it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl_core.message_catalogue import all_messages
from etl_core.model import errors
from etl_core.model.messages import Message

ROOT = Path(__file__).parents[2]
SOURCES = [
    path for package in ("etl_core", "handlers") for path in sorted((ROOT / package).rglob("*.py"))
]
ERROR_NAMES = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.EtlError)
}
MESSAGES = {message.id: message for message in all_messages()}


def test_every_id_is_unique() -> None:
    assert [
        each for each, count in Counter(each.id for each in all_messages()).items() if count > 1
    ] == []


@pytest.mark.parametrize("message", all_messages(), ids=lambda message: message.id)
def test_a_message_has_an_example_a_condition_and_plain_ends(message: Message) -> None:
    assert set(message.example) == set(message.fields)
    assert message.example_text()
    assert message.when
    assert not message.text.endswith(".")
    assert not message.fix.endswith(".")


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node


def message_names(path: Path) -> dict[str, Message]:
    """The messages that a module imports, by their local names."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("messages"):
            module = __import__(node.module or "", fromlist=["x"])
            for alias in node.names:
                value = getattr(module, alias.name)
                if isinstance(value, Message):
                    found[alias.asname or alias.name] = value
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_use_of_a_message_gives_exactly_its_fields(path: Path) -> None:
    known = message_names(path)
    wrong = [
        f"line {call.lineno}: {call.func.id} takes {sorted(message.fields)}"
        for call in calls(path)
        if isinstance(call.func, ast.Name) and (message := known.get(call.func.id)) is not None
        if {keyword.arg for keyword in call.keywords} != message.fields or call.args
    ]

    assert wrong == []
