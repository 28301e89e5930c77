"""Importing this package fills the registry with one module per service."""

from local.resources import (
    api,
    dynamodb,
    events,
    functions,
    iam,
    invokes,
    messaging,
    monitoring,
    network,
    redshift,
    s3,
    secrets_manager,
    workflow,
)
from local.resources.registry import (
    REGISTRY,
    Context,
    Created,
    DroppedInputsError,
    ProvisioningError,
    Resource,
    provision,
)

__all__ = [
    "REGISTRY",
    "Context",
    "Created",
    "DroppedInputsError",
    "ProvisioningError",
    "Resource",
    "api",
    "dynamodb",
    "events",
    "functions",
    "iam",
    "invokes",
    "messaging",
    "monitoring",
    "network",
    "provision",
    "redshift",
    "s3",
    "secrets_manager",
    "workflow",
]
