"""Choose ports on the loopback address: from an environment variable, or free ones."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping

from local_cloud.errors import LocalCloudError

LOOPBACK = "127.0.0.1"
FREE_PORTS = range(15000, 32000)
"""Below the range that Linux and macOS use for outgoing connections."""
AWS_PORT_VARIABLE = "ETL_LOCAL_AWS_PORT"
WAREHOUSE_PORT_VARIABLE = "ETL_LOCAL_WAREHOUSE_PORT"


class PortError(LocalCloudError):
    """A requested port is not a port number, or it is in use."""


def is_free(port: int) -> bool:
    """Return whether a server can listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port that is not in use.

    The system does not assign it to outgoing connections.
    """
    while True:
        port = secrets.choice(FREE_PORTS)
        if is_free(port):
            return port


def requested_port(variable: str, environment: Mapping[str, str] = os.environ) -> int | None:
    """Return the port in the variable, or None when it is unset.

    Raises PortError when it is not a port number.
    """
    text = environment.get(variable, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise PortError(
            f"{variable} is {text!r}; it must be a port number from 1 to 65535, "
            "or unset for a free port"
        )
    return int(text)


def choose_port(requested: int | None, variable: str) -> int:
    """Return the requested port, or a free one for None.

    Raises PortError when the requested port is in use.
    """
    if requested is None:
        return free_port()
    if not is_free(requested):
        raise PortError(
            f"port {requested} is in use; choose another one with {variable}, "
            "or leave it unset for a free port"
        )
    return requested


def choose_ports(aws: int | None, warehouse: int | None) -> tuple[int, int, int]:
    """Return three different ports: of the AWS server and the warehouse, each as choose_port does,
    and a free one for the warehouse's Data API. Raises PortError.
    """
    if aws is not None and aws == warehouse:
        raise PortError(
            f"{AWS_PORT_VARIABLE} and {WAREHOUSE_PORT_VARIABLE} are both {aws}; "
            "two servers need two ports: change one, or leave it unset for a free port"
        )
    chosen = choose_port(aws, AWS_PORT_VARIABLE)
    while (other := choose_port(warehouse, WAREHOUSE_PORT_VARIABLE)) == chosen:
        if aws is None:
            chosen = free_port()
    while (data_api := free_port()) in (chosen, other):
        pass
    return chosen, other, data_api
