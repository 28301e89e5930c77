"""The names of leases: one for each table, and one for each load that may run at the same time.

A lease is an item of the lease table. It says which execution loads now, so that the others wait
in the state machine instead of in the warehouse. Correctness does not depend on it.
"""

from __future__ import annotations

LEASE_KEY = "lease"
"""The partition key of the lease table."""
HOLDER = "holder"
"""The ARN of the execution that holds the lease."""
EXPIRES_AT = "expires_at"
"""Seconds since 1970 (UTC). Anybody may take a lease that has expired. DynamoDB deletes it later (TTL)."""

FIRST_POLL_SECONDS = 2
LONGEST_POLL_SECONDS = 60
"""A waiting execution looks after two seconds, then after pauses that double each time, up to this."""
LONGEST_SCHEMA_POLL_SECONDS = 5
"""The same for schema files: the data files of the table wait for them."""

MARGIN_SECONDS = 180
"""A lease expires this long after the load function's time limit. The state machine may wait for a
free function in between, and invoke the record function after it."""


def table_lease(table: str) -> str:
    """Return the lease of a table. `table` is `database/schema.table`."""
    return f"table#{table}"


def slot_lease(slot: int) -> str:
    """Return the lease of one of the loads that may run at the same time, counted from 0."""
    return f"slot#{slot}"
