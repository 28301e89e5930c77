"""The rights that `pulumi up` needs, by the type of the resources that it creates. Pure.

One or two actions stand for each type; deleting, tagging and reading are not listed. Each is simulated
on a name such as the stack gives, because companies often allow some names only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.setting_kinds import AccessLog, NetworkKind, WarehouseKind
from infra.stack_settings import StackSettings

_SUFFIX = "0a1b2c3"


@dataclass(frozen=True)
class Right:
    """Actions on a resource whose ARN has these parts: service, region or not, and the rest."""

    actions: tuple[str, ...]
    resource: str = "*"


_FUNCTION = "arn:{partition}:lambda:{region}:{account}:function:{prefix}-load-" + _SUFFIX
_API = "arn:{partition}:apigateway:{region}::/restapis"
_BUCKET = "arn:{partition}:s3:::{prefix}-lake-" + _SUFFIX
_ROLE = "arn:{partition}:iam::{account}:role{path}{prefix}-load-role-" + _SUFFIX
_RULE = "arn:{partition}:events:{region}:{account}:rule/{prefix}-workflow-" + _SUFFIX
_QUEUE = "arn:{partition}:sqs:{region}:{account}:{prefix}-workflow-dead-letters-" + _SUFFIX
_TOPIC = "arn:{partition}:sns:{region}:{account}:{prefix}-alarms-" + _SUFFIX
_LOGS = "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{prefix}-load"
_CLUSTER = "arn:{partition}:redshift:{region}:{account}:cluster:{prefix}-warehouse"

RIGHTS: Mapping[str, Right] = {
    "aws:s3/bucket:Bucket": Right(("s3:CreateBucket",), _BUCKET),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Right(
        ("s3:PutLifecycleConfiguration",), _BUCKET
    ),
    "aws:s3/bucketNotification:BucketNotification": Right(("s3:PutBucketNotification",), _BUCKET),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Right(
        ("s3:PutBucketOwnershipControls",), _BUCKET
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Right(("s3:PutBucketPolicy",), _BUCKET),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Right(
        ("s3:PutBucketPublicAccessBlock",), _BUCKET
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Right(
        ("s3:PutEncryptionConfiguration",), _BUCKET
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Right(("s3:PutBucketVersioning",), _BUCKET),
    "aws:iam/role:Role": Right(("iam:CreateRole", "iam:PassRole"), _ROLE),
    "aws:iam/rolePolicy:RolePolicy": Right(("iam:PutRolePolicy",), _ROLE),
    "aws:lambda/function:Function": Right(("lambda:CreateFunction",), _FUNCTION),
    "aws:lambda/invocation:Invocation": Right(("lambda:InvokeFunction",), _FUNCTION),
    "aws:lambda/permission:Permission": Right(("lambda:AddPermission",), _FUNCTION),
    "aws:lambda/layerVersion:LayerVersion": Right(
        ("lambda:PublishLayerVersion",),
        "arn:{partition}:lambda:{region}:{account}:layer:{prefix}-layer",
    ),
    "aws:dynamodb/table:Table": Right(
        ("dynamodb:CreateTable",),
        "arn:{partition}:dynamodb:{region}:{account}:table/{prefix}-log-" + _SUFFIX,
    ),
    "aws:sfn/stateMachine:StateMachine": Right(
        ("states:CreateStateMachine",),
        "arn:{partition}:states:{region}:{account}:stateMachine:{prefix}-workflow-" + _SUFFIX,
    ),
    "aws:cloudwatch/eventRule:EventRule": Right(("events:PutRule",), _RULE),
    "aws:cloudwatch/eventTarget:EventTarget": Right(("events:PutTargets",), _RULE),
    "aws:cloudwatch/logGroup:LogGroup": Right(
        ("logs:CreateLogGroup", "logs:PutRetentionPolicy"), _LOGS
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Right(
        ("cloudwatch:PutMetricAlarm",),
        "arn:{partition}:cloudwatch:{region}:{account}:alarm:{prefix}-alarms-" + _SUFFIX,
    ),
    "aws:scheduler/schedule:Schedule": Right(
        ("scheduler:CreateSchedule",),
        "arn:{partition}:scheduler:{region}:{account}:schedule/default/{prefix}-reconcile-"
        + _SUFFIX,
    ),
    "aws:sqs/queue:Queue": Right(("sqs:CreateQueue",), _QUEUE),
    "aws:sqs/queuePolicy:QueuePolicy": Right(("sqs:SetQueueAttributes",), _QUEUE),
    "aws:sns/topic:Topic": Right(("sns:CreateTopic",), _TOPIC),
    "aws:sns/topicSubscription:TopicSubscription": Right(("sns:Subscribe",), _TOPIC),
    "aws:secretsmanager/secret:Secret": Right(
        ("secretsmanager:CreateSecret",),
        "arn:{partition}:secretsmanager:{region}:{account}:secret:{prefix}-warehouse-loader-"
        + _SUFFIX,
    ),
    **dict.fromkeys(
        (
            "aws:apigateway/restApi:RestApi",
            "aws:apigateway/resource:Resource",
            "aws:apigateway/method:Method",
            "aws:apigateway/integration:Integration",
            "aws:apigateway/response:Response",
            "aws:apigateway/deployment:Deployment",
            "aws:apigateway/stage:Stage",
            "aws:apigateway/methodSettings:MethodSettings",
        ),
        Right(("apigateway:POST", "apigateway:PUT", "apigateway:PATCH"), _API),
    ),
    **dict.fromkeys(
        (
            "aws:apigateway/apiKey:ApiKey",
            "aws:apigateway/usagePlan:UsagePlan",
            "aws:apigateway/usagePlanKey:UsagePlanKey",
        ),
        Right(("apigateway:POST",), "arn:{partition}:apigateway:{region}::/apikeys"),
    ),
    "aws:apigateway/account:Account": Right(
        ("apigateway:PATCH",), "arn:{partition}:apigateway:{region}::/account"
    ),
    "aws:cloudwatch/dashboard:Dashboard": Right(("cloudwatch:PutDashboard",)),
    "aws:cloudwatch/queryDefinition:QueryDefinition": Right(("logs:PutQueryDefinition",)),
    "aws:kms/key:Key": Right(("kms:CreateKey",)),
    "aws:budgets/budget:Budget": Right(("budgets:ModifyBudget",)),
    "aws:redshiftserverless/usageLimit:UsageLimit": Right(
        ("redshift-serverless:CreateUsageLimit",)
    ),
    "aws:ec2/vpc:Vpc": Right(("ec2:CreateVpc", "ec2:ModifyVpcAttribute")),
    "aws:ec2/subnet:Subnet": Right(("ec2:CreateSubnet",)),
    "aws:ec2/routeTable:RouteTable": Right(("ec2:CreateRouteTable",)),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Right(("ec2:AssociateRouteTable",)),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Right(("ec2:CreateVpcEndpoint",)),
    "aws:ec2/flowLog:FlowLog": Right(("ec2:CreateFlowLogs",)),
    "aws:ec2/securityGroup:SecurityGroup": Right(("ec2:CreateSecurityGroup",)),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Right(
        ("ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress")
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Right(
        ("ec2:AuthorizeSecurityGroupIngress",)
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Right(
        ("ec2:AuthorizeSecurityGroupEgress",)
    ),
    "aws:redshiftserverless/namespace:Namespace": Right(("redshift-serverless:CreateNamespace",)),
    "aws:redshiftserverless/workgroup:Workgroup": Right(("redshift-serverless:CreateWorkgroup",)),
    "aws:redshift/cluster:Cluster": Right(("redshift:CreateCluster",), _CLUSTER),
    "aws:redshift/subnetGroup:SubnetGroup": Right(("redshift:CreateClusterSubnetGroup",)),
}
BOUNDARY = Right(("iam:PutRolePermissionsBoundary",), _ROLE)
SERVICE_ROLE = Right(
    ("iam:CreateServiceLinkedRole",),
    "arn:{partition}:iam::{account}:role/aws-service-role/redshift.amazonaws.com/AWSServiceRoleForRedshift",
)


def _optional(settings: StackSettings) -> dict[str, bool]:
    """Return whether the settings ask for each optional type."""
    has_address = settings.alarm_email is not None or settings.notify_email is not None
    return {
        "aws:sns/topicSubscription:": has_address,
        "aws:kms/": settings.alarm_email is not None and settings.kms_key_arn is None,
        "aws:budgets/": bool(settings.budget_per_month),
        "aws:apigateway/account:": settings.api_access_log is AccessLog.WITH_ROLE,
        "aws:redshiftserverless/usageLimit:": bool(settings.warehouse_rpu_hours_per_month),
    }


def rights_of(settings: StackSettings) -> Iterator[Right]:
    """Yield the rights that a stack with these settings needs, each resource once per set of actions."""
    left_out = []
    if settings.warehouse_kind is not WarehouseKind.SERVERLESS:
        left_out.append("aws:redshiftserverless/")
    if settings.warehouse_kind is not WarehouseKind.PROVISIONED:
        left_out.append("aws:redshift/")
    if settings.warehouse_kind is WarehouseKind.EXISTING:
        left_out += ["aws:secretsmanager/", "aws:lambda/invocation:", "aws:vpc/", "aws:ec2/"]
    elif settings.network is NetworkKind.EXISTING:
        left_out += [
            f"aws:ec2/{each}:"
            for each in ("vpc", "subnet", "routeTable", "routeTableAssociation", "vpcEndpoint")
        ]
        left_out += ["aws:ec2/flowLog:", "aws:ec2/defaultSecurityGroup:"]
    left_out += [token for token, is_wanted in _optional(settings).items() if not is_wanted]
    chosen = (right for token, right in RIGHTS.items() if not token.startswith(tuple(left_out)))
    yield from dict.fromkeys(chosen)
    if settings.permissions_boundary_arn is not None:
        yield BOUNDARY
    if settings.warehouse_kind is not WarehouseKind.EXISTING:
        yield SERVICE_ROLE
