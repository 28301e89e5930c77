from tests.infra.engine import Stack

TABLE = "aws:dynamodb/table:Table"


def test_a_lease_has_one_key_and_expires(any_stack: Stack):
    inputs = any_stack.one(TABLE, "-leases").inputs
    assert inputs["hashKey"] == "lease"
    assert "rangeKey" not in inputs
    assert inputs["attributes"] == [{"name": "lease", "type": "S"}]
    assert inputs["ttl"] == {"attributeName": "expires_at", "enabled": True}


def test_the_table_is_on_demand_and_encrypted(any_stack: Stack):
    inputs = any_stack.one(TABLE, "-leases").inputs
    assert inputs["billingMode"] == "PAY_PER_REQUEST"
    assert inputs["serverSideEncryption"] == {"enabled": True}


def test_the_table_holds_nothing_that_must_be_kept(everything: Stack):
    """`protectData` does not apply: a table of leases can be deleted at any time."""
    table = everything.one(TABLE, "-leases")
    assert not table.protect
    assert "pointInTimeRecovery" not in table.inputs
    assert not table.inputs.get("deletionProtectionEnabled", False)
