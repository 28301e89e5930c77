"""The stack that the commands work with: addresses read from the outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl_cli.stack import open_stack
from etl_cli.stack_outputs import StackSource, need
from etl_core.model.errors import StackError


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "does not exist. Start the local cloud"),
        ("{", "cannot be read as JSON"),
        ("[]", "no JSON object"),
        (
            '{"state_machine_arn": "arn:aws:states:eu-central-1:1:stateMachine:m"}',
            "has no 'reconcile_function'",
        ),
        ("{}", "has no 'state_machine_arn'"),
    ],
)
def test_unusable_outputs_are_reported_with_the_fix(
    tmp_path: Path, content: str | None, text: str
) -> None:
    path = tmp_path / "outputs.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StackError, match=text):
        open_stack(StackSource(str(path), path))


def test_the_outputs_of_pulumi_are_sufficient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outputs.json"
    outputs = {
        "state_machine_arn": "arn:aws:states:eu-central-1:123456789012:stateMachine:m",
        "reconcile_function": "r",
        "tables_function": "t",
    }
    path.write_text(json.dumps(outputs))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    stack = open_stack(StackSource(str(path), path))
    assert (stack.reconcile.name, stack.tables.name) == ("r", "t")


PULUMI = """#!/bin/sh
echo "$@" > {log}
if [ "$6" = dev ]; then echo '{{"api_url": "https://api", "api_key": "k"}}'
else echo "error: no stack named 'prod' found" >&2; exit 255; fi
"""


def test_a_name_is_a_stack_whose_outputs_pulumi_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, log = tmp_path / "pulumi", tmp_path / "log"
    program.write_text(PULUMI.format(log=log))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert StackSource("dev").read() == {"api_url": "https://api", "api_key": "k"}
    assert log.read_text().strip() == "stack output --json --show-secrets --stack dev"
    with pytest.raises(StackError, match="no stack named 'prod' found"):
        StackSource("prod").read()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StackError, match="Install Pulumi, or name an outputs file"):
        StackSource("dev").read()


def test_a_secret_that_the_file_hides_is_reported_with_the_fix() -> None:
    with pytest.raises(StackError, match="--show-secrets"):
        need({"api_key": "[secret]"}, "api_key", StackSource("dev"))
