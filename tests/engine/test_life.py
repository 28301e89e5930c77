"""The life of a stack: up, up again, a changed setting, destroy."""

from __future__ import annotations

from tests.engine import aws
from tests.engine.stack import Engine


def test_the_life_of_a_stack(engine: Engine):
    stack = engine.open()
    stack.configure({})
    first = stack.up()
    assert not first.error
    assert {step.op for step in first.changes} == {"create"}
    assert first.outputs["api_key"].secret
    assert first.outputs["lake_bucket"].value

    again = stack.up()
    assert not again.error
    assert again.changes == []

    stack.configure({"logGroupKeepDays": "90"})
    changed = stack.up()
    assert {(s.op, s.type) for s in changed.changes} == {
        ("update", "aws:cloudwatch/logGroup:LogGroup")
    }

    engine.provider.account.fill()
    gone = stack.destroy()
    assert not gone.error
    assert engine.provider.account.entries == {}
    lost = {key[0] for key in engine.provider.account.lost}
    assert lost == {aws.BUCKET, aws.TABLE, aws.NAMESPACE}
