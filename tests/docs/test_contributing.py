"""CONTRIBUTING names files and functions; each of them exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
_ROW = re.compile(r"^\| ([^|]+\?) \| `([^`|]+)` \| `([^`|]+)` \|", re.MULTILINE)
ANSWERS = _ROW.findall(TEXT)
"""(question, file, function or other name)."""

FILES = sorted(set(re.findall(r"`((?:[\w.]+/)+[\w.]+\.\w+)`", TEXT)))


def names(path: Path) -> set[str]:
    """The functions, methods, classes and constants that a module defines; of a class also `Class.method`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef)
            }
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {each.id for each in targets if isinstance(each, ast.Name)}
    return found


def test_the_table_answers_at_least_fourteen_questions() -> None:
    assert len(ANSWERS) >= 14
    assert len({question for question, _, _ in ANSWERS}) == len(ANSWERS)


@pytest.mark.parametrize(("question", "file", "name"), ANSWERS, ids=lambda value: value[:50])
def test_the_answer_to_a_question_exists(question: str, file: str, name: str) -> None:
    assert (ROOT / file).is_file(), question
    assert name.removesuffix("()") in names(ROOT / file), question


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_named_exists(file: str) -> None:
    assert (ROOT / file).is_file()


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z-]+)", re.sub(r"make it\b", "", TEXT))) <= targets
