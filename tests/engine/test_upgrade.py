"""An upgrade keeps the data: a state file of an earlier version, brought up with the current program."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from pulumi.automation import Deployment

from tests.engine import aws
from tests.engine.conftest import LONG
from tests.engine.stack import Engine, account_of

FIXTURES = Path(__file__).parent / "fixtures"


def old_state(kind: str) -> Deployment:
    """Return the state of a stack that commit 95e1d93 brought up."""
    content = json.loads(gzip.decompress((FIXTURES / f"95e1d93-{kind}.json.gz").read_bytes()))
    return Deployment(content["version"], content["deployment"])


@LONG
@pytest.mark.parametrize("kind", ["serverless", "provisioned"])
def test_an_upgrade_replaces_nothing_that_holds_data(engine: Engine, kind: str):
    state = old_state(kind)
    stack = engine.open()
    account = account_of(state)
    account.fill()
    before = set(account.contents)
    stack.restore(state, account)
    stack.configure({"warehouseKind": kind, "databases": ["dev", "analytics"]})
    run = stack.up()
    assert not run.error
    assert account.lost == []
    assert before <= set(account.entries)
    for type_token in aws.HOLDS_DATA:
        assert run.ops(type_token) <= {"create", "update"}, type_token
    assert stack.up().changes == []
