"""The upload log: a DynamoDB table with one item per upload."""

from __future__ import annotations

import pulumi_aws.dynamodb as dynamodb
from pulumi import ResourceOptions

from infra.component import Component
from infra.stack_settings import StackSettings

HASH_KEY = "table_name"
RANGE_KEY = "landed_key"
WAITING_INDEX, WAITING_FOR, WAITING_SINCE = "waiting", "waiting_for", "waiting_since"
LISTED, NOTABLE, UPLOADS_INDEX, UPLOAD_ID = "listed", "notable", "uploads", "upload_id"


class LogTable(Component):
    """A DynamoDB table, billed on demand, that can be restored to any time of the last 35 days."""

    def __init__(self, name: str, settings: StackSettings, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        table = dynamodb.Table(
            name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=HASH_KEY,
            range_key=RANGE_KEY,
            attributes=[
                {"name": name, "type": "S"}
                for name in (
                    HASH_KEY,
                    RANGE_KEY,
                    WAITING_FOR,
                    WAITING_SINCE,
                    LISTED,
                    NOTABLE,
                    UPLOAD_ID,
                )
            ],
            global_secondary_indexes=[
                # Only pending entries have these attributes, so the index stays small as the log grows.
                _index(WAITING_INDEX, WAITING_FOR, WAITING_SINCE),
                # Uploads to all tables by day; refused uploads by month, and schema files by table.
                _index(LISTED, LISTED, RANGE_KEY),
                _index(NOTABLE, NOTABLE, RANGE_KEY),
                _index(UPLOADS_INDEX, UPLOAD_ID, None, "KEYS_ONLY"),
            ],
            point_in_time_recovery={"enabled": True},
            server_side_encryption=table_encryption(settings),
            deletion_protection_enabled=settings.protect_data,
            opts=self.child(protect=settings.protect_data),
        )
        self.arn = table.arn
        self.table_name = table.name
        self.register_outputs({})


def table_encryption(settings: StackSettings) -> dynamodb.TableServerSideEncryptionArgsDict:
    """Return the encryption of a table: with the customer's key, else with AWS's for DynamoDB."""
    if settings.kms_key_arn is None:
        return {"enabled": True}
    return {"enabled": True, "kms_key_arn": settings.kms_key_arn}


def _index(
    name: str, hash_key: str, range_key: str | None, projection: str = "ALL"
) -> dynamodb.TableGlobalSecondaryIndexArgsDict:
    keys = [{"attribute_name": hash_key, "key_type": "HASH"}]
    if range_key is not None:
        keys.append({"attribute_name": range_key, "key_type": "RANGE"})
    return {"name": name, "key_schemas": keys, "projection_type": projection}  # type: ignore[typeddict-item]
