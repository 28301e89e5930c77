"""What the AWS provider does with a change of each resource type that the program uses.

`replaced_by` are the arguments that force a replacement. The sources are the resources' schemas in
hashicorp/terraform-provider-aws, on which the Pulumi provider is built: `ForceNew` and
`RequiresReplace` in internal/service/<service>/<file>.go, named in each row. `named_by` is the
argument that Pulumi fills with a name if the program gives none (pulumi/pulumi-aws,
provider/resources.go, `AutoName`).
"""

from __future__ import annotations

from dataclasses import dataclass

ALL = "*"
"""Every argument forces a replacement."""


@dataclass(frozen=True)
class Rule:
    """`referenced_by`: the arguments of other resources that keep this one from being deleted."""

    source: str
    replaced_by: frozenset[str] = frozenset()
    named_by: str = ""
    has_unique_name: bool = True

    def replaces(self, argument: str) -> bool:
        return ALL in self.replaced_by or argument in self.replaced_by


def _rule(source: str, *replaced_by: str, named_by: str = "", unique: bool = True) -> Rule:
    names = {named_by} if named_by else set()
    return Rule(source, frozenset({*replaced_by, *names}), named_by, unique)


RULES = {
    "aws:apigateway/apiKey:ApiKey": Rule("apigateway/api_key.go", frozenset({"value"}), "name", False),
    "aws:apigateway/deployment:Deployment": _rule("apigateway/deployment.go", "restApi", "triggers"),
    "aws:apigateway/integration:Integration": _rule(
        "apigateway/integration.go", "restApi", "resourceId", "httpMethod", "type", "integrationHttpMethod"
    ),
    "aws:apigateway/method:Method": _rule("apigateway/method.go", "restApi", "resourceId", "httpMethod"),
    "aws:apigateway/methodSettings:MethodSettings": _rule(
        "apigateway/method_settings.go", "restApi", "stageName", "methodPath"
    ),
    "aws:apigateway/requestValidator:RequestValidator": _rule(
        "apigateway/request_validator.go", "restApi"
    ),
    "aws:apigateway/resource:Resource": _rule("apigateway/resource.go", "restApi"),
    "aws:apigateway/response:Response": _rule(
        "apigateway/gateway_response.go", "restApiId", "responseType"
    ),
    "aws:apigateway/restApi:RestApi": Rule("apigateway/rest_api.go", frozenset(), "name", False),
    "aws:apigateway/stage:Stage": _rule("apigateway/stage.go", "restApi", "stageName"),
    "aws:apigateway/usagePlan:UsagePlan": Rule("apigateway/usage_plan.go", frozenset(), "name", False),
    "aws:apigateway/usagePlanKey:UsagePlanKey": _rule(
        "apigateway/usage_plan_key.go", "keyId", "keyType", "usagePlanId"
    ),
    "aws:apigateway/account:Account": _rule("apigateway/account.go"),
    "aws:budgets/budget:Budget": _rule("budgets/budget.go", "accountId", named_by="name"),
    "aws:cloudwatch/dashboard:Dashboard": _rule("cloudwatch/dashboard.go", "dashboardName"),
    "aws:cloudwatch/eventBus:EventBus": _rule("events/bus.go", "name"),
    "aws:cloudwatch/eventRule:EventRule": _rule("events/rule.go", "eventBusName", named_by="name"),
    "aws:cloudwatch/eventTarget:EventTarget": _rule(
        "events/target.go", "rule", "targetId", "eventBusName"
    ),
    "aws:cloudwatch/logGroup:LogGroup": _rule("logs/group.go", "namePrefix", named_by="name"),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": _rule(
        "logs/metric_filter.go", "logGroupName", named_by="name", unique=False
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": _rule(
        "logs/resource_policy.go", "policyName"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _rule("cloudwatch/metric_alarm.go", named_by="name"),
    "aws:cloudwatch/queryDefinition:QueryDefinition": Rule(
        "logs/query_definition.go", frozenset(), "name", False
    ),
    "aws:dynamodb/table:Table": _rule("dynamodb/table.go", "hashKey", "rangeKey", named_by="name"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _rule(
        "ec2/vpc_default_security_group.go", "vpcId"
    ),
    "aws:ec2/flowLog:FlowLog": _rule(
        "ec2/vpc_flow_log.go", "iamRoleArn", "logDestination", "trafficType", "vpcId", "logFormat"
    ),
    "aws:ec2/routeTable:RouteTable": _rule("ec2/vpc_route_table.go", "vpcId"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _rule(
        "ec2/vpc_route_table_association.go", "subnetId", "gatewayId"
    ),
    "aws:ec2/securityGroup:SecurityGroup": _rule(
        "ec2/vpc_security_group.go", "description", "vpcId", named_by="name", unique=False
    ),
    "aws:ec2/subnet:Subnet": _rule("ec2/vpc_subnet.go", "availabilityZone", "cidrBlock", "vpcId"),
    "aws:ec2/vpc:Vpc": _rule("ec2/vpc_.go", "cidrBlock"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _rule(
        "ec2/vpc_endpoint.go", "serviceName", "vpcEndpointType", "vpcId"
    ),
    "aws:iam/role:Role": _rule("iam/role.go", "path", named_by="name"),
    "aws:iam/rolePolicy:RolePolicy": _rule("iam/role_policy.go", "role", named_by="name", unique=False),
    "aws:kms/alias:Alias": _rule("kms/alias.go", named_by="name"),
    "aws:kms/key:Key": _rule("kms/key.go", "keyUsage", "customerMasterKeySpec"),
    "aws:lambda/eventSourceMapping:EventSourceMapping": _rule(
        "lambda/event_source_mapping.go", "eventSourceArn", "startingPosition"
    ),
    "aws:lambda/function:Function": _rule("lambda/function.go", "packageType", named_by="name"),
    "aws:lambda/invocation:Invocation": _rule(
        "lambda/invocation.go", "functionName", "input", "triggers", "qualifier"
    ),
    "aws:lambda/layerVersion:LayerVersion": _rule("lambda/layer_version.go", ALL),
    "aws:lambda/permission:Permission": _rule("lambda/permission.go", ALL),
    "aws:redshift/cluster:Cluster": _rule(
        "redshift/cluster.go", "clusterIdentifier", "clusterSubnetGroupName", "masterUsername"
    ),
    "aws:redshift/subnetGroup:SubnetGroup": _rule("redshift/subnet_group.go", named_by="name"),
    "aws:redshiftdata/statement:Statement": _rule("redshiftdata/statement.go", ALL),
    "aws:redshiftserverless/namespace:Namespace": _rule(
        "redshiftserverless/namespace.go", "dbName", "namespaceName"
    ),
    "aws:redshiftserverless/usageLimit:UsageLimit": _rule(
        "redshiftserverless/usage_limit.go", "resourceArn", "usageType"
    ),
    "aws:redshiftserverless/workgroup:Workgroup": _rule(
        "redshiftserverless/workgroup.go", "namespaceName", "workgroupName"
    ),
    "aws:s3/bucket:Bucket": _rule("s3/bucket.go", named_by="bucket"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _rule(
        "s3/bucket_lifecycle_configuration.go", "bucket"
    ),
    "aws:s3/bucketNotification:BucketNotification": _rule("s3/bucket_notification.go", "bucket"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _rule(
        "s3/bucket_ownership_controls.go", "bucket"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _rule("s3/bucket_policy.go", "bucket"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _rule(
        "s3/bucket_public_access_block.go", "bucket"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _rule(
        "s3/bucket_server_side_encryption_configuration.go", "bucket"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _rule("s3/bucket_versioning.go", "bucket"),
    "aws:scheduler/schedule:Schedule": _rule("scheduler/schedule.go", "groupName", named_by="name"),
    "aws:secretsmanager/secret:Secret": _rule("secretsmanager/secret.go", named_by="name"),
    "aws:sfn/stateMachine:StateMachine": _rule("sfn/state_machine.go", "type", named_by="name"),
    "aws:sns/topic:Topic": _rule("sns/topic.go", "fifoTopic", named_by="name"),
    "aws:sns/topicPolicy:TopicPolicy": _rule("sns/topic_policy.go", "arn"),
    "aws:sns/topicSubscription:TopicSubscription": _rule(
        "sns/topic_subscription.go", "endpoint", "protocol", "topic"
    ),
    "aws:sqs/queue:Queue": _rule("sqs/queue.go", "fifoQueue", named_by="name"),
    "aws:sqs/queuePolicy:QueuePolicy": _rule("sqs/queue_policy.go", "queueUrl"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule(
        "ec2/vpc_security_group_ingress_rule.go", "securityGroupId"
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule(
        "ec2/vpc_security_group_ingress_rule.go", "securityGroupId"
    ),
}  # fmt: skip

KEPT_BY = {
    "aws:ec2/vpc:Vpc": {"vpcId"},
    "aws:ec2/subnet:Subnet": {"subnetIds", "subnetId"},
    "aws:ec2/securityGroup:SecurityGroup": {
        "securityGroupIds",
        "vpcSecurityGroupIds",
        "referencedSecurityGroupId",
    },
    "aws:redshiftserverless/namespace:Namespace": {"namespaceName"},
    "aws:redshift/subnetGroup:SubnetGroup": {"clusterSubnetGroupName"},
}
"""AWS refuses to delete these while an argument of another resource names them: `DependencyViolation` of
EC2 (API reference, "Error codes"), `ConflictException` of DeleteNamespace while it has a workgroup,
`InvalidClusterSubnetGroupStateFault` of DeleteClusterSubnetGroup."""
