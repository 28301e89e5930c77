"""The pages of the documentation: their links, their code blocks, and their `console` blocks as
commands that can be run.

`python -m tests.docs.pages` runs the commands of the pages that have any in a fresh local cloud and
writes what they print into the pages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "redshift_emulator").rglob("*.md")),
)
STORIES = (ROOT / "README.md", ROOT / "docs" / "tutorial.md")
"""Pages whose commands belong together: they run in order, in one fresh local cloud."""

PROMPT = "$ "
GAP = "..."
"""A line of expected output that stands for any number of lines."""

ANSWER_SECONDS = 40.0
SETTLE_SECONDS = 6.0
"""After an upload, before its rows are shown: a query cannot tell whether they are all there."""
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_VARIABLE = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "<time>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
)
_VARIABLE_COLUMNS = frozenset({"ms"})


@dataclass(frozen=True)
class Command:
    """A command of a page and the output that the page shows below it."""

    page: Path
    text: str
    output: str

    @property
    def waits(self) -> bool:
        """Whether the command shows an answer that may take a moment to arrive."""
        return self.text.startswith(("etl logs", "etl sql"))


def commands(page: Path) -> list[Command]:
    """Return the commands of the page's console blocks, in order."""
    found = []
    for block in _CONSOLE.findall(page.read_text("utf-8")):
        for part in re.split(rf"^{re.escape(PROMPT)}", block, flags=re.MULTILINE)[1:]:
            text, _, output = part.partition("\n")
            found.append(Command(page, text, output.rstrip("\n")))
    return found


def run(command: Command, folder: Path, state: Path) -> str:
    """Run a command in a folder that holds examples/, against the local cloud of `state`.

    Return what it prints.
    """
    environment = {
        name: os.environ[name] for name in ("HOME", "LANG", "PG_BIN") if name in os.environ
    }
    environment |= {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "ETL_LOCAL_STATE": str(state),
        "COLUMNS": "120",
        "PYTHONWARNINGS": "error",
    }
    made = subprocess.run(
        ["sh", "-c", command.text],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return made.stdout.rstrip("\n")


def run_until(command: Command, folder: Path, state: Path, expected: str | None) -> str:
    """Run a command.

    One that shows an answer is repeated until it prints what is expected, or the time is over.
    Without an expectation: until nothing is `received` any more.
    """
    ends_at = time.monotonic() + ANSWER_SECONDS
    while True:
        output = run(command, folder, state)
        is_done = "received" not in output and "does not exist" not in output
        if not command.waits or time.monotonic() > ends_at:
            return output
        if is_done if expected is None else matches(output, expected):
            return output
        time.sleep(0.5)


def matches(output: str, expected: str) -> bool:
    """Whether an output is the expected one, apart from times, ids, durations and the widths of table columns."""
    pattern = "\n".join(
        r"(?:.*\n)*?.*" if line == GAP else re.escape(line) for line in normalized(expected)
    )
    return re.fullmatch(pattern, "\n".join(normalized(output))) is not None


def normalized(output: str) -> list[str]:
    """Return the lines of an output without what differs from run to run; a table's row is one line."""
    for pattern, name in _VARIABLE:
        output = pattern.sub(name, output)
    lines: list[str] = []
    header: list[str] = []
    for line in output.splitlines():
        if re.match(r"^[┏┡└]", line):
            continue
        if line.startswith("┃"):
            header = [cell.strip() for cell in line.strip("┃").split("┃")]
            lines.append(" | ".join(header))
        elif line.startswith("│"):
            lines += _row([cell.strip() for cell in line.strip("│").split("│")], header, lines)
        else:
            lines.append(line.rstrip())
    return lines


def _row(cells: Sequence[str], header: Sequence[str], lines: list[str]) -> list[str]:
    """The row as a line.

    A row that only continues the one before it (its first cell is empty) is joined to that one.
    """
    shown = [
        "" if name in _VARIABLE_COLUMNS else cell for name, cell in zip(header, cells, strict=True)
    ]
    if not cells[0] and lines and " | " in lines[-1]:
        before = lines.pop().split(" | ")
        shown = [f"{first} {rest}".strip() for first, rest in zip(before, shown, strict=True)]
    return [" | ".join(shown)]


def links(page: Path) -> Iterator[str]:
    """Yield the relative links of a page, without their anchors."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not re.match(r"[a-z]+:", target) and not target.startswith("#"):
            yield target.partition("#")[0]


def write_outputs(page: Path) -> None:
    """Run the page's commands in a fresh local cloud and write their output into the page.

    A gap stays a gap.
    """
    with tempfile.TemporaryDirectory(prefix="etl-docs-") as temporary:
        folder, state = Path(temporary), Path(temporary) / "state"
        shutil.copytree(ROOT / "examples", folder / "examples")
        outputs = []
        for command in commands(page):
            if command.text.startswith("etl sql"):
                time.sleep(SETTLE_SECONDS)
            output = run_until(command, folder, state, None)
            outputs.append(GAP if command.output == GAP else output)
        run(Command(page, "etl down", ""), folder, state)

    written = iter(outputs)

    def block(match: re.Match[str]) -> str:
        texts = [line for line in match[1].splitlines() if line.startswith(PROMPT)]
        parts = [line + "\n" for text in texts for line in (text, next(written)) if line]
        return f"```console\n{''.join(parts)}```"

    page.write_text(_CONSOLE.sub(block, page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    for each in [Path(name).resolve() for name in sys.argv[1:]] or STORIES:
        write_outputs(each)
