"""Asking a Lambda function, and starting executions of the state machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.s3 import to_etl_error
from etl_core.model.errors import LoadFailedError, RetryableError

_GONE = frozenset({"ExecutionDoesNotExist", "InvalidArn", "ValidationException"})


_MAY_PASS = {error.__name__: error for error in RetryableError.__subclasses__()}


class Function:
    """One Lambda function, asked and waited for."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self.name = client, name

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer. Raises the RetryableError that the function raised, else LoadFailedError with its own words; the same when
        it cannot be asked.
        """
        try:
            made = self._client.invoke(FunctionName=self.name, Payload=json.dumps(request).encode())
            answer: Any = json.loads(made["Payload"].read() or b"null")
        except (BotoCoreError, ClientError) as error:
            raise to_etl_error(error, "Lambda") from error
        if made.get("FunctionError"):
            told = answer if isinstance(answer, dict) else {}
            words = str(told.get("errorMessage") or f"it ended without an answer: {answer}")
            kind = _MAY_PASS.get(str(told.get("errorType")), LoadFailedError)
            raise kind(
                words if kind is not LoadFailedError else f"the function {self.name}: {words}"
            )
        return dict(answer)


class StateMachine:
    """etl_core.recovery.services.Workflow over boto3."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client, self._arn = client, arn

    def start(self, event: Mapping[str, Any]) -> str:
        """See the port."""
        try:
            started = self._client.start_execution(
                stateMachineArn=self._arn, input=json.dumps(event)
            )
        except (BotoCoreError, ClientError) as error:
            raise to_etl_error(error, "Step Functions") from error
        return str(started["executionArn"])

    def is_running(self, execution_arn: str) -> bool:
        """See the port."""
        try:
            return bool(
                self._client.describe_execution(executionArn=execution_arn)["status"] == "RUNNING"
            )
        except ClientError as error:
            if error.response["Error"].get("Code", "") in _GONE:
                return False
            raise to_etl_error(error, "Step Functions") from error
        except BotoCoreError as error:
            raise to_etl_error(error, "Step Functions") from error
