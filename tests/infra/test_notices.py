"""What people are told about a refused upload: the states as values, and the resources around them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonata
import pytest

from etl_core.adapters.dynamodb_values import to_item
from etl_core.model.errors import Place
from etl_core.model.status import REFUSED, Status
from etl_core.upload_log.entry import final_entry, key_of
from etl_core.upload_log.outcome import Failure, LoadOutcome
from infra.notices import CLAIM, NoticeParts, render_notices
from tests.builders import an_event, an_upload
from tests.infra.engine import Stack

PARTS = NoticeParts("the-log", "arn:topic", "https://api.example/v1/", "loader-dev")
STATES = render_notices(PARTS, "Failed")
ARN = "arn:aws:states:eu-central-1:123456789012:execution:loads:1"

RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
FUNCTION = "aws:lambda/function:Function"


def evaluate(value, **states):
    """Return a value of the definition with its expressions evaluated."""
    if isinstance(value, dict):
        return {key: evaluate(inner, **states) for key, inner in value.items()}
    if isinstance(value, list):
        return [evaluate(inner, **states) for inner in value]
    if not isinstance(value, str) or not value.startswith("{%"):
        return value
    text = value.removeprefix("{%").removesuffix("%}")
    return json.loads(json.dumps(jsonata.Jsonata.jsonata(text).evaluate(None, {"states": states})))


FAILURE = Failure(
    "CopyRefusedError",
    "line 3: 'x7' is no INTEGER",
    code="copy.refused",
    hint="Correct the value",
    place=Place(3, "id", "x7"),
)


def notice_of(failure=FAILURE, *, key="dev/append/sales.orders/a.csv", requester="210987654321"):
    """Return what Claim hands on, for the entry that the record function writes."""
    upload = an_upload(key=key)
    outcome = LoadOutcome(Status.REJECTED, error=failure).to_task_output()
    entry = final_entry(upload, {"outcome": outcome}, ARN) | key_of(upload)
    event = an_event(key)
    if requester:
        event["detail"]["requester"] = requester
    return evaluate(
        STATES[CLAIM]["Output"],
        input={"next": "failed", "error": "CopyRefusedError", "cause": "line 3"},
        result={"Attributes": {name: to_item(value) for name, value in entry.items()}},
        context={"Execution": {"Id": ARN, "Input": event}},
    )


def test_an_event_has_the_documented_shape():
    detail = notice_of()["notice"]["detail"]
    upload_id = an_upload(key="dev/append/sales.orders/a.csv").upload_id
    link = f"https://api.example/v1/#/upload/{upload_id}"
    assert detail.pop("text").splitlines() == [
        "loader-dev: the upload dev/append/sales.orders/a.csv is rejected.",
        "",
        "Table: dev/sales.orders",
        "Arrived: 2026-11-22T12:00:00Z",
        "Uploaded by: 210987654321",
        "Reason: line 3: 'x7' is no INTEGER",
        "Place: line 3, column id, value x7",
        "What to do: Correct the value",
        f"Log entry: {link}",
    ]
    assert detail == {
        "version": 1,
        "stack": "loader-dev",
        "upload_id": upload_id,
        "status": "rejected",
        "database": "dev",
        "schema": "sales",
        "table_name": "orders",
        "action": "append",
        "s3_bucket": "lake",
        "s3_key": "dev/append/sales.orders/a.csv",
        "version_id": "v1",
        "landed_timestamp": "2026-11-22T12:00:00Z",
        "uploader": "210987654321",
        "execution_arn": ARN,
        "log_entry": link,
        "error": {
            "type": "CopyRefusedError",
            "code": "copy.refused",
            "message": "line 3: 'x7' is no INTEGER",
            "line": 3,
            "column": "id",
            "value": "x7",
            "hint": "Correct the value",
        },
    }


def test_the_page_shows_the_fields_of_the_event():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "notices.md").read_text("utf-8")
    [example] = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    shown, sent = json.loads(example), notice_of()["notice"]["detail"]
    assert list(shown) == list(sent)
    assert list(shown["error"]) == list(sent["error"])
    assert {name: type(value) for name, value in shown.items()} == {
        name: type(value) for name, value in sent.items()
    }


def test_what_is_not_known_is_left_out():
    """As for a key that names no table, and for an upload that reconcile sent: no requester."""
    failure = Failure("InvalidKeyError", "the key has two parts")
    notice = notice_of(failure, key="file.csv", requester=None)["notice"]
    detail = notice["detail"]
    assert not {"database", "schema", "uploader"} & set(detail)
    assert detail["error"] == {"type": "InvalidKeyError", "message": "the key has two parts"}
    assert "Uploaded by" not in detail["text"]
    assert "Place" not in detail["text"]
    assert set(notice["attributes"]) == {"status", "table_name"}


HOSTILE = 'x\n\nLog entry: https://evil.example/ \x1b[31m\u202e {% $states %} " \\ ${a} <b>'


def test_a_text_from_outside_cannot_add_a_line_or_be_evaluated():
    failure = Failure("E", HOSTILE, hint=HOSTILE, place=Place(1, HOSTILE, HOSTILE))
    key = f"dev/append/t/{HOSTILE}.csv"
    notice = notice_of(failure, key=key, requester=HOSTILE)["notice"]
    lines = notice["detail"]["text"].split("\n")
    assert len(lines) == 9
    assert [line for line in lines if line.startswith("Log entry: ")] == [lines[-1]]
    assert lines[-1].startswith("Log entry: https://api.example/v1/#/upload/")
    assert not any(ord(c) < 32 or c == "\u202e" for line in lines for c in line)
    assert '{% $states %} " \\ ${a} <b>' in lines[5]
    assert notice["detail"]["s3_key"] == key, "the event has the data unchanged"
    assert notice["detail"]["error"]["message"] == HOSTILE


@pytest.mark.parametrize("table", ["t", "ü" * 120, "a" * 300, 'x"; drop'])
def test_a_subject_is_short_printable_ascii(table):
    """SNS refuses anything else, with the whole message."""
    subject = notice_of(key=f"dev/append/{table}/a.csv")["notice"]["subject"]
    assert 0 < len(subject) < 100
    assert subject.isascii()
    assert subject.isprintable()
    assert subject.startswith("loader-dev: rejected: dev/")


def test_the_claim_is_made_once_for_each_status_and_only_for_refusals():
    claim = STATES[CLAIM]["Arguments"]
    assert {value["S"] for value in claim["ExpressionAttributeValues"].values()} == set(REFUSED)
    assert set(REFUSED) == {status for status in Status if not status.succeeded} - {Status.RECEIVED}
    assert claim["ReturnValues"] == "ALL_NEW"
    first, _ = STATES[CLAIM]["Retry"]
    assert first["ErrorEquals"] == ["DynamoDB.ConditionalCheckFailedException"]
    assert first["MaxAttempts"] == 0


@pytest.mark.parametrize("failing", [{CLAIM}, {"Publish event"}, {"Publish text"}, set(STATES)])
def test_whatever_fails_the_execution_ends_with_the_same_answer(failing):
    name, data = CLAIM, {"next": "failed", "error": "E", "cause": "c"}
    visited = []
    while name != "Failed":
        state, visited = STATES[name], [*visited, name]
        if name in failing:
            (catch,) = state["Catch"]
            assert catch["ErrorEquals"] == ["States.ALL"]
            name, data = catch["Next"], evaluate(catch["Output"], input=data)
        else:
            event = {"Id": ARN, "Input": an_event()}
            result = {"Attributes": {"upload_id": {"S": "1"}}}
            output = state["Output"]
            name = state["Next"]
            data = evaluate(output, input=data, result=result, context={"Execution": event})
    assert (data["error"], data["cause"]) == ("E", "c")
    assert visited == ([CLAIM] if CLAIM in failing else list(STATES)), (
        "the text is sent in any case"
    )


def test_the_topic_is_encrypted_and_has_no_subscriber_of_its_own(plain: Stack):
    topic = plain.one(TOPIC, "-notices")
    assert topic.inputs["kmsMasterKeyId"] == "alias/aws/sns"
    assert not plain.has(SUBSCRIPTION)
    assert not [f for f in plain.of(FUNCTION) if "webhook" in f.name]


def test_the_address_gets_the_notices(everything: Stack):
    subscription = everything.one(SUBSCRIPTION, "-notices").inputs
    assert subscription["endpoint"] == "data-team@example.com"
    assert subscription["topic"] == everything.outputs["notice_topic_arn"]


def test_the_webhook_gets_the_notices_of_this_stack_only(everything: Stack):
    rule, target = everything.one(RULE, "-webhook"), everything.one(TARGET, "-webhook").inputs
    assert rule.json("eventPattern") == {
        "source": ["redshift-lake-loader"],
        "detail-type": ["Upload Refused"],
        "detail": {"stack": ["redshift-lake-loader-dev"]},
    }
    function = everything.one(FUNCTION, "-webhook")
    assert (target["rule"], target["arn"].endswith(function.name)) == (rule.name, True)
    assert "vpcConfig" not in function.inputs, "the private network has no way to the internet"
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:chat-a1b2c3"
    assert function.inputs["environment"]["variables"] == {
        "WEBHOOK_SECRET_ARN": secret,
        "WEBHOOK_KIND": "teams",
    }
    policy = everything.one("aws:iam/rolePolicy:RolePolicy", "-webhook-role").json("policy")
    by_sid = {s["Sid"]: s for s in policy["Statement"]}
    assert set(by_sid) == {"WriteLogs", "ReadCredentials"}
    assert by_sid["ReadCredentials"]["Resource"] == [secret]
    permission = everything.one("aws:lambda/permission:Permission", "-webhook").inputs
    assert permission["sourceArn"].endswith(rule.name)
