"""The catalogue of messages is complete: every error and refusal takes its text from it, and the
reference page is current.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path

import pytest

from etl_core.message_catalogue import all_messages, render_catalogue
from etl_core.model import errors
from etl_core.model.messages import Message

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "messages.md"

PASSED_ON: dict[tuple[str, str], str] = {
    ("etl_core/csv_files/opening.py", "mistake"): "functions of header_mistakes.py return messages",
}
"""(file, expression): why this expression is a message of the catalogue, although the source does not show it."""

WITHOUT_MESSAGE = {
    "EtlError": "a base class",
    "RetryableError": "a base class",
    "RejectedError": "a base class",
}
"""Error classes that the library never raises."""

MESSAGE_POSITION = {"InvalidQueryError": 1}
"""The position of the message among the arguments, if it is not the first."""

SOURCES = [
    path for package in ("etl_core", "handlers") for path in sorted((ROOT / package).rglob("*.py"))
]
USERS = [*SOURCES, *sorted((ROOT / "etl_cli").rglob("*.py"))]
"""The command line shows messages of the library too; its own texts are not in the catalogue."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def checked_classes() -> frozenset[str]:
    """Return the error classes with a text for a user, and Refusal."""
    bases = {
        node.name: {ast.unparse(base) for base in node.bases}
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
    }
    found = {"EtlError", "InvalidEventError", "SettingsError", "InvalidQueryError", "Refusal"}
    while more := {name for name, its in bases.items() if its & found} - found:
        found |= more
    return frozenset(found)


@dataclass
class Source:
    """A module, and what its names mean."""

    path: Path

    @cached_property
    def messages(self) -> dict[str, Message]:
        """The messages that the module imports, by their local names."""
        return {
            alias.asname or alias.name: value
            for node in ast.walk(tree_of(self.path))
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("messages")
            for alias in node.names
            if isinstance(value := getattr(import_module(node.module or ""), alias.name), Message)
        }

    def calls(self) -> Iterator[tuple[ast.Call, ast.AST]]:
        """Yield every call with the function around it, or the module."""
        yield from self._calls(tree_of(self.path), tree_of(self.path))

    def _calls(self, node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.Call, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call):
                yield child, scope
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from self._calls(child, child if is_function else scope)

    def is_message(self, expression: ast.expr | None, scope: ast.AST) -> bool:
        """Whether the value is a text of the catalogue."""
        match expression:
            case ast.Call(func=ast.Name(id=name)):
                return name in self.messages or self._returns_messages(name)
            case ast.Attribute(attr="message"):
                return True  # the text of another error
            case ast.IfExp(body=body, orelse=orelse):
                return self.is_message(body, scope) and self.is_message(orelse, scope)
            case ast.Name(id=name):
                values = [
                    node.value
                    for node in ast.walk(scope)
                    if isinstance(node, ast.Assign)
                    and any(isinstance(each, ast.Name) and each.id == name for each in node.targets)
                ]
                if values and all(self.is_message(value, scope) for value in values):
                    return True
        return (name_of(self.path), ast.unparse(expression or ast.Constant(None))) in PASSED_ON

    def _returns_messages(self, function: str) -> bool:
        """Whether a function of the module returns only texts of the catalogue."""
        returned = [
            (node.value, definition)
            for definition in tree_of(self.path).body
            if isinstance(definition, ast.FunctionDef) and definition.name == function
            for node in ast.walk(definition)
            if isinstance(node, ast.Return)
        ]
        return bool(returned) and all(self.is_message(value, scope) for value, scope in returned)

    def has_own_text(self, expression: ast.AST) -> bool:
        """Whether the expression contains a text that is not an argument of a message."""
        if isinstance(expression, ast.JoinedStr):
            return True
        if isinstance(expression, ast.Constant):
            return isinstance(expression.value, str) and " " in expression.value
        if isinstance(expression, ast.Call) and self.is_message(expression, expression):
            return False
        return any(self.has_own_text(child) for child in ast.iter_child_nodes(expression))

    def constructed(self) -> Iterator[tuple[str, ast.Call, ast.AST]]:
        """Yield every construction of a checked class: its name, the call, the function around it."""
        for call, scope in self.calls():
            name = ast.unparse(call.func).rpartition(".")[2]
            if name in checked_classes():
                yield name, call, scope


def text_arguments(name: str, call: ast.Call) -> list[ast.expr]:
    """Return the arguments of which one must be the message: all of a Refusal, one of an error."""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    if name == "Refusal":
        return values
    named = [keyword.value for keyword in call.keywords if keyword.arg == "message"]
    position = MESSAGE_POSITION.get(name, 0)
    return named or call.args[position : position + 1]


def test_every_id_is_unique() -> None:
    counts = Counter(message.id for message in all_messages())

    assert [each for each, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("message", all_messages(), ids=lambda message: message.id)
def test_a_message_has_an_example_a_condition_and_no_final_period(message: Message) -> None:
    assert set(message.example) == set(message.fields)
    assert message.example_text()
    assert message.when.endswith(".")
    assert not message.text.endswith(".")
    assert not message.fix.endswith(".")


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_use_of_a_message_gives_exactly_its_fields(path: Path) -> None:
    source = Source(path)
    wrong = [
        f"line {call.lineno}: {call.func.id} takes {sorted(message.fields)}"
        for call, _ in source.calls()
        if isinstance(call.func, ast.Name)
        and (message := source.messages.get(call.func.id)) is not None
        if {keyword.arg for keyword in call.keywords} != message.fields or call.args
    ]

    assert wrong == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_error_and_refusal_takes_its_text_from_the_catalogue(path: Path) -> None:
    source = Source(path)
    wrong = [
        f"line {call.lineno}: {ast.unparse(call)[:80]}"
        for name, call, scope in source.constructed()
        if not any(source.is_message(each, scope) for each in text_arguments(name, call))
        or any(source.has_own_text(each) for each in (*call.args, *call.keywords))
    ]
    wrong += [
        f"line {node.lineno}: {node.exc.id} is raised without a message"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name)
        if node.exc.id in checked_classes()
    ]

    assert wrong == []


def test_every_error_class_is_raised_with_a_message() -> None:
    messages: dict[str, set[str]] = defaultdict(set)
    for path in USERS:
        for name, call, _ in Source(path).constructed():
            messages[name].add(ast.unparse(call))
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.EtlError)
    }

    assert classes - messages.keys() - WITHOUT_MESSAGE.keys() == set()
    assert WITHOUT_MESSAGE.keys() & messages.keys() == set()


def test_every_message_is_used() -> None:
    used = set()
    for path in USERS:
        messages = Source(path).messages
        used |= {
            messages[node.id].id
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Name) and node.id in messages
        }

    assert [message.id for message in all_messages() if message.id not in used] == []


def test_every_passed_on_message_is_still_in_the_source() -> None:
    stale = [
        (file, expression)
        for file, expression in PASSED_ON
        if expression not in (ROOT / file).read_text()
    ]

    assert stale == []


@pytest.mark.parametrize(
    ("text", "is_accepted"),
    [
        ("raise NoSchemaError(KEY_LEADING_SLASH())", True),
        ("message = KEY_LEADING_SLASH()\nraise NoSchemaError(message)", True),
        ("raise NoSchemaError(error.message, error.details) from None", True),
        ("raise NoSchemaError(KEY_LEADING_SLASH() if key else KEY_PARTS_MISSING(count=1))", True),
        ("raise NoSchemaError('no schema')", False),
        ("raise NoSchemaError(f'no {schema}')", False),
        ("message = 'no schema'\nraise NoSchemaError(message)", False),
        ("raise NoSchemaError(str(error))", False),
        ("raise NoSchemaError(KEY_LEADING_SLASH(), ['a detail'])", False),
        ("raise NoSchemaError(KEY_LEADING_SLASH(), [f'a detail of {key}'])", False),
        ("Refusal(change, KEY_LEADING_SLASH())", True),
        ("Refusal(change, 'not allowed', KEY_LEADING_SLASH())", False),
        ("Refusal(change, rule, hint)", False),
        ("raise NoSchemaError", False),
    ],
)
def test_the_check_finds_texts_outside_of_the_catalogue(
    text: str, is_accepted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "module.py"
    imports = "from etl_core.model.messages import KEY_LEADING_SLASH, KEY_PARTS_MISSING"
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    path.write_text(f"{imports}\n\n\ndef function():\n{lines}")

    if is_accepted:
        test_every_error_and_refusal_takes_its_text_from_the_catalogue(path)
    else:
        with pytest.raises(AssertionError):
            test_every_error_and_refusal_takes_its_text_from_the_catalogue(path)


def test_the_reference_page_is_current() -> None:
    """If not: `python -m etl_core.message_catalogue > docs/reference/messages.md`."""
    assert PAGE.read_text() == render_catalogue()
