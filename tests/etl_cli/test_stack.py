"""The stack that the commands work with: addresses read from the outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl_cli.stack import open_stack
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
        open_stack(path)


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
    stack = open_stack(path)
    assert (stack.reconcile.name, stack.tables.name) == ("r", "t")
