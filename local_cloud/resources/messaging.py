"""SQS queues and SNS topics."""

from __future__ import annotations

from local_cloud.resources.registry import Context, Created, Resource, resource

QUEUE_ATTRIBUTES = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "maxMessageSize": "MaximumMessageSize",
    "delaySeconds": "DelaySeconds",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "policy": "Policy",
    "redrivePolicy": "RedrivePolicy",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@resource("aws:sqs/queue:Queue")
def queue(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    attributes = {
        QUEUE_ATTRIBUTES[key]: _text(item.take(key))
        for key in QUEUE_ATTRIBUTES
        if key in item.inputs
    }
    url = context.aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return Created(url, {"arn": context.aws.arn("sqs", name), "url": url, "name": name})


@resource("aws:sqs/queuePolicy:QueuePolicy")
def queue_policy(context: Context, item: Resource) -> Created:
    url = item.need("queueUrl")
    context.aws.client("sqs").set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": item.need("policy")}
    )
    return Created(url)


@resource("aws:sns/topic:Topic", {"kmsMasterKeyId": "the AWS server stores nothing on disk"})
def topic(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    arn = context.aws.client("sns").create_topic(Name=name)["TopicArn"]
    for key, value in item.rest().items():
        attribute = key[0].upper() + key[1:]
        context.aws.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName=attribute, AttributeValue=_text(value)
        )
    return Created(arn, {"arn": arn, "name": name, "owner": context.aws.account_id})


@resource("aws:sns/topicPolicy:TopicPolicy")
def topic_policy(context: Context, item: Resource) -> Created:
    arn = item.need("arn")
    context.aws.client("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=item.need("policy")
    )
    return Created(arn)


@resource("aws:sns/topicSubscription:TopicSubscription")
def topic_subscription(context: Context, item: Resource) -> Created:
    parameters = {"TopicArn": item.need("topic")}
    response = context.aws.call(
        "sns", "subscribe", item.rest(), ReturnSubscriptionArn=True, **parameters
    )
    return Created(response["SubscriptionArn"], {"arn": response["SubscriptionArn"]})
