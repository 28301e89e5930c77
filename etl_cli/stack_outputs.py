"""The outputs of a stack: of the local cloud, of a file, or of a Pulumi stack by its name.

Imports little, so that small commands start fast.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl_core.model.errors import StackError
from etl_core.recovery.messages import (
    STACK_FILE_MISSING,
    STACK_FILE_NO_OBJECT,
    STACK_FILE_UNREADABLE,
    STACK_NAME_UNKNOWN,
    STACK_OUTPUT_HIDDEN,
    STACK_OUTPUT_MISSING,
    STACK_PULUMI_MISSING,
)

_PULUMI_SECONDS = 120
_HIDDEN = "[secret]"
Outputs = Mapping[str, Any]


@dataclass(frozen=True)
class StackSource:
    """Where the outputs of a stack come from: a file, or the name of a Pulumi stack."""

    label: str
    path: Path | None = None

    def __str__(self) -> str:
        return self.label if self.path is None else str(self.path)

    def read(self) -> Outputs:
        """Return the outputs. Raises StackError."""
        return _read_stack(self.label) if self.path is None else _read_file(self.path)


def need(outputs: Outputs, name: str, source: StackSource) -> Any:
    """Return an output. Raises StackError if it is missing or hidden."""
    value = outputs.get(name)
    if value is None:
        raise StackError(STACK_OUTPUT_MISSING(path=source, output=name))
    if value == _HIDDEN:
        raise StackError(STACK_OUTPUT_HIDDEN(path=source, output=name))
    return value


def databases_of(outputs: Outputs, source: StackSource) -> tuple[str, ...]:
    """Return the stack's databases, the first one first. Raises StackError."""
    warehouse = outputs.get("warehouse")
    names = warehouse.get("databases") if isinstance(warehouse, dict) else None
    return tuple(map(str, names or need(outputs, "warehouse_databases", source)))


def session_of(profile: str | None = None) -> Any:
    """Return a session of boto3 with the usual credentials. Raises StackError."""
    import boto3
    from botocore.exceptions import BotoCoreError

    from etl_core.recovery.messages import STACK_AWS_UNUSABLE

    try:
        return boto3.session.Session(profile_name=profile)
    except BotoCoreError as error:
        raise StackError(STACK_AWS_UNUSABLE(reason=error)) from None


def region_of(outputs: Outputs, source: StackSource) -> str:
    """Return the stack's region. Raises StackError."""
    return str(outputs.get("region") or need(outputs, "state_machine_arn", source).split(":")[3])


def client_of(outputs: Outputs, source: StackSource, service: str, session: Any = None) -> Any:
    """Return a client of an AWS service: with the keys of a local cloud, else the usual credentials.

    A session that is given serves several clients. Raises StackError.
    """
    from botocore.exceptions import BotoCoreError

    from etl_core.adapters.aws_clients import OPERATOR
    from etl_core.recovery.messages import STACK_AWS_UNUSABLE

    local = {
        "endpoint_url": outputs.get("aws_endpoint_url"),
        "aws_access_key_id": outputs.get("access_key_id"),
        "aws_secret_access_key": outputs.get("secret_access_key"),
    }
    given = {name: value for name, value in local.items() if value is not None}
    region = region_of(outputs, source)
    make: Any = (session or session_of()).client
    try:
        return make(service, region_name=region, config=OPERATOR.to_config(), **given)
    except (BotoCoreError, ValueError) as error:
        raise StackError(STACK_AWS_UNUSABLE(reason=error)) from None


def _read_file(path: Path) -> Outputs:
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise StackError(STACK_FILE_MISSING(path=path)) from None
    except (OSError, ValueError) as error:
        raise StackError(STACK_FILE_UNREADABLE(path=path, reason=error)) from None
    return _parse(text, str(path))


def _read_stack(name: str) -> Outputs:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise StackError(STACK_PULUMI_MISSING(name=name))
    command = [pulumi, "stack", "output", "--json", "--show-secrets", "--stack", name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PULUMI_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(STACK_NAME_UNKNOWN(name=name, reason=error)) from None
    if done.returncode != 0:
        raise StackError(STACK_NAME_UNKNOWN(name=name, reason=done.stderr.strip()[-500:]))
    return _parse(done.stdout, name)


def _parse(text: str, label: str) -> Outputs:
    try:
        outputs = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StackError(STACK_FILE_UNREADABLE(path=label, reason=error)) from None
    if not isinstance(outputs, dict):
        raise StackError(STACK_FILE_NO_OBJECT(path=label))
    return outputs
