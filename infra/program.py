"""The Pulumi program of a stack: reads its configuration and creates one loader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import ResourceOptions
from pulumi.runtime.config import CONFIG, get_config_env

from infra.bundle import BundleError, ensure_layer
from infra.lake_loader import LakeLoader, LakeLoaderArgs
from infra.live_stack import faults_of_change, parse_live_warehouse
from infra.names import Names
from infra.provider import stack_provider
from infra.stack_settings import ConfigurationError, StackSettings, parse_settings


def deploy() -> None:
    """Build the layer if it is missing or outdated, then declare the stack.

    `pulumi up` runs this. Raises pulumi.RunError if the layer cannot be built, or if the settings
    would delete the warehouse of the live stack.
    """
    try:
        ensure_layer(pulumi.log.info, pulumi.log.warn)
    except BundleError as error:
        raise pulumi.RunError(str(error)) from error
    settings = read_settings()
    live = parse_live_warehouse(read_live_resources())
    if live is not None and (faults := faults_of_change(live, settings)):
        raise pulumi.RunError("\n".join(faults))
    declare(settings)


def main() -> None:
    """Declare the stack. Raises pulumi.RunError with every fault of its configuration."""
    declare(read_settings())


def read_settings() -> StackSettings:
    """Return the settings of the stack. Raises pulumi.RunError with every fault."""
    try:
        return parse_settings(read_configuration(pulumi.get_project()))
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from error


def declare(settings: StackSettings) -> None:
    """Declare one loader, and export its outputs. Raises pulumi.RunError if they cannot work."""
    names = Names(pulumi.get_project(), pulumi.get_stack())
    try:
        args = LakeLoaderArgs.of(settings)
        provider = stack_provider(names.prefix, names.tags)
        loader = LakeLoader(names.prefix, args, ResourceOptions(providers=[provider]))
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from error
    for key, value in loader.outputs.items():
        pulumi.export(key, value)


def read_live_resources() -> Mapping[str, Mapping[str, Any]]:
    """Return type and outputs of each resource of the stack as it is deployed, by URN."""
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    result = pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": name})
    resources: Mapping[str, Mapping[str, Any]] = result.value["outputs"]
    return resources


def read_configuration(project: str) -> dict[str, str]:
    """Return all keys in the namespace of the project, also unknown ones: Pulumi does not report a misspelled key."""
    full_keys = {**get_config_env(), **CONFIG.get()}
    names = [key.removeprefix(f"{project}:") for key in full_keys if key.startswith(f"{project}:")]
    config = pulumi.Config(project)
    return {name: config.get(name) or "" for name in names}
