"""Call a Lambda function, and start and watch executions of the state machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.messages import FUNCTION_ERROR, FUNCTION_FAILED, FUNCTION_NO_ANSWER
from etl_core.adapters.s3 import to_etl_error
from etl_core.model.errors import EtlError, LoadFailedError, RetryableError

_UNKNOWN_EXECUTION = frozenset({"ExecutionDoesNotExist", "InvalidArn", "ValidationException"})
_RETRYABLE = {error.__name__: error for error in RetryableError.__subclasses__()}


class Function:
    """One Lambda function, called synchronously."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self.name = client, name

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call the function and return its answer.

        Raises the RetryableError that the function raised. Raises LoadFailedError with the
        function's message for any other error of the function, and the errors of to_etl_error if
        the function cannot be called.
        """
        try:
            result = self._client.invoke(
                FunctionName=self.name, Payload=json.dumps(request).encode()
            )
            answer: Any = json.loads(result["Payload"].read() or b"null")
        except (BotoCoreError, ClientError) as error:
            raise to_etl_error(error, "Lambda") from error
        if result.get("FunctionError"):
            raise self._error(answer)
        return dict(answer)

    def _error(self, answer: Any) -> EtlError:
        """Return the error of a call that the function ended with this error object."""
        fields = answer if isinstance(answer, dict) else {}
        reason = str(fields.get("errorMessage") or FUNCTION_NO_ANSWER(answer=answer))
        retryable = _RETRYABLE.get(str(fields.get("errorType")))
        if retryable is not None:
            return retryable(FUNCTION_ERROR(reason=reason))
        return LoadFailedError(FUNCTION_FAILED(function=self.name, reason=reason))


class StateMachine:
    """The port Workflow (recovery) over botocore."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client, self._arn = client, arn
        self._executions = arn.replace(":stateMachine:", ":execution:", 1) + ":"

    def start(self, event: Mapping[str, Any]) -> str:
        """Start an execution and return its ARN."""
        try:
            started = self._client.start_execution(
                stateMachineArn=self._arn, input=json.dumps(event)
            )
        except (BotoCoreError, ClientError) as error:
            raise to_etl_error(error, "Step Functions") from error
        return str(started["executionArn"])

    def is_running(self, execution_arn: str) -> bool:
        """Return whether the execution still runs.

        An unknown one does not, and none of another state machine: the stack had that one before.
        """
        if not execution_arn.startswith(self._executions):
            return False
        try:
            return bool(
                self._client.describe_execution(executionArn=execution_arn)["status"] == "RUNNING"
            )
        except ClientError as error:
            if error.response["Error"].get("Code", "") in _UNKNOWN_EXECUTION:
                return False
            raise to_etl_error(error, "Step Functions") from error
        except BotoCoreError as error:
            raise to_etl_error(error, "Step Functions") from error
