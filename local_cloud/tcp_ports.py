"""Ports on the loopback address: the one that a variable names, or a free one."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping

LOOPBACK = "127.0.0.1"
FREE_PORTS = range(15000, 32000)
"""Below the ports that Linux and macOS give to outgoing connections."""
AWS_PORT_VARIABLE = "ETL_LOCAL_AWS_PORT"
WAREHOUSE_PORT_VARIABLE = "ETL_LOCAL_WAREHOUSE_PORT"


class PortError(ValueError):
    """A wanted port is not a port number, or something else listens there."""


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nothing uses at the moment, and that no outgoing connection will be given meanwhile."""
    while True:
        port = secrets.choice(FREE_PORTS)
        if is_free(port):
            return port


def wanted_port(variable: str, environment: Mapping[str, str] = os.environ) -> int | None:
    """The port that the variable names, None when it is unset. Raises PortError when it is no port number."""
    text = environment.get(variable, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise PortError(
            f"{variable} is {text!r}; it must be a port number from 1 to 65535, or unset for a free port"
        )
    return int(text)


def choose_port(wanted: int | None, variable: str) -> int:
    """The wanted port if it is free, else a PortError; without a wish, a free one."""
    if wanted is None:
        return free_port()
    if not is_free(wanted):
        raise PortError(
            f"port {wanted} is in use; choose another one with {variable}, or leave it unset for a free port"
        )
    return wanted


def choose_ports(aws: int | None, warehouse: int | None) -> tuple[int, int]:
    """A port for each of the two servers, as choose_port; never the same one. Raises PortError."""
    if aws is not None and aws == warehouse:
        raise PortError(
            f"{AWS_PORT_VARIABLE} and {WAREHOUSE_PORT_VARIABLE} are both {aws}; two servers need two ports: "
            "change one, or leave it unset for a free port"
        )
    chosen = choose_port(aws, AWS_PORT_VARIABLE)
    while (other := choose_port(warehouse, WAREHOUSE_PORT_VARIABLE)) == chosen:
        if aws is None:
            chosen = free_port()
    return chosen, other
