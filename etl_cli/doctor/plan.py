"""The stack that is to be created: its settings, names and region, from its Pulumi configuration."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from etl_cli.options import LOCAL
from etl_cli.stack_outputs import StackSource
from etl_core.model.errors import StackError
from etl_core.recovery.messages import (
    STACK_CONFIGURATION_INVALID,
    STACK_NAME_UNKNOWN,
    STACK_PULUMI_MISSING,
    STACK_REGION_MISSING,
)
from infra.names import prefix_of
from infra.stack_settings import ConfigurationError, StackSettings, parse_settings

PROJECT = "redshift-lake-loader"
_PULUMI_SECONDS = 120


@dataclass(frozen=True)
class StackPlan:
    """What `pulumi up` is to create. `profile` and `allowed_accounts`: settings of the AWS provider."""

    prefix: str
    region: str
    settings: StackSettings
    profile: str | None = None
    allowed_accounts: tuple[str, ...] = ()
    local: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The outputs of a local cloud, whose account is checked instead."""


def read_plan(source: StackSource) -> StackPlan:
    """Return the plan of a Pulumi stack, of `pulumi config --json` in a file, or of the local cloud.

    Raises StackError.
    """
    if source.path is not None:
        values = source.read()
        if "aws_endpoint_url" in values:
            prefix = prefix_of(PROJECT, LOCAL)
            return StackPlan(prefix, str(values["region"]), StackSettings(), local=values)
        return parse_plan(values, source.path.stem)
    return parse_plan(_read_configuration(source.label), source.label)


def _read_configuration(name: str) -> Mapping[str, Any]:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise StackError(STACK_PULUMI_MISSING(name=name))
    command = [pulumi, "config", "--json", "--stack", name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PULUMI_SECONDS, check=True
        )
        values = json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip()[-500:]
        raise StackError(STACK_NAME_UNKNOWN(name=name, reason=reason)) from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise StackError(STACK_NAME_UNKNOWN(name=name, reason=error)) from None
    return values if isinstance(values, dict) else {}


def parse_plan(values: Mapping[str, Any], stack: str) -> StackPlan:
    """Return the plan that `pulumi config --json` describes. Raises StackError."""
    texts = {
        key: str(each["value"])
        for key, each in values.items()
        if isinstance(each, dict) and each.get("value") is not None
    }
    namespace = f"{PROJECT}:"
    own = {k.removeprefix(namespace): v for k, v in texts.items() if k.startswith(namespace)}
    region = texts.get("aws:region")
    if not region:
        raise StackError(STACK_REGION_MISSING(name=stack))
    try:
        settings = parse_settings(own)
        allowed = json.loads(texts.get("aws:allowedAccountIds") or "[]")
    except (ConfigurationError, ValueError) as error:
        raise StackError(STACK_CONFIGURATION_INVALID(name=stack, reason=error)) from None
    accounts = tuple(map(str, allowed)) if isinstance(allowed, list) else ()
    prefix = prefix_of(PROJECT, stack)
    return StackPlan(prefix, region, settings, texts.get("aws:profile"), accounts)
