from tests.infra.engine import Stack

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def test_a_dead_letter_raises_the_alarm(plain: Stack):
    alarm = plain.one(ALARM, "-dead-letters").inputs
    assert alarm["dimensions"] == {"QueueName": plain.one("aws:sqs/queue:Queue").name}
    assert (alarm["namespace"], alarm["metricName"]) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
    )
    assert (alarm["comparisonOperator"], alarm["threshold"]) == ("GreaterThanThreshold", 0)


def test_a_load_that_failed_or_timed_out_raises_the_alarm(plain: Stack):
    machine = {"StateMachineArn": plain.outputs["state_machine_arn"]}
    for noun, metric in (
        ("-failed-loads", "ExecutionsFailed"),
        ("-timed-out-loads", "ExecutionsTimedOut"),
    ):
        alarm = plain.one(ALARM, noun).inputs
        assert alarm["metricName"] == metric
        assert alarm["dimensions"] == machine


def test_without_address_the_alarms_exist_and_tell_nobody(plain: Stack):
    assert len(plain.of(ALARM)) == 3
    assert not plain.has("aws:sns/topic:Topic")
    assert not any(alarm.inputs.get("alarmActions") for alarm in plain.of(ALARM))


def test_with_an_address_every_alarm_tells_its_topic(everything: Stack):
    subscription = everything.one("aws:sns/topicSubscription:TopicSubscription").inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "oncall@example.com")
    for alarm in everything.of(ALARM):
        assert alarm.inputs["alarmActions"] == [subscription["topic"]]
