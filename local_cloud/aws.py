"""boto3 clients for the AWS server.

Pulumi's camelCase inputs are converted to the parameters of an operation.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.model import ListShape, MapShape, Shape, StructureShape

CONFIG = Config(
    retries={"max_attempts": 2, "mode": "standard"},
    inject_host_prefix=False,
    max_pool_connections=32,
)
_LOCK = threading.Lock()


@functools.cache
def _session() -> boto3.session.Session:
    """Return one shared session.

    It caches the service models, and reading them is most of the cost of a client.
    """
    return boto3.session.Session()


class UnknownInputError(ValueError):
    """An AWS operation has no parameter for an input."""


@dataclass(frozen=True)
class Aws:
    """One endpoint and one set of credentials. Each client is created once."""

    endpoint_url: str
    region: str
    account_id: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str) -> Any:
        """Return the client of a service.

        boto3 cannot create clients in several threads at once, so a lock guards it.
        """
        with _LOCK:
            if service not in self._clients:
                make: Any = _session().client
                self._clients[service] = make(
                    service,
                    endpoint_url=self.endpoint_url,
                    region_name=self.region,
                    aws_access_key_id=self.access_key_id,
                    aws_secret_access_key=self.secret_access_key,
                    config=CONFIG,
                )
            return self._clients[service]

    def call(
        self,
        service: str,
        operation: str,
        inputs: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> Any:
        """Call an operation with converted Pulumi inputs and with unchanged `parameters`.

        Raises UnknownInputError for an input that the operation does not have, at any depth, and
        ClientError.
        """
        client = self.client(service)
        shape = client.meta.service_model.operation_model(
            client.meta.method_to_api_mapping[operation]
        ).input_shape
        return getattr(client, operation)(**(to_parameters(shape, inputs or {}) | parameters))

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def close(self) -> None:
        with _LOCK:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


def to_parameters(shape: Shape | None, value: Any, path: str = "") -> Any:
    """Convert a Pulumi value to the shape.

    Names match regardless of case and plural; numbers become numbers.
    """
    match shape:
        case StructureShape():
            return {
                name: to_parameters(member, inner, f"{path}.{key}")
                for key, inner in value.items()
                for name, member in [_member(shape, key, path)]
            }
        case ListShape():
            return [to_parameters(shape.member, inner, path) for inner in _as_list(value)]
        case MapShape():
            return {
                key: to_parameters(shape.value, inner, f"{path}.{key}")
                for key, inner in value.items()
            }
        case None:
            return value
        case _:
            return _scalar(shape.type_name, value)


def _member(shape: StructureShape, key: str, path: str) -> tuple[str, Shape]:
    for name, member in shape.members.items():
        if _folded(name) == _folded(key):
            return name, member
    raise UnknownInputError(
        f"AWS's {shape.name} has no parameter for {(path + '.' + key).lstrip('.')!r}"
    )


def _folded(name: str) -> str:
    return name.replace("_", "").lower().removesuffix("s")


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


def _scalar(type_name: str, value: Any) -> Any:
    match type_name:
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else str(value).lower() == "true"
        case "string" if isinstance(value, bool):
            return str(value).lower()
        case "string":
            return str(value)
        case _:
            return value
