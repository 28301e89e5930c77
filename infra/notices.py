"""The states that tell people about a refused upload, as values. They run before an execution fails.

    Claim notice -> Publish event -> Publish text -> Failed

Claim marks the log entry and reads it in one conditional write, so that two executions of one upload
send one notice. Whatever fails here is caught: the execution ends as it would without a notice.
A file's text is data: it is a value of the expressions, and never a part of them.

Sources (Step Functions developer guide): "Add EventBridge events with Step Functions" (Detail is JSON;
a refused entry fails the task), "Publish messages to an Amazon SNS topic". SNS API reference, Publish
(a subject is printable ASCII, less than 100 characters).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from etl_core.model.notices import EVENT_SOURCE, EVENT_TYPE, EVENT_VERSION, NOTIFIED
from etl_core.model.retry_policies import RetryPolicy
from etl_core.model.status import REFUSED
from infra.states import ALL_ERRORS, State, jsonata, render_retry

CLAIM = "Claim notice"
UPDATE_ITEM = "arn:aws:states:::dynamodb:updateItem"
PUT_EVENTS = "arn:aws:states:::events:putEvents"
PUBLISH = "arn:aws:states:::sns:publish"
BUS = "default"

_ALREADY_SENT = RetryPolicy(("DynamoDB.ConditionalCheckFailedException",), 1, 0, 2.0, 5)
_RETRIES = (_ALREADY_SENT, RetryPolicy((ALL_ERRORS,), 2, 4, 2.0, 30))


@dataclass(frozen=True)
class NoticeParts:
    """What the notices need: the log table, the topic, the API's URL, and the stack's name."""

    log_table: str
    topic_arn: str
    api_url: str
    stack: str


def render_notices(parts: NoticeParts, end: str) -> dict[str, State]:
    """Return the states. Each of them goes on to `end` in the end; the first is CLAIM."""
    keep = jsonata("$states.input")
    return {
        CLAIM: {
            "Type": "Task",
            "Resource": UPDATE_ITEM,
            "Arguments": _claim(parts.log_table),
            "Output": jsonata(_notice(parts)),
            **_caught(end),
            "Next": "Publish event",
        },
        "Publish event": {
            "Type": "Task",
            "Resource": PUT_EVENTS,
            "Arguments": {
                "Entries": [
                    {
                        "EventBusName": BUS,
                        "Source": EVENT_SOURCE,
                        "DetailType": EVENT_TYPE,
                        "Detail": jsonata("$states.input.notice.detail"),
                    }
                ]
            },
            "Output": keep,
            **_caught("Publish text"),
            "Next": "Publish text",
        },
        "Publish text": {
            "Type": "Task",
            "Resource": PUBLISH,
            "Arguments": {
                "TopicArn": parts.topic_arn,
                "Subject": jsonata("$states.input.notice.subject"),
                "Message": jsonata("$states.input.notice.detail.text"),
                "MessageAttributes": jsonata("$states.input.notice.attributes"),
            },
            "Output": keep,
            **_caught(end),
            "Next": end,
        },
    }


def render_event_pattern(stack: str) -> State:
    """Return the pattern of the notices of this stack."""
    return {
        "source": [EVENT_SOURCE],
        "detail-type": [EVENT_TYPE],
        "detail": {"stack": [stack]},
    }


def _caught(then: str) -> State:
    """Return the retries, and the catch that goes on with the same data."""
    catch = {"ErrorEquals": [ALL_ERRORS], "Output": jsonata("$states.input"), "Next": then}
    return {"TimeoutSeconds": 30, "Retry": render_retry(_RETRIES), "Catch": [catch]}


def _claim(log_table: str) -> State:
    statuses = {f":{status}": {"S": str(status)} for status in REFUSED}
    return {
        "TableName": log_table,
        "Key": jsonata("$states.input.entry"),
        "UpdateExpression": "SET #notified = #status",
        "ConditionExpression": f"#status IN ({', '.join(statuses)}) AND "
        "(attribute_not_exists(#notified) OR #notified <> #status)",
        "ExpressionAttributeNames": {"#status": "status", "#notified": NOTIFIED},
        "ExpressionAttributeValues": statuses,
        "ReturnValues": "ALL_NEW",
    }


_BODY = r"""
  $entry := $states.result.Attributes;
  $error := $entry.error.M;
  $event := $states.context.Execution.Input.detail;
  $clean := function($text) {
    $exists($text) ? $replace($text, /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/, ' ') : ''
  };
  $line := $exists($error.line.N) ? $number($error.line.N);
  $link := $url & '/#/upload/' & $entry.upload_id.S;
  $table := ($exists($entry.database.S) ? $clean($entry.database.S) & '/' : '')
    & ($exists($entry.schema.S) ? $clean($entry.schema.S) & '.' : '') & $clean($entry.table_name.S);
  $place := $join([
    $exists($line) ? 'line ' & $string($line),
    $exists($error.column.S) ? 'column ' & $clean($error.column.S),
    $exists($error.value.S) ? 'value ' & $clean($error.value.S)
  ], ', ');
  $text := $join([
    $stack & ': the upload ' & $clean($entry.s3_key.S) & ' is ' & $entry.status.S & '.',
    '',
    'Table: ' & $table,
    'Arrived: ' & $entry.landed_timestamp.S,
    $exists($event.requester) ? 'Uploaded by: ' & $clean($event.requester),
    'Reason: ' & $clean($error.message.S),
    $place != '' ? 'Place: ' & $place,
    $exists($error.hint.S) ? 'What to do: ' & $clean($error.hint.S),
    'Log entry: ' & $link
  ], '\n');
  $attribute := function($text) { {'DataType': 'String', 'StringValue': $text} };
  $merge([$states.input, {'notice': {
    'detail': {
      'version': $version,
      'stack': $stack,
      'upload_id': $entry.upload_id.S,
      'status': $entry.status.S,
      'database': $entry.database.S,
      'schema': $entry.schema.S,
      'table_name': $entry.table_name.S,
      'action': $entry.action.S,
      's3_bucket': $entry.s3_bucket.S,
      's3_key': $entry.s3_key.S,
      'version_id': $entry.version_id.S,
      'landed_timestamp': $entry.landed_timestamp.S,
      'uploader': $event.requester,
      'execution_arn': $states.context.Execution.Id,
      'log_entry': $link,
      'error': {
        'type': $error.type.S,
        'code': $error.code.S,
        'message': $error.message.S,
        'line': $line,
        'column': $error.column.S,
        'value': $error.value.S,
        'hint': $error.hint.S
      },
      'text': $text
    },
    'subject': $substring($replace($stack & ': ' & $entry.status.S & ': ' & $table, /[^ -~]+/, '?'), 0, 99),
    'attributes': $merge([
      {'status': $attribute($entry.status.S), 'table_name': $attribute($clean($entry.table_name.S))},
      $exists($entry.database.S) ? {'database': $attribute($clean($entry.database.S))} : {}
    ])
  }}])
"""


def _notice(parts: NoticeParts) -> str:
    """Return the expression of the notice: the event, the subject, the attributes.

    A field that the entry lacks is left out. JSON texts are JSONata texts, too.
    """
    known = {"stack": parts.stack, "url": parts.api_url.rstrip("/"), "version": EVENT_VERSION}
    names = "".join(f"\n  ${name} := {json.dumps(value)};" for name, value in known.items())
    return f"({names}{_BODY})"
