"""One module per AWS service. Importing this package registers all of them."""

from local_cloud.resources import (
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
from local_cloud.resources.registry import (
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
