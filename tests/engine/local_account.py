"""The local cloud as the account of the engine's provider: what the engine creates, changes and deletes is real.

Creating is what the local deployer does (local_cloud/resources). The two tables below add the other
calls of the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

from local_cloud.deploy import plain
from local_cloud.resources import Context, ProvisioningError, Resource, invokes, provision
from local_cloud.resources.functions import with_bootstrap
from tests.engine import aws
from tests.engine.aws import Account, AwsError, Entry, rule_of

DEFAULTS = "__defaults"

Delete = Callable[[Context, Entry], None]


@dataclass
class LocalAccount(Account):
    """An account whose resources exist in the local cloud."""

    context: Context = field(kw_only=True)

    def create(self, type_token: str, name: str, inputs: dict[str, Any]) -> Entry:
        rule_of(type_token)
        entry = self._provision(type_token, name, inputs)
        with self._lock:
            self.entries[type_token, entry.id] = entry
        return entry

    def update(self, type_token: str, identifier: str, inputs: dict[str, Any]) -> Entry:
        with self._lock:
            entry = self._existing(type_token, identifier)
        if type_token == "aws:lambda/function:Function":
            update_function(self.context, self._resource(type_token, identifier, inputs))
            entry.outputs = {**entry.outputs, **inputs}
        elif type_token in UPDATED_BY_CREATE:
            entry.outputs = self._provision(type_token, identifier, inputs).outputs
        else:
            raise AwsError(f"{type_token} has no update in tests/engine/local_account.py; add one")
        entry.inputs = inputs
        return entry

    def delete(self, type_token: str, identifier: str) -> None:
        with self._lock:
            entry = self.entries.get((type_token, identifier))
        if entry is None:
            return
        if type_token not in GONE_WITH_ANOTHER:
            delete = DELETE.get(type_token)
            if delete is None:
                raise AwsError(
                    f"{type_token} has no delete in tests/engine/local_account.py; add one"
                )
            try:
                delete(self.context, entry)
            except self.context.aws.client("s3").exceptions.ClientError as error:
                raise AwsError(f"deleting {type_token} {identifier}: {error}") from error
        with self._lock:
            del self.entries[type_token, identifier]

    def answer(self, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
        return invokes.answer(self.context, token, args)

    def _provision(self, type_token: str, name: str, inputs: Mapping[str, Any]) -> Entry:
        try:
            created = provision(self.context, self._resource(type_token, name, inputs))
        except ProvisioningError as error:
            raise AwsError(str(error)) from error
        given = {key: value for key, value in inputs.items() if key != DEFAULTS}
        return Entry(type_token, created.id, dict(inputs), {**given, **created.outputs})

    def _resource(self, type_token: str, name: str, inputs: Mapping[str, Any]) -> Resource:
        return Resource(type_token, name, plain(_with_archives(inputs)))


def _with_archives(inputs: Mapping[str, Any]) -> Any:
    """Return the inputs with the SDK's archives, which the protocol sends as structures."""
    struct = struct_pb2.Struct()
    known = {key: value for key, value in inputs.items() if key != DEFAULTS}
    json_format.ParseDict(known, struct)
    return rpc.deserialize_properties(struct)


def update_function(context: Context, item: Resource) -> None:
    """Give a function its new code and its new configuration."""
    client, name = context.aws.client("lambda"), item.need("name")
    client.update_function_code(FunctionName=name, ZipFile=with_bootstrap(context, item))
    reserved = item.take("reservedConcurrentExecutions")
    if reserved is not None:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    not_applied = ("runtime", "architectures", "layers", "vpcConfig", "tags", "tagsAll")
    known = {key: value for key, value in item.rest().items() if key not in not_applied}
    context.aws.call("lambda", "update_function_configuration", known, FunctionName=name)


UPDATED_BY_CREATE = frozenset({
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:cloudwatch/eventRule:EventRule",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketNotification:BucketNotification",
    "aws:s3/bucketPolicy:BucketPolicy",
})  # fmt: skip
"""The local deployer creates these with a PUT, which also changes what exists under the name."""

GONE_WITH_ANOTHER = frozenset({
    # with the bucket
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketNotification:BucketNotification",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    # with the API
    "aws:apigateway/deployment:Deployment",
    "aws:apigateway/integration:Integration",
    "aws:apigateway/method:Method",
    "aws:apigateway/methodSettings:MethodSettings",
    "aws:apigateway/requestValidator:RequestValidator",
    "aws:apigateway/resource:Resource",
    "aws:apigateway/response:Response",
    "aws:apigateway/usagePlanKey:UsagePlanKey",
    # with the function, the queue, the topic, the security group
    "aws:lambda/permission:Permission",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    # an invocation is over; the others exist only as ids in the local cloud
    "aws:lambda/invocation:Invocation",
    "aws:cloudwatch/queryDefinition:QueryDefinition",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:ec2/flowLog:FlowLog",
    "aws:redshiftserverless/workgroup:Workgroup",
})  # fmt: skip
"""What the deletion of another resource removes, or what the local cloud never created."""


def _call(service: str, operation: str, **parameters: str) -> Delete:
    """Return the call of one operation. `parameters`: the name of each, and the output with its value."""

    def delete(context: Context, entry: Entry) -> None:
        known = {**entry.outputs, "id": entry.id}
        given = {name: known[output] for name, output in parameters.items()}
        getattr(context.aws.client(service), operation)(**given)

    return delete


def _delete_bucket(context: Context, entry: Entry) -> None:
    """Empty the bucket if `forceDestroy` says so, as the provider does, and delete it."""
    s3 = context.aws.client("s3")
    if entry.inputs.get("forceDestroy"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=entry.id):
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                s3.delete_object(Bucket=entry.id, Key=each["Key"], VersionId=each["VersionId"])
    s3.delete_bucket(Bucket=entry.id)


def _delete_layer(context: Context, entry: Entry) -> None:
    name, version = entry.outputs["layerName"], int(entry.id.rpartition(":")[2])
    context.aws.client("lambda").delete_layer_version(LayerName=name, VersionNumber=version)


def _delete_target(context: Context, entry: Entry) -> None:
    bus = entry.outputs.get("eventBusName", "default")
    context.aws.client("events").remove_targets(
        Rule=entry.outputs["rule"], EventBusName=bus, Ids=[entry.outputs["targetId"]]
    )


def _delete_endpoint(context: Context, entry: Entry) -> None:
    context.aws.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[entry.id])


def _delete_alarm(context: Context, entry: Entry) -> None:
    context.aws.client("cloudwatch").delete_alarms(AlarmNames=[entry.id])


def _delete_dashboard(context: Context, entry: Entry) -> None:
    context.aws.client("cloudwatch").delete_dashboards(DashboardNames=[entry.id])


def _delete_namespace(context: Context, entry: Entry) -> None:
    """Delete the administrator's secret, as Redshift does. The emulator stays."""
    context.aws.client("secretsmanager").delete_secret(
        SecretId=entry.outputs["adminPasswordSecretArn"], ForceDeleteWithoutRecovery=True
    )


def _delete_secret(context: Context, entry: Entry) -> None:
    context.aws.client("secretsmanager").delete_secret(
        SecretId=entry.id, ForceDeleteWithoutRecovery=True
    )


DELETE: Mapping[str, Delete] = {
    "aws:apigateway/apiKey:ApiKey": _call("apigateway", "delete_api_key", apiKey="id"),
    "aws:apigateway/restApi:RestApi": _call("apigateway", "delete_rest_api", restApiId="id"),
    "aws:apigateway/stage:Stage": _call(
        "apigateway", "delete_stage", restApiId="restApi", stageName="stageName"
    ),
    "aws:apigateway/usagePlan:UsagePlan": _call(
        "apigateway", "delete_usage_plan", usagePlanId="id"
    ),
    "aws:cloudwatch/dashboard:Dashboard": _delete_dashboard,
    "aws:cloudwatch/eventRule:EventRule": _call("events", "delete_rule", Name="id"),
    "aws:cloudwatch/eventTarget:EventTarget": _delete_target,
    "aws:cloudwatch/logGroup:LogGroup": _call("logs", "delete_log_group", logGroupName="id"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _delete_alarm,
    "aws:dynamodb/table:Table": _call("dynamodb", "delete_table", TableName="id"),
    "aws:ec2/routeTable:RouteTable": _call("ec2", "delete_route_table", RouteTableId="id"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _call(
        "ec2", "disassociate_route_table", AssociationId="id"
    ),
    "aws:ec2/securityGroup:SecurityGroup": _call("ec2", "delete_security_group", GroupId="id"),
    "aws:ec2/subnet:Subnet": _call("ec2", "delete_subnet", SubnetId="id"),
    "aws:ec2/vpc:Vpc": _call("ec2", "delete_vpc", VpcId="id"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _delete_endpoint,
    "aws:iam/role:Role": _call("iam", "delete_role", RoleName="id"),
    "aws:iam/rolePolicy:RolePolicy": _call(
        "iam", "delete_role_policy", RoleName="role", PolicyName="name"
    ),
    "aws:lambda/function:Function": _call("lambda", "delete_function", FunctionName="id"),
    "aws:lambda/layerVersion:LayerVersion": _delete_layer,
    aws.NAMESPACE: _delete_namespace,
    aws.BUCKET: _delete_bucket,
    "aws:scheduler/schedule:Schedule": _call("scheduler", "delete_schedule", Name="id"),
    "aws:secretsmanager/secret:Secret": _delete_secret,
    "aws:sfn/stateMachine:StateMachine": _call(
        "stepfunctions", "delete_state_machine", stateMachineArn="id"
    ),
    "aws:sns/topic:Topic": _call("sns", "delete_topic", TopicArn="id"),
    "aws:sns/topicSubscription:TopicSubscription": _call(
        "sns", "unsubscribe", SubscriptionArn="id"
    ),
    "aws:sqs/queue:Queue": _call("sqs", "delete_queue", QueueUrl="id"),
}
