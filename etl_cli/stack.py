"""A deployed stack as its operator reaches it: the outputs that `pulumi stack output --json` prints, and the functions named there."""

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


@dataclass(frozen=True)
class Stack:
    """The functions that an operator asks."""

    reconcile: Function
    tables: Function


def open_stack(path: Path) -> Stack:
    """The stack of an outputs file. AWS credentials come from the usual places, for a local cloud from the file.

    Raises StackError.
    """
    outputs = _read(path)
    try:
        client = _client(outputs)
        return Stack(
            Function(client, outputs["reconcile_function"]),
            Function(client, outputs["tables_function"]),
        )
    except KeyError as error:
        raise StackError(
            f"{path} has no {error}: it is not the outputs of a stack of this version; write it with: "
            f"pulumi stack output --json > {path}"
        ) from None
    except (BotoCoreError, ValueError) as error:
        raise StackError(f"AWS cannot be used: {error}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        outputs = json.loads(path.read_text())
    except FileNotFoundError:
        raise StackError(
            f"{path} does not exist: start the local cloud with `make up`, or name a stack's outputs with --outputs FILE, "
            "written with: pulumi stack output --json > FILE"
        ) from None
    except (OSError, ValueError) as error:
        raise StackError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(outputs, dict):
        raise StackError(
            f"{path} holds no JSON object; write it with: pulumi stack output --json > {path}"
        )
    return outputs


def _client(outputs: dict[str, Any]) -> Any:
    local = {
        "endpoint_url": outputs.get("aws_endpoint_url"),
        "aws_access_key_id": outputs.get("access_key_id"),
        "aws_secret_access_key": outputs.get("secret_access_key"),
    }
    region = outputs.get("region") or outputs["state_machine_arn"].split(":")[3]
    given = {name: value for name, value in local.items() if value is not None}
    return boto3.session.Session().client(
        "lambda", region_name=region, config=OPERATOR.to_config(), **given
    )
