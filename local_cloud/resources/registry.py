"""Map each Pulumi type to the function that provisions it through boto3.

A function marks the inputs that it applies by taking them. An input that it neither takes nor
declares as not applied, with a reason, is an error. Otherwise a misspelled or unimplemented setting
would be silently ignored.
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
    "tags": "tags do not affect a load or a query",
    "tagsAll": "computed by the provider from tags",
    "region": "the local cloud has one region",
}

_MISSING = object()


class ProvisioningError(RuntimeError):
    """A resource could not be provisioned. The message names its type and logical name."""


class DroppedInputsError(ValueError):
    """A resource has inputs that its function does not apply."""


@dataclass(frozen=True)
class Created:
    """The result for Pulumi: the id and the computed outputs, which are added to the inputs."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Resource:
    """One resource to provision.

    Input names are camelCase, whole numbers are integers, secrets are unwrapped.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    not_applied: Mapping[str, str] = field(default_factory=lambda: EVERYWHERE)
    taken: set[str] = field(default_factory=set)

    def take(self, key: str, default: Any = None) -> Any:
        """Return the input and mark it as applied."""
        self.taken.add(key)
        return self.inputs.get(key, default)

    def need(self, key: str) -> Any:
        """Return a required input and mark it as applied. Raises ValueError when it is missing."""
        value = self.take(key, _MISSING)
        if value is _MISSING:
            raise ValueError(f"the input {key!r} is missing")
        return value

    def rest(self) -> dict[str, Any]:
        """Return the remaining inputs and mark them as applied.

        Inputs that were taken or are declared as not applied are left out.
        """
        excluded = self.taken | set(self.not_applied)
        left = {key: value for key, value in self.inputs.items() if key not in excluded}
        self.taken.update(left)
        return left

    def physical_name(self, key: str = "name", prefix_key: str = "namePrefix") -> str:
        """Return the given name, else the prefix or logical name with a random suffix.

        The provider does the same.
        """
        name, prefix = self.take(key), self.take(prefix_key)
        return str(name or (prefix or f"{self.name}-") + secrets.token_hex(4)[:7])


@dataclass(frozen=True)
class Context:
    """What a provisioning function needs."""

    aws: Aws
    warehouse: WarehouseCredentials
    function_interpreter: Path
    working_directory: Path
    """The base of the program's relative paths."""
    await_warehouse: Callable[[], None] = lambda: None
    """Returns when the emulator listens."""


Provision = Callable[[Context, Resource], Created]


@dataclass(frozen=True)
class Entry:
    """A type's function, and the inputs that it does not apply, each with the reason."""

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
    """Provision one resource. Raises ProvisioningError with type, logical name and cause."""
    entry = REGISTRY.get(item.type)
    if entry is None:
        raise ProvisioningError(
            f"{item.type} {item.name!r}: the local cloud cannot provision this type; "
            "add a function to local_cloud/resources"
        )
    item.not_applied = entry.not_applied
    try:
        created = entry.provision(context, item)
        _reject_dropped_inputs(item)
    except Exception as error:
        raise ProvisioningError(
            f"{item.type} {item.name!r}: {type(error).__name__}: {error}"
        ) from error
    return created


def _reject_dropped_inputs(item: Resource) -> None:
    dropped = sorted(set(item.inputs) - item.taken - set(item.not_applied))
    if dropped:
        raise DroppedInputsError(
            f"the inputs {', '.join(dropped)} would be ignored; "
            "apply them in local_cloud/resources, "
            "or declare them there as not applied, with the reason"
        )
