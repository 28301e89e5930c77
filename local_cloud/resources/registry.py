"""The table from a Pulumi type to the small function that provisions it through boto3.

A function says which inputs it applies by taking them. What it has not taken, and has not declared with a reason as
consciously not applied, is an error: a typing mistake or a setting that nobody implemented must not vanish unseen.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_cloud.aws import Aws
from local_cloud.emulator_process import WarehouseCredentials

# Not applied for any type.
EVERYWHERE: Mapping[str, str] = {
    "tags": "tags change nothing that a load or a query could notice",
    "tagsAll": "computed by the provider from tags",
    "region": "the local cloud has one region",
}

_MISSING = object()


class ProvisioningError(RuntimeError):
    """A resource could not be provisioned; the message names its type and its logical name."""


class DroppedInputsError(ValueError):
    """A resource has inputs that its function does not apply."""


@dataclass(frozen=True)
class Created:
    """What Pulumi gets back: the id, and the computed outputs on top of the echoed inputs."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Resource:
    """One resource to provision. Inputs are in Pulumi's camelCase; whole numbers are integers, secrets unwrapped."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    not_applied: Mapping[str, str] = field(default_factory=lambda: EVERYWHERE)
    taken: set[str] = field(default_factory=set)

    def take(self, key: str, default: Any = None) -> Any:
        """The input, which thereby counts as applied."""
        self.taken.add(key)
        return self.inputs.get(key, default)

    def need(self, key: str) -> Any:
        """The input. Raises ValueError when it is missing."""
        value = self.take(key, _MISSING)
        if value is _MISSING:
            raise ValueError(f"the input {key!r} is missing")
        return value

    def rest(self) -> dict[str, Any]:
        """All inputs that were not taken so far, except those that are consciously not applied."""
        passed_over = self.taken | set(self.not_applied)
        left = {key: value for key, value in self.inputs.items() if key not in passed_over}
        self.taken.update(left)
        return left

    def physical_name(self, key: str = "name", prefix_key: str = "namePrefix") -> str:
        """The name asked for, else prefix and suffix, else the logical name and a suffix, as the provider does it."""
        name, prefix = self.take(key), self.take(prefix_key)
        return str(name or (prefix or f"{self.name}-") + secrets.token_hex(4)[:7])


@dataclass(frozen=True)
class Context:
    """What a provisioning function works with."""

    aws: Aws
    warehouse: WarehouseCredentials
    function_interpreter: Path
    working_directory: Path
    """What relative paths of the program are relative to."""


Provision = Callable[[Context, Resource], Created]


@dataclass(frozen=True)
class Entry:
    """A type's function, and the inputs that it consciously does not apply, each with the reason."""

    provision: Provision
    not_applied: Mapping[str, str]


REGISTRY: dict[str, Entry] = {}


def resource(
    type_token: str, not_applied: Mapping[str, str] | None = None
) -> Callable[[Provision], Provision]:
    """Register the decorated function for a type."""

    def register(provision: Provision) -> Provision:
        REGISTRY[type_token] = Entry(provision, {**EVERYWHERE, **(not_applied or {})})
        return provision

    return register


def provision(context: Context, item: Resource) -> Created:
    """Provision one resource. Raises ProvisioningError with the type, the logical name and the cause."""
    entry = REGISTRY.get(item.type)
    if entry is None:
        raise ProvisioningError(
            f"{item.type} {item.name!r}: the local cloud cannot provision this type; add a function to local/resources"
        )
    item.not_applied = entry.not_applied
    try:
        created = entry.provision(context, item)
        _refuse_dropped_inputs(item)
    except Exception as error:
        raise ProvisioningError(
            f"{item.type} {item.name!r}: {type(error).__name__}: {error}"
        ) from error
    return created


def _refuse_dropped_inputs(item: Resource) -> None:
    dropped = sorted(set(item.inputs) - item.taken - set(item.not_applied))
    if dropped:
        raise DroppedInputsError(
            f"the inputs {', '.join(dropped)} would be dropped; apply them in local/resources, "
            "or declare them there as not applied, with the reason"
        )
