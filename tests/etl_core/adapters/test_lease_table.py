"""The lease table's adapter, against the local cloud and against Amazon's DynamoDB Local, and its fake."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from etl_core.adapters.lease_table import LeaseTable
from etl_core.model.errors import LeaseError
from etl_core.turns.leases import Busy, Granted, Leases, end_turn, take_turn
from tests.etl_core.adapters.conftest import Tables
from tests.fake_leases import FakeLeases

SECONDS = 60


@dataclass
class Clock:
    now: float = 1_700_000_000.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["fake", "deployed_tables", "amazons_tables"])
def leases(request: pytest.FixtureRequest, clock: Clock) -> Leases:
    """The same contract for the adapter and for its fake."""
    if request.param == "fake":
        return FakeLeases(SECONDS, clock)
    tables: Tables = request.getfixturevalue(request.param)
    return LeaseTable(tables.client, tables.lease_table, SECONDS, clock)


@pytest.fixture
def name() -> str:
    """A lease that no other test uses."""
    return f"table#dev/public.t_{uuid.uuid4().hex[:8]}"


def test_a_lease_has_one_holder_who_can_take_it_again(leases: Leases, name: str) -> None:
    assert leases.take(name, "arn:1")
    assert leases.take(name, "arn:1")
    assert not leases.take(name, "arn:2")
    assert leases.read_holders([name, f"{name}_other"]) == {name: "arn:1"}


def test_only_the_holder_gives_a_lease_back(leases: Leases, name: str) -> None:
    leases.take(name, "arn:1")
    leases.give_back(name, "arn:2")
    leases.give_back(name, "arn:2", 30)
    assert not leases.take(name, "arn:2")
    leases.give_back(name, "arn:1")
    leases.give_back(name, "arn:1")
    assert leases.read_holders([name]) == {}
    assert leases.take(name, "arn:2")


def test_an_expired_lease_is_free(leases: Leases, name: str, clock: Clock) -> None:
    leases.take(name, "arn:1")
    clock.now += SECONDS - 1
    assert not leases.take(name, "arn:2")
    clock.now += 1
    assert leases.read_holders([name]) == {}
    assert leases.take(name, "arn:2")
    assert not leases.take(name, "arn:1")


def test_taking_it_again_extends_a_lease(leases: Leases, name: str, clock: Clock) -> None:
    leases.take(name, "arn:1")
    clock.now += SECONDS - 1
    leases.take(name, "arn:1")
    clock.now += SECONDS - 1
    assert not leases.take(name, "arn:2")


def test_a_lease_that_is_given_back_with_an_interval_stays_taken(
    leases: Leases, name: str, clock: Clock
) -> None:
    leases.take(name, "arn:1")
    leases.give_back(name, "arn:1", 5)
    clock.now += 4
    assert not leases.take(name, "arn:2")
    clock.now += 1
    assert leases.take(name, "arn:2")


def test_of_many_executions_at_once_one_gets_the_lease(tables: Tables, name: str) -> None:
    table = LeaseTable(tables.client, tables.lease_table, SECONDS)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda number: table.take(name, f"arn:{number}"), range(24)))
    assert taken.count(True) == 1


def test_a_turn_is_taken_and_given_back(tables: Tables, name: str) -> None:
    """Slots are shared by all tests, so there are many."""
    leases, table = LeaseTable(tables.client, tables.lease_table, SECONDS), name.split("#")[1]
    turn = take_turn(leases, table, f"arn:{name}:1", 900)
    assert isinstance(turn, Granted)
    assert turn.slot is not None
    assert isinstance(take_turn(leases, table, f"arn:{name}:2", 900), Busy)
    assert end_turn(leases, table, f"arn:{name}:1", turn.slot) is None
    assert leases.read_holders([name, f"slot#{turn.slot}"]) == {}


CALLS: list[Callable[[Leases], Any]] = [
    lambda leases: leases.take("x", "arn:1"),
    lambda leases: leases.give_back("x", "arn:1"),
    lambda leases: leases.give_back("x", "arn:1", 5),
    lambda leases: leases.read_holders(["x"]),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_missing_table_is_a_lease_error(tables: Tables, call: Callable[[Leases], Any]) -> None:
    with pytest.raises(LeaseError, match=r"could not be used.*ResourceNotFound"):
        call(LeaseTable(tables.client, "no-such-table", SECONDS))


@pytest.mark.parametrize("call", CALLS)
def test_an_unreachable_table_is_a_lease_error(call: Callable[[Leases], Any]) -> None:
    class Unreachable:
        def _fail(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")

        put_item = delete_item = update_item = batch_get_item = _fail

    client: Any = Unreachable()
    with pytest.raises(LeaseError, match="could not be used"):
        call(LeaseTable(client, "leases", SECONDS))
