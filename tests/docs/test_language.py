"""The repository is written in plain English: phrases that need their author to explain them do not come back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BANNED = (
    r"t(?:ells?|old) of",
    r"that which",
    r"(?:is|are|was|were) told by",
    r"those of",
    r"(?:is|are|was|were) answered for",
    r"what (?:became|becomes) of",
    r"no more than",
    r"l(?:ies?|ay) in",
    r"st(?:ands?|ood) in",
    r"ma(?:de|ke|kes) anew",
    r"anew",
    r"needs? leave",
    r"(?:goes|go|went|takes?|took) along",
    r"in another manner",
    r"(?:has|have|had) lost (?:its|their)",
    r"let be",
    r"whoever",
    r"meanwhile",
    # Standard terms have one name.
    r"landed order",
    r"stand-ins?",
    r"companions?",
    r"patience",
    r"witness(?:es)?",
    r"way out",
)
"""Regular expressions, matched as whole words in any case; a line break counts as a space."""

SUFFIXES = frozenset(
    {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".sql", ".svg", ".in", ".ini", ".cfg", ""}
)
FOLDERS = (
    ".ci", ".github", "bench", "docs", "etl_cli", "etl_core", "examples", "handlers", "infra",
    "local_cloud", "redshift_emulator", "requirements", "tests",
)  # fmt: skip
NOT_OURS = frozenset({"LICENSE"})
_PATTERN = re.compile(
    r"\b(?:" + "|".join(each.replace(" ", r"[\s#*]+") for each in BANNED) + r")\b", re.IGNORECASE
)


def files() -> Iterator[Path]:
    """Yield every text file of the repository, except this one."""
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        found += (ROOT / folder).rglob("*")
    for path in found:
        ours = path.name not in NOT_OURS and "__pycache__" not in path.parts
        if path.is_file() and path.suffix in SUFFIXES and ours and path != Path(__file__):
            yield path


def phrases(text: str) -> list[str]:
    """Return the banned phrases of a text, each with its line."""
    return [
        f"line {text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
        for match in _PATTERN.finditer(text)
    ]


@pytest.mark.parametrize(
    "text", ["What became of it", "it is told\n    by", "made anew", "A stand-in"]
)
def test_a_banned_phrase_is_found_in_any_case_and_across_lines(text: str) -> None:
    assert phrases(text)


@pytest.mark.parametrize("text", ["renewed", "the fellowship", "it is untold", "Patients"])
def test_other_words_are_left_alone(text: str) -> None:
    assert phrases(text) == []


def test_every_folder_is_searched() -> None:
    assert {
        path.parent.relative_to(ROOT).parts[0] for path in files() if path.parent != ROOT
    } == set(FOLDERS)


def test_no_file_has_a_banned_phrase() -> None:
    found = [
        f"{path.relative_to(ROOT)}, {phrase}"
        for path in sorted(files())
        for phrase in phrases(path.read_text("utf-8", "replace"))
    ]

    assert found == []
