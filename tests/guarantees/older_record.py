"""The record function's replies before it knew turns, as a deployment meets them for a moment.

The current function answers a call without a turn as it did then. Only the field `next` is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers import record
from handlers.context import Context


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Return what the older function returned: it ignored everything about turns."""
    call = {name: value for name, value in event.items() if name != "turn"}
    if "state" in call:
        call["state"] = {name: value for name, value in event["state"].items() if name != "turn"}
    reply = record.handler(call, context)
    return {name: value for name, value in reply.items() if name != "next"}
