"""The lease table in DynamoDB. Implements the port Leases (etl_core.turns.leases)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.messages import LEASE_TABLE_ERROR
from etl_core.model.errors import LeaseError
from etl_core.model.leases import EXPIRES_AT, HOLDER, LEASE_KEY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_T = TypeVar("_T")
_NAMES = {"#holder": HOLDER, "#expires": EXPIRES_AT}


class LeaseTable:
    """Leases that expire after `seconds`. Every method raises LeaseError if the table cannot be used.

    A lease is taken and given back by conditional writes, so two executions never both get it.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        name: str,
        seconds: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client, self._name, self._seconds, self._clock = client, name, seconds, clock

    def take(self, lease: str, holder: str) -> bool:
        """Take a lease that is free, has expired, or is the holder's already. Return whether it was taken."""
        now = int(self._clock())
        return self._write(
            self._client.put_item,
            Item={
                LEASE_KEY: {"S": lease},
                HOLDER: {"S": holder},
                EXPIRES_AT: {"N": str(now + self._seconds)},
            },
            ConditionExpression="attribute_not_exists(#holder) OR #holder = :me OR #expires <= :now",
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues={":me": {"S": holder}, ":now": {"N": str(now)}},
        )

    def give_back(self, lease: str, holder: str, keep_seconds: int = 0) -> None:
        """Give a lease back, if the holder has it. With `keep_seconds`, it stays taken that long."""
        mine: dict[str, Any] = {
            "Key": {LEASE_KEY: {"S": lease}},
            "ConditionExpression": "#holder = :me",
        }
        if not keep_seconds:
            self._write(
                self._client.delete_item,
                **mine,
                ExpressionAttributeNames={"#holder": HOLDER},
                ExpressionAttributeValues={":me": {"S": holder}},
            )
            return
        ends_at = int(self._clock()) + keep_seconds
        self._write(
            self._client.update_item,
            **mine,
            UpdateExpression="SET #expires = :ends_at",
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues={":me": {"S": holder}, ":ends_at": {"N": str(ends_at)}},
        )

    def read_holders(self, leases: Sequence[str]) -> Mapping[str, str]:
        """Return the holder of each lease that is taken and has not expired. At most 100 leases.

        A lease that DynamoDB does not return (throttled, for example) counts as free: take() decides.
        """
        now = int(self._clock())
        request: Any = {self._name: {"Keys": [{LEASE_KEY: {"S": lease}} for lease in leases]}}
        answer = _mapped(lambda: self._client.batch_get_item(RequestItems=request))
        return {
            item[LEASE_KEY]["S"]: item[HOLDER]["S"]
            for item in answer["Responses"].get(self._name, [])
            if int(item[EXPIRES_AT]["N"]) > now
        }

    def _write(self, call: Callable[..., Any], **arguments: Any) -> bool:
        """Return whether the condition was met."""
        try:
            _mapped(lambda: call(TableName=self._name, **arguments))
        except _ConditionFailedError:
            return False
        return True


class _ConditionFailedError(Exception):
    pass


def _mapped(call: Callable[[], _T]) -> _T:
    try:
        return call()
    except ClientError as error:
        if error.response["Error"].get("Code") == "ConditionalCheckFailedException":
            raise _ConditionFailedError from None
        raise LeaseError(LEASE_TABLE_ERROR(reason=error)) from error
    except BotoCoreError as error:
        raise LeaseError(LEASE_TABLE_ERROR(reason=error)) from error
