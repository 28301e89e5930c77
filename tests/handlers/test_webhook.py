"""The webhook function: text is data in both services, and the URL stays secret."""

from __future__ import annotations

import json
import ssl
from typing import Any

import pytest
from botocore.exceptions import ClientError

from etl_core.adapters.webhook import Webhook, post_json
from etl_core.model.errors import NoticeError
from etl_core.model.function_settings import SettingsError, WebhookSettings
from etl_core.model.notices import WebhookKind
from etl_core.upload_log.webhook_message import MAX_TEXT, render_message
from handlers import webhook
from tests.handlers.conftest import CONTEXT

URL = "https://hooks.example/services/T0/B0/hidden"
TEXT = (
    "loader: the upload a.csv is rejected.\n\nReason: <!channel> & *bold* [x](https://evil.example)"
)


class Secrets:
    """A client of Secrets Manager with one secret."""

    def __init__(self, value: str | None) -> None:
        self.value = value

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        if self.value is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": self.value}


class Service:
    """A chat service that answers with a status, or cannot be reached."""

    def __init__(self, answer: int | Exception = 200) -> None:
        self.answer = answer
        self.calls: list[tuple[str, Any]] = []

    def __call__(self, url: str, body: bytes) -> int:
        self.calls.append((url, json.loads(body)))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def send(value: str | None = URL, answer: int | Exception = 200) -> Service:
    service = Service(answer)
    client: Any = Secrets(value)
    Webhook(client, "arn:secret", service).send({"text": "t"})
    return service


def test_a_message_goes_to_the_url_in_the_secret() -> None:
    assert send(f"  {URL}\n").calls == [(URL, {"text": "t"})]


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "hooks.example/x",
        "http://hooks.example/x",
        "file:///etc/passwd",
        "https://",
        "https://[::1",
        "https://host:99999/",
        "https://host/a b",
        "https://host/\r\nX: y",
        "https://host/ü",
        '{"url": "https://host/"}',
    ],
)
def test_a_secret_that_is_no_url_is_refused_without_its_value(value: str | None) -> None:
    with pytest.raises(NoticeError) as error:
        send(value)
    assert "arn:secret" in str(error.value)
    assert not value or len(value) < 9 or value not in str(error.value)


@pytest.mark.parametrize(
    "answer", [302, 404, 500, OSError(URL), ssl.SSLError(URL), ValueError(URL)]
)
def test_a_message_that_did_not_arrive_is_an_error_without_the_url(answer: Any) -> None:
    with pytest.raises(NoticeError) as error:
        send(answer=answer)
    assert "hidden" not in str(error.value)
    assert error.value.__cause__ is None


def test_an_unreachable_host_is_an_error_of_the_network() -> None:
    with pytest.raises(OSError):
        post_json("https://127.0.0.1:1/x?y", b"{}")


def test_in_slack_no_character_of_the_text_is_markup() -> None:
    message = render_message(WebhookKind.SLACK, TEXT)
    [block] = message["blocks"]
    assert block["text"] == {"type": "plain_text", "text": TEXT, "emoji": False}
    assert message["mrkdwn"] is False
    hostile = render_message(WebhookKind.SLACK, "<!channel> & <https://evil.example|click>")
    assert hostile["text"] == "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;"


def test_in_teams_no_character_of_the_text_is_markup() -> None:
    [attachment] = render_message(WebhookKind.TEAMS, TEXT)["attachments"]
    body = attachment["content"]["body"]
    assert {block["type"] for block in body} == {"RichTextBlock"}
    runs = [run for block in body for run in block["inlines"]]
    assert [run["text"] for run in runs] == [line for line in TEXT.split("\n") if line]
    assert {run["type"] for run in runs} == {"TextRun"}


@pytest.mark.parametrize("kind", WebhookKind)
def test_a_long_text_is_cut(kind: WebhookKind) -> None:
    message = json.dumps(render_message(kind, "x" * (MAX_TEXT + 5)))
    assert "x" * MAX_TEXT + "..." in message
    assert "x" * (MAX_TEXT + 1) not in message


def test_the_function_sends_the_text_of_the_notice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service()
    client: Any = Secrets(URL)
    monkeypatch.setattr(webhook, "_webhook", lambda: Webhook(client, "arn:secret", service))
    settings = WebhookSettings("arn:secret", WebhookKind.SLACK)
    monkeypatch.setattr(webhook, "_settings", lambda: settings)
    webhook.handler({"detail": {"text": TEXT, "upload_id": "1f"}}, CONTEXT)
    assert service.calls == [(URL, render_message(WebhookKind.SLACK, TEXT))]
    assert json.loads(capsys.readouterr().out) == {"step": "webhook", "upload_id": "1f"}


@pytest.mark.parametrize("event", [{}, {"detail": None}, {"detail": {}}, {"detail": {"text": 7}}])
def test_an_event_that_is_no_notice_is_an_error(event: dict[str, Any]) -> None:
    with pytest.raises(NoticeError, match=r"no detail\.text"):
        webhook.handler(event, CONTEXT)


@pytest.mark.parametrize("kind", ["", "irc", "Slack"])
def test_an_unknown_service_is_a_fault_of_the_deployment(kind: str) -> None:
    with pytest.raises(SettingsError, match="WEBHOOK_KIND"):
        WebhookSettings.from_environment({"WEBHOOK_KIND": kind, "WEBHOOK_SECRET_ARN": "arn:s"})
