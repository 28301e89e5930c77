from etl_core.upload_log import entry, indexes
from tests.infra.engine import Stack

TABLE = "aws:dynamodb/table:Table"


def test_the_table_has_the_keys_that_the_log_uses(any_stack: Stack):
    inputs = any_stack.one(TABLE, "-log").inputs
    assert (inputs["hashKey"], inputs["rangeKey"]) == (entry.PARTITION_KEY, entry.SORT_KEY)
    expected = {
        entry.WAITING_INDEX: ([entry.WAITING_FOR, entry.WAITING_SINCE], "ALL"),
        indexes.LISTED_INDEX: ([indexes.LISTED, entry.SORT_KEY], "ALL"),
        indexes.NOTABLE_INDEX: ([indexes.NOTABLE, entry.SORT_KEY], "ALL"),
        indexes.UPLOAD_INDEX: ([indexes.UPLOAD_ID], "KEYS_ONLY"),
    }
    declared = {
        index["name"]: (
            [key["attributeName"] for key in index["keySchemas"]],
            index["projectionType"],
        )
        for index in inputs["globalSecondaryIndexes"]
    }
    assert declared == expected
    keys = {entry.PARTITION_KEY, entry.SORT_KEY}.union(*(names for names, _ in expected.values()))
    assert {a["name"]: a["type"] for a in inputs["attributes"]} == dict.fromkeys(keys, "S")


def test_the_table_is_on_demand_with_point_in_time_recovery(any_stack: Stack):
    inputs = any_stack.one(TABLE, "-log").inputs
    assert inputs["billingMode"] == "PAY_PER_REQUEST"
    assert inputs["pointInTimeRecovery"] == {"enabled": True}


def test_the_table_has_deletion_protection_if_configured(plain: Stack, everything: Stack):
    assert plain.one(TABLE, "-log").inputs["deletionProtectionEnabled"] is False
    assert everything.one(TABLE, "-log").inputs["deletionProtectionEnabled"] is True
