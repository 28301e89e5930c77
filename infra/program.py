"""The Pulumi program of a stack: reads its configuration and creates one loader."""

from __future__ import annotations

import pulumi
from pulumi import ResourceOptions
from pulumi.runtime.config import CONFIG, get_config_env

from infra.bundle import BundleError, ensure_layer
from infra.lake_loader import LakeLoader, LakeLoaderArgs
from infra.names import Names
from infra.provider import stack_provider
from infra.stack_settings import ConfigurationError, parse_settings


def deploy() -> None:
    """Build the layer if it is missing or outdated, then run `main()`.

    `pulumi up` runs this. Raises pulumi.RunError if the layer cannot be built.
    """
    try:
        ensure_layer(pulumi.log.info, pulumi.log.warn)
    except BundleError as error:
        raise pulumi.RunError(str(error)) from error
    main()


def main() -> None:
    """Declare the stack. Raises pulumi.RunError with every fault of its configuration."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    names = Names(project, stack)
    try:
        args = LakeLoaderArgs.of(parse_settings(read_configuration(project)))
        provider = stack_provider(names.prefix, names.tags)
        loader = LakeLoader(names.prefix, args, ResourceOptions(providers=[provider]))
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from error
    for key, value in loader.outputs.items():
        pulumi.export(key, value)


def read_configuration(project: str) -> dict[str, str]:
    """Return all keys in the namespace of the project, also unknown ones: Pulumi does not report a misspelled key."""
    full_keys = {**get_config_env(), **CONFIG.get()}
    names = [key.removeprefix(f"{project}:") for key in full_keys if key.startswith(f"{project}:")]
    config = pulumi.Config(project)
    return {name: config.get(name) or "" for name in names}
