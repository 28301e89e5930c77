"""DynamoDB: tables."""

from __future__ import annotations

from typing import Any

from local_cloud.resources.registry import Context, Created, Resource, resource


@resource(
    "aws:dynamodb/table:Table",
    {
        "serverSideEncryption": "the AWS server stores nothing on disk",
        "tableClass": "only changes the price",
        "onDemandThroughput": "only changes the price",
    },
)
def table(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    recovery, expiry = item.take("pointInTimeRecovery"), item.take("ttl")
    parameters = {
        "KeySchema": _keys(item.need("hashKey"), item.take("rangeKey")),
        "BillingMode": item.take("billingMode", "PROVISIONED"),
    }
    indexes = [_index(index) for index in item.take("globalSecondaryIndexes", [])]
    if indexes:
        parameters["GlobalSecondaryIndexes"] = indexes
    response = context.aws.call(
        "dynamodb", "create_table", _with_attributes(item), TableName=name, **parameters
    )["TableDescription"]
    _configure(context.aws.client("dynamodb"), name, recovery, expiry)
    return Created(
        name,
        {
            "arn": response["TableArn"],
            "name": name,
            "streamArn": response.get("LatestStreamArn", ""),
        },
    )


def _with_attributes(item: Resource) -> dict[str, Any]:
    attributes = [
        {"attributeName": a["name"], "attributeType": a["type"]} for a in item.need("attributes")
    ]
    return {"attributeDefinitions": attributes} | item.rest()


def _keys(hash_key: str, range_key: str | None) -> list[dict[str, str]]:
    keys = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else [])


def _index(index: dict[str, Any]) -> dict[str, Any]:
    keys = [
        {"AttributeName": k["attributeName"], "KeyType": k["keyType"]}
        for k in index.get("keySchemas", [])
    ]
    projection: dict[str, Any] = {"ProjectionType": index["projectionType"]}
    if index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = index["nonKeyAttributes"]
    return {
        "IndexName": index["name"],
        "KeySchema": keys or _keys(index["hashKey"], index.get("rangeKey")),
        "Projection": projection,
    }


def _configure(
    client: Any, name: str, recovery: dict[str, Any] | None, expiry: dict[str, Any] | None
) -> None:
    """Apply the settings that AWS accepts only in separate calls."""
    if recovery:
        days = recovery.get("recoveryPeriodInDays")
        setting = {"PointInTimeRecoveryEnabled": recovery["enabled"]} | (
            {"RecoveryPeriodInDays": days} if days else {}
        )
        client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=setting)
    if expiry:
        setting = {"Enabled": expiry.get("enabled", True), "AttributeName": expiry["attributeName"]}
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=setting)
