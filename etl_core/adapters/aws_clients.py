"""Clients of AWS services, and how long their calls may take.

They are botocore's: boto3 adds resources and transfers, which the functions do not use at their
start.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session


@dataclass(frozen=True)
class CallBudget:
    """How long one call may take, in seconds, and how many attempts botocore makes in total."""

    connect_seconds: float
    read_seconds: float
    attempts: int

    def to_config(self) -> Config:
        """Return the budget as a botocore configuration."""
        return Config(
            connect_timeout=self.connect_seconds,
            read_timeout=self.read_seconds,
            retries={"mode": "standard", "total_max_attempts": self.attempts},
            tcp_keepalive=self.attempts == 1,
        )


DATA = CallBudget(connect_seconds=5, read_seconds=60, attempts=4)
"""S3, Secrets Manager, Step Functions, and the log table during a load. A call may transfer a whole object."""

LOG_WRITE = CallBudget(connect_seconds=5, read_seconds=10, attempts=4)
LOG_READ = CallBudget(connect_seconds=5, read_seconds=10, attempts=3)
"""One attempt stays below the 29 seconds that API Gateway waits for a response."""

LEASE = CallBudget(connect_seconds=1, read_seconds=2, attempts=2)
"""The lease table. A load must not wait long for a lease that cannot be had."""

FUNCTION = CallBudget(connect_seconds=5, read_seconds=890, attempts=1)
"""A function calls another function. One attempt: a long-running function must not be started twice for one call."""

OPERATOR = CallBudget(connect_seconds=10, read_seconds=910, attempts=1)
"""The command line calls a function, which runs for at most 900 seconds."""


def make_client(service: str, budget: CallBudget) -> Any:
    """Return a client with the function's own credentials and region."""
    return session().create_client(service, config=budget.to_config())


@cache
def session() -> Session:
    """Return the session that all clients share: it keeps the descriptions of the services."""
    return Session()
