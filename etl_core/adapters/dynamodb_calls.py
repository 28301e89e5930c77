"""Calls of DynamoDB: its errors as errors of this project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.messages import LOG_TABLE_ERROR, LOG_TABLE_UNREACHABLE
from etl_core.model.errors import LogError, ThrottledError

_T = TypeVar("_T")


class ConditionFailedError(Exception):
    """A condition was not met. `item` is the item as it is, in DynamoDB's JSON."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        super().__init__("the condition was not met")
        self.item = item


def mapped(call: Callable[[], _T]) -> _T:
    """Return the call's result.

    Raises ThrottledError if DynamoDB fails temporarily, LogError if it refuses the call.
    """
    try:
        return call()
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        message = LOG_TABLE_ERROR(code=code, reason=error.response["Error"].get("Message", ""))
        if code == "ConditionalCheckFailedException":
            item: Any = error.response.get("Item", {})
            raise ConditionFailedError(item) from None
        if (
            error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500
            or "Throughput" in code
            or "Thrott" in code
        ):
            raise ThrottledError(message) from error
        raise LogError(message) from error
    except BotoCoreError as error:
        raise ThrottledError(LOG_TABLE_UNREACHABLE(reason=error)) from error
