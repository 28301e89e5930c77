"""Through the real door: a refused upload sends one event and one message, and an accepted one nothing."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.conftest import SECONDS, Lake, columns


class Inbox:
    """A queue that gets the notices of one table from the bus and from the topic."""

    def __init__(self, lake: Lake, url: str) -> None:
        self._lake, self._url = lake, url

    def read(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many messages are there, and return all of them."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and len(found) < count:
            found += self.rest()
            time.sleep(0.1)
        assert len(found) == count, found
        return found

    def rest(self) -> list[dict[str, Any]]:
        """Return the messages that are there now."""
        answer = self._lake.client.aws.client("sqs").receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, VisibilityTimeout=600
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@contextmanager
def inbox(lake: Lake, table: str) -> Iterator[Inbox]:
    aws, name = lake.client.aws, f"notices-{uuid.uuid4().hex[:8]}"
    arn = aws.arn("sqs", name)
    services = {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}
    statement = {
        "Effect": "Allow", "Principal": services, "Action": "sqs:SendMessage", "Resource": arn,
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = aws.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    pattern = {"source": ["redshift-lake-loader"], "detail": {"table_name": [table]}}
    aws.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    aws.client("events").put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    topic = lake.cloud.deployment.outputs["notice_topic_arn"]
    subscription = aws.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
    )
    try:
        yield Inbox(lake, url)
    finally:
        aws.client("sns").unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        aws.client("events").remove_targets(Rule=name, Ids=["queue"])
        aws.client("events").delete_rule(Name=name)
        aws.client("sqs").delete_queue(QueueUrl=url)


def test_a_refused_upload_sends_one_event_and_one_message_and_others_send_none(
    lake: Lake,
) -> None:
    table = lake.table("notice")
    schema_file = columns(("id", "INTEGER"))
    with inbox(lake, table) as messages:
        lake.drop(f"dev/schema/{table}/s.json", schema_file)
        lake.drop(f"dev/append/{table}/good.csv", "id\n1\n")
        entry = lake.drop(f"dev/append/{table}/bad.csv", "id\nx7\n")
        assert entry["status"] == "rejected"
        received = messages.read(2)
        [event] = [each for each in received if "detail" in each]
        [mail] = [each for each in received if "Message" in each]
        # The same event again: the execution ends as rejected and sends nothing.
        again = lake.client.aws.client("stepfunctions").describe_execution(
            executionArn=entry["execution_arn"]
        )["input"]
        assert lake.finish(lake.deliver(json.loads(again)))["status"] == "FAILED"
        assert messages.rest() == []
    assert not any("notified" in each for each in lake.client.log_entries(table)), "an own mark"
    detail = event["detail"]
    assert (event["source"], event["detail-type"]) == ("redshift-lake-loader", "Upload Refused")
    assert (detail["upload_id"], detail["status"]) == (entry["upload_id"], "rejected")
    assert (detail["database"], detail["s3_key"]) == ("dev", f"dev/append/{table}/bad.csv")
    assert {name: detail["error"][name] for name in ("type", "line", "column", "value")} == {
        name: entry["error"][name] for name in ("type", "line", "column", "value")
    }
    assert detail["uploader"] == lake.client.aws.account_id
    api_url = lake.cloud.deployment.outputs["api_url"]
    assert detail["log_entry"] == f"{api_url}/#/upload/{entry['upload_id']}"
    assert mail["Message"] == detail["text"]
    assert mail["Subject"] == f"redshift-lake-loader-local: rejected: dev/public.{table}"[:99]
