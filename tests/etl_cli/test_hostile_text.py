"""Text from outside is data: no terminal output obeys it, with and without a terminal."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_cli import display
from etl_cli.client import Answer
from etl_cli.console import DataConsole, DataTable, cell_of_lines
from etl_cli.recovery_display import findings_table
from etl_cli.stack_options import Reply
from etl_cli.terminal import to_json, visible, visible_lines
from etl_core.model.status import Status
from etl_core.recovery.reconcile import State
from etl_core.recovery.reconcile_requests import Page
from tests.builders import a_column, a_schema_file
from tests.etl_cli.test_recovery_client import a_finding
from tests.etl_cli.test_recovery_commands import FakeFunction, Run, a_delivery, opened, run

__all__ = ["opened", "run"]

ROOT = Path(__file__).parents[2]
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = f"\x1b[2J\x1b]0;owned\x07[red]:warning:\0\x7f\x9b1m{BIDI}\u2028end"
CSI = re.compile(r"\x1b\[[0-9;]*m")
"""The colours that rich writes itself."""


def faults_of(output: str) -> list[str]:
    """Return the characters that data must not bring onto a terminal."""
    plain = CSI.sub("", output).replace("\r\n", "\n")
    return [
        f"U+{ord(each):04X}"
        for each in plain
        if each != "\n" and unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]


@given(st.text())
def test_a_visible_text_is_one_harmless_line(text: str) -> None:
    assert not {"Cc", "Cs", "Zl", "Zp"} & set(map(unicodedata.category, visible(text)))
    assert not set(BIDI) & set(visible(text))
    assert "\n" not in visible(text)


@given(st.text(st.characters(exclude_categories=("C", "Z"))))
def test_a_harmless_text_is_not_changed(text: str) -> None:
    assert visible(text) == text


def test_characters_are_escaped_as_programs_write_them() -> None:
    assert visible("a\x1b[0m\n\t\x85\u202eé ok") == r"a\x1b[0m\n\t\x85\u202eé ok"
    assert visible_lines("a\x1b\nb") == "a\\x1b\nb"


@given(st.dictionaries(st.text(), st.text() | st.integers()))
def test_json_keeps_every_value_and_shows_no_hidden_character(value: dict[str, str | int]) -> None:
    text = to_json(value)
    assert json.loads(text) == value
    assert visible_lines(text) == text


def test_json_writes_escapes_as_json_does() -> None:
    assert to_json("\x1b\x7f\x85\u202eé") == r'"\u001b\u007f\u0085\u202eé"'


def rendered(part: object, *, terminal: bool) -> str:
    output = StringIO()
    console = DataConsole(
        file=output, width=400, force_terminal=terminal, markup=False, emoji=False
    )
    console.print(part)
    return output.getvalue()


ENTRY = {
    "landed_timestamp": "2026-11-22T12:00:00Z",
    "s3_key": f"dev/append/t/{HOSTILE}",
    "status": HOSTILE,
    "error": {"message": HOSTILE, "details": [f"a{HOSTILE}"]},
}
PARTS = {
    "logs": lambda: display.describe_entries([ENTRY]),
    "sql": lambda: display.describe_answer(Answer((HOSTILE,), ((f"v{HOSTILE}",), (None,)))),
    "findings": lambda: findings_table([a_finding(f"dev/append/t/{HOSTILE}")]),
    "errors": lambda: display.describe_errors([HOSTILE]),
    "string": lambda: HOSTILE,
    "cells": lambda: DataTable(cell_of_lines([HOSTILE]).plain),
}


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("name", PARTS)
def test_what_rich_prints_shows_data_and_obeys_none(name: str, terminal: bool) -> None:
    output = rendered(PARTS[name](), terminal=terminal)

    assert faults_of(output) == []
    for shown in (r"\x1b[2J", "[red]", ":warning:", r"\x9b1m", r"\u202e", "end"):
        assert shown in CSI.sub("", output).replace(r"\\", "\\")


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_reconcile_shows_hostile_keys_and_reasons_escaped(
    run: Run, as_json: list[str], dry_run: list[str]
) -> None:
    finding = a_finding(f"dev/append/t/{HOSTILE}")
    page = Page(findings=(finding,), counts={State.NEVER_SEEN: 1})
    function = FakeFunction(page=page, **a_delivery(Status.REJECTED, f"{HOSTILE}\nforged: loaded"))

    done = run(function, "reconcile", *as_json, *dry_run)

    assert faults_of(done.output) == []
    assert "\nforged" not in done.output
    if as_json:
        [found] = json.loads(done.stdout)["findings"]
        assert found["key"] == finding.upload.key


COMMANDS = (
    ["check", "s.json", "DATA"],
    ["check", "s.json", "DATA", "--json"],
    ["check", "\x1b[2J.json"],
    ["infer", "DATA"],
    ["infer", "DATA", "--null-as", "\x1b\x9b\u202e"],
    ["infer", "missing\x1b[2J\u202e"],
    ["plan", "\x1b[2J.json"],
    ["plan", "s.json", "--table", "\x1b[2J"],
    ["logs", "t", "--stack", "\x1b[2J.json"],
    ["\x1b[2J"],
)
PROGRAM = """
import json, sys
from etl_cli.main import main
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as end:
        print("ends with", end.code, flush=True)
"""


def in_terminal(command: Sequence[str], cwd: Path) -> str:
    """Run the command in a pseudo-terminal and return what it writes there."""
    leader, follower = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "400"}
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdin=follower, stdout=follower, stderr=follower
    ) as process:
        os.close(follower)
        output = bytearray()
        with suppress(OSError):  # Linux: the other end is closed
            while chunk := os.read(leader, 65536):
                output += chunk
        process.wait()
    os.close(leader)
    return output.decode()


def in_pipe(command: Sequence[str], cwd: Path) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode()


@pytest.mark.parametrize("runner", [in_terminal, in_pipe])
def test_check_infer_and_plan_show_hostile_files_escaped(
    runner: Callable[[Sequence[str], Path], str], tmp_path: Path
) -> None:
    data = "x\x1b[2J\u202e.csv"
    value = HOSTILE.replace("\0", "")
    (tmp_path / data).write_text(f"id,n\n1,{value}\n", newline="")
    (tmp_path / "s.json").write_bytes(a_schema_file(a_column("id"), a_column("n")))
    (tmp_path / "\x1b[2J.json").write_text(json.dumps({"columns": [{"name": HOSTILE}]}))
    commands = [[data if each == "DATA" else each for each in command] for command in COMMANDS]

    output = runner([sys.executable, "-c", PROGRAM, json.dumps(commands)], tmp_path)

    for own in ("\x1b[?25l", "\x1b[?25h", "\x1b[1A", "\x1b[2K", "\r"):  # of rich's progress bar
        output = output.replace(own, "")
    assert faults_of(output) == [], output
    assert output.count("ends with") == len(COMMANDS)
    assert output.count(r"\x1b[2J") >= len(COMMANDS) - 3
    assert "Traceback" not in output


def test_only_two_modules_write_to_the_terminal() -> None:
    writers = {"terminal.py", "console.py"}
    for path in sorted((ROOT / "etl_cli").glob("*.py")):
        if path.name not in writers:
            assert forbidden_in(path.read_text()) == [], path.name


def forbidden_in(source: str) -> list[str]:
    """Return what writes past `terminal` and `console`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        text = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if text in ("click.echo", "click.secho", "sys.stdout", "sys.stderr", "json.dumps"):
            found.append(text)
        if isinstance(node, ast.Name) and node.id == "print":
            found.append("print")
        if isinstance(node, ast.ImportFrom) and node.module in ("rich.text", "rich.table", "rich"):
            found.append(str(node.module))
        if isinstance(node, ast.ImportFrom) and node.module == "rich.console":
            found += [each.name for each in node.names if each.name == "Console"]
    return found


def test_the_rule_about_writers_finds_what_it_forbids() -> None:
    source = "import click, sys\nfrom rich.text import Text\nclick.echo(1)\nprint(2)\nsys.stdout"
    assert sorted(forbidden_in(source)) == ["click.echo", "print", "rich.text", "sys.stdout"]


def test_a_reply_prints_a_line_as_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    import click

    Reply(click.Context(click.Command("x")), as_json=False).show("a\nforged")
    assert capsys.readouterr().out == "a\\nforged\n"
