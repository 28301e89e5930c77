"""Notices: what the loader tells people about a refused upload. Names that the deployment and the functions share."""

from __future__ import annotations

from enum import StrEnum

EVENT_SOURCE = "redshift-lake-loader"
EVENT_TYPE = "Upload Refused"
EVENT_VERSION = 1

NOTIFIED = "notified"
"""The attribute of a log entry with the status that its notice had. So each refusal has one notice."""


class WebhookKind(StrEnum):
    """The service of a webhook, which decides about the form of a message."""

    SLACK = "slack"
    TEAMS = "teams"
