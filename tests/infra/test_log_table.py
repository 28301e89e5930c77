from etl_core.upload_log import entry
from tests.infra.engine import Stack

TABLE = "aws:dynamodb/table:Table"


def test_the_table_has_the_keys_that_the_log_uses(any_stack: Stack):
    inputs = any_stack.one(TABLE, "-log").inputs
    assert (inputs["hashKey"], inputs["rangeKey"]) == (entry.PARTITION_KEY, entry.SORT_KEY)
    keys = (entry.PARTITION_KEY, entry.SORT_KEY, entry.WAITING_FOR, entry.WAITING_SINCE)
    assert {a["name"]: a["type"] for a in inputs["attributes"]} == dict.fromkeys(keys, "S")
    [index] = inputs["globalSecondaryIndexes"]
    assert index["name"] == entry.WAITING_INDEX
    assert [key["attributeName"] for key in index["keySchemas"]] == [
        entry.WAITING_FOR,
        entry.WAITING_SINCE,
    ]


def test_the_table_is_on_demand_with_point_in_time_recovery(any_stack: Stack):
    inputs = any_stack.one(TABLE, "-log").inputs
    assert inputs["billingMode"] == "PAY_PER_REQUEST"
    assert inputs["pointInTimeRecovery"] == {"enabled": True}


def test_the_table_has_deletion_protection_if_configured(plain: Stack, everything: Stack):
    assert plain.one(TABLE, "-log").inputs["deletionProtectionEnabled"] is False
    assert everything.one(TABLE, "-log").inputs["deletionProtectionEnabled"] is True
