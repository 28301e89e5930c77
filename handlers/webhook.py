"""The webhook function: sends the notice of a refused upload to a chat service."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from etl_core.adapters.aws_clients import DATA, make_client
from etl_core.adapters.webhook import Webhook
from etl_core.model.errors import NoticeError
from etl_core.model.function_settings import WebhookSettings
from etl_core.upload_log.messages import NOTICE_WITHOUT_TEXT
from etl_core.upload_log.webhook_message import render_message
from handlers.context import Context


def handler(event: Mapping[str, Any], context: Context) -> None:
    """Send the text of one notice, an event of infra/notices.py. Raises NoticeError."""
    detail = event.get("detail")
    notice = detail if isinstance(detail, Mapping) else {}
    text = notice.get("text")
    if not isinstance(text, str) or not text.strip():
        raise NoticeError(NOTICE_WITHOUT_TEXT())
    _webhook().send(render_message(_settings().kind, text))
    line = {"step": "webhook", "upload_id": notice.get("upload_id")}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


@cache
def _settings() -> WebhookSettings:
    return WebhookSettings.from_environment(os.environ)


@cache
def _webhook() -> Webhook:
    return Webhook(make_client("secretsmanager", DATA), _settings().secret_arn)
