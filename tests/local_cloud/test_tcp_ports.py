"""The choice of a cloud's ports."""

import socket

import pytest

from local_cloud.tcp_ports import (
    LOOPBACK,
    PortError,
    choose_port,
    choose_ports,
    free_port,
    is_free,
    requested_port,
)

VARIABLE = "ETL_LOCAL_AWS_PORT"


def test_without_a_request_a_free_port_is_chosen():
    assert requested_port(VARIABLE, {}) is None
    assert is_free(choose_port(None, VARIABLE))


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "4566.0", "４５６６"])
def test_an_invalid_port_number_is_refused_with_the_rule(text):
    with pytest.raises(PortError, match="1 to 65535"):
        requested_port(VARIABLE, {VARIABLE: text})


def test_a_requested_port_in_use_is_refused_with_the_name_of_its_variable():
    with socket.create_server((LOOPBACK, 0)) as other, pytest.raises(PortError, match=VARIABLE):
        choose_port(other.getsockname()[1], VARIABLE)


def test_every_server_gets_a_port_of_its_own():
    port = free_port()
    assert len({*choose_ports(None, None)}) == 3
    assert choose_ports(port, None)[0] == port
    assert choose_ports(None, port)[1] == port
    with pytest.raises(PortError, match=f"are both {port}"):
        choose_ports(port, port)
