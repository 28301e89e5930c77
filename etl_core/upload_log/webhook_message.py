"""A notice as a message for a webhook. The text is data: no character of it is markup.

Sources: Slack API, "Block Kit, section block" and "Escaping text"; Adaptive Cards schema,
RichTextBlock (its runs have no Markdown), and Teams, "Create an Incoming Webhook".
"""

from __future__ import annotations

from typing import Any, assert_never

from etl_core.model.notices import WebhookKind

MAX_TEXT = 2900
"""A section of Slack holds 3,000 characters."""

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render_message(kind: WebhookKind, text: str) -> dict[str, Any]:
    """Return the JSON body for the service. A longer text is cut."""
    shown = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
    match kind:
        case WebhookKind.SLACK:
            return _slack(shown)
        case WebhookKind.TEAMS:
            return _teams(shown)
        case _:
            assert_never(kind)


def _slack(text: str) -> dict[str, Any]:
    plain = {"type": "plain_text", "text": text, "emoji": False}
    return {
        "text": text.partition("\n")[0].translate(_ENTITIES),
        "mrkdwn": False,
        "unfurl_links": False,
        "blocks": [{"type": "section", "text": plain}],
    }


def _teams(text: str) -> dict[str, Any]:
    lines = [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line}]}
        for line in text.split("\n")
        if line
    ]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": lines,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": content}]}
