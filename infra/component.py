"""The base class of all components, and helpers for outputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pulumi
from pulumi import Input, Output, ResourceOptions

T = TypeVar("T")


class Component(pulumi.ComponentResource):
    """A named group of resources. Pass `self.child()` as the options of each resource in it."""

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__(f"redshift-lake-loader:infra:{type(self).__name__}", name, None, opts)
        self.name = name

    def child(self, **options: Any) -> ResourceOptions:
        """Return the options of a resource that belongs to this component."""
        return ResourceOptions(parent=self, **options)


def json_document(build: Callable[..., Mapping[str, Any]], *args: Input[Any]) -> Output[str]:
    """Return the JSON text of `build(*args)`. It resolves when all arguments are known."""
    return Output.all(*args).apply(lambda known: json.dumps(build(*known), sort_keys=True))


def after(value: Input[T], *resources: pulumi.Resource) -> Output[T]:
    """Return `value` as an output that resolves after `resources` exist.

    A resource that takes it as an input is created after them.
    """
    urns: list[Any] = [resource.urn for resource in resources]
    ids = [resource.id for resource in resources if isinstance(resource, pulumi.CustomResource)]
    return Output.all(value, *urns, *ids).apply(lambda known: known[0])
