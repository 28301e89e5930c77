"""What every component shares: its type token, how its children are bound to it, and documents made of outputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pulumi
from pulumi import Input, Output, ResourceOptions

T = TypeVar("T")


class Component(pulumi.ComponentResource):
    """A named group of resources. Children take `self.child()` as their options."""

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__(f"redshift-lake-loader:infra:{type(self).__name__}", name, None, opts)
        self.name = name

    def child(self, **options: Any) -> ResourceOptions:
        """Options of a resource that belongs to this component."""
        return ResourceOptions(parent=self, **options)


def json_document(build: Callable[..., Mapping[str, Any]], *args: Input[Any]) -> Output[str]:
    """The JSON text of `build(*args)`, once all arguments are known."""
    return Output.all(*args).apply(lambda known: json.dumps(build(*known), sort_keys=True))


def once(value: Input[T], *exists: pulumi.Resource) -> Output[T]:
    """`value`, but not before these resources exist: whoever takes it as input cannot start earlier."""
    waits: list[Any] = [resource.urn for resource in exists]
    ids = [resource.id for resource in exists if isinstance(resource, pulumi.CustomResource)]
    return Output.all(value, *waits, *ids).apply(lambda known: known[0])
