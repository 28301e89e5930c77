"""A deployed stack: its outputs, as `pulumi stack output --json` prints them, and its functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError

from etl_core.adapters.aws_clients import OPERATOR
from etl_core.adapters.functions import Function
from etl_core.model.errors import StackError
from etl_core.recovery.messages import (
    STACK_AWS_UNUSABLE,
    STACK_FILE_MISSING,
    STACK_FILE_NO_OBJECT,
    STACK_FILE_UNREADABLE,
    STACK_OUTPUT_MISSING,
)


@dataclass(frozen=True)
class Stack:
    """The functions that the recovery commands ask."""

    reconcile: Function
    tables: Function


def open_stack(path: Path) -> Stack:
    """Return the stack of an outputs file. Raises StackError.

    The AWS credentials come from the file for a local cloud, else from the usual places.
    """
    outputs = read_outputs(path)
    try:
        client = client_of(outputs, "lambda")
        return Stack(
            Function(client, outputs["reconcile_function"]),
            Function(client, outputs["tables_function"]),
        )
    except KeyError as error:
        raise StackError(STACK_OUTPUT_MISSING(path=path, output=error.args[0])) from None
    except (BotoCoreError, ValueError) as error:
        raise StackError(STACK_AWS_UNUSABLE(reason=error)) from None


def read_outputs(path: Path) -> dict[str, Any]:
    """Return the outputs of a file. Raises StackError."""
    try:
        outputs = json.loads(path.read_text())
    except FileNotFoundError:
        raise StackError(STACK_FILE_MISSING(path=path)) from None
    except (OSError, ValueError) as error:
        raise StackError(STACK_FILE_UNREADABLE(path=path, reason=error)) from None
    if not isinstance(outputs, dict):
        raise StackError(STACK_FILE_NO_OBJECT(path=path))
    return outputs


def client_of(outputs: dict[str, Any], service: str) -> Any:
    """Return a client in the stack's region. Raises KeyError without one, BotoCoreError or ValueError."""
    local = {
        "endpoint_url": outputs.get("aws_endpoint_url"),
        "aws_access_key_id": outputs.get("access_key_id"),
        "aws_secret_access_key": outputs.get("secret_access_key"),
    }
    region = outputs.get("region") or outputs["state_machine_arn"].split(":")[3]
    given = {name: value for name, value in local.items() if value is not None}
    make: Any = boto3.session.Session().client
    return make(service, region_name=region, config=OPERATOR.to_config(), **given)
