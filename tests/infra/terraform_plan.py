"""A recorded stack as a Terraform plan, which checkov reads. Pulumi's AWS provider is Terraform's, with other names.

Sources: Terraform, "JSON Output Format" of plans; pulumi-aws, the names of its modules.
"""

from __future__ import annotations

import re
from typing import Any

from tests.infra.engine import Registered, Stack

MODULES = {"apigateway": "api_gateway", "ec2": ""}
"""Modules whose name is another one in Terraform's types. Others have the same name."""

PLURALS = {
    "attributes": "attribute",
    "cost_filters": "cost_filter",
    "global_secondary_indexes": "global_secondary_index",
    "key_schemas": "key_schema",
    "notifications": "notification",
    "rules": "rule",
}
MAPPINGS = {
    "variables",
    "tags",
    "dimensions",
    "triggers",
    "response_parameters",
    "response_templates",
}
"""Inputs that are mappings. All other mappings are blocks, which a plan has in lists."""

NAMES = {"rest_api": "rest_api_id"}


def snake(name: str) -> str:
    """Return the Terraform name of a property."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1].lower()}", name)


def terraform_type(token: str) -> str:
    """Return `aws_s3_bucket` for `aws:s3/bucket:Bucket`."""
    module, _, name = token.removeprefix("aws:").partition("/")
    kind = snake(name.partition(":")[0])
    return "_".join(["aws", *filter(None, [MODULES.get(module, module)]), kind])


def _value(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        inner = {
            key if name in MAPPINGS else _name(key): _value(_name(key), each)
            for key, each in value.items()
        }
        return inner if name in MAPPINGS else [inner]
    if isinstance(value, list):
        items = [_value(name, each) for each in value]
        return [each[0] if isinstance(each, list) and len(each) == 1 else each for each in items]
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__


def _name(key: str) -> str:
    name = snake(key)
    return NAMES.get(name, PLURALS.get(name, name))


def _values(resource: Registered) -> dict[str, Any]:
    return {_name(key): _value(_name(key), value) for key, value in resource.inputs.items()}


def _references(
    resource: Registered, values: dict[str, Any], others: list[Registered]
) -> dict[str, Any]:
    """Return the inputs that name another resource: by its name, its id or its ARN."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        for other in others:
            is_named = isinstance(value, str) and value.rpartition("/")[2] in (
                other.name,
                f"{other.name}-id",
            )
            if is_named and resource.depends_on(other):
                address = f"{terraform_type(other.typ)}.{other.name}"
                found[name] = {"references": [f"{address}.id", address]}
    return found


def render_plan(stack: Stack) -> dict[str, Any]:
    """Return the plan that creates all resources of the stack."""
    ours = [each for each in stack.resources if each.typ.startswith("aws:")]
    planned, changes, configured = [], [], []
    for each in ours:
        kind, values = terraform_type(each.typ), _values(each)
        own = {"address": f"{kind}.{each.name}", "mode": "managed", "type": kind, "name": each.name}
        planned.append(own | {"values": values})
        change = {"actions": ["create"], "before": None, "after": values, "after_unknown": {}}
        changes.append(own | {"change": change})
        configured.append(own | {"expressions": _references(each, values, ours)})
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}},
    }
