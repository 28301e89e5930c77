"""What doctor reads of an account before the first `pulumi up`. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from etl_cli.doctor.evidence import Concurrency
from etl_cli.doctor.findings import Read
from etl_cli.doctor.plan import StackPlan


@dataclass(frozen=True)
class Caller:
    """Who is logged in: the account, and the ARN of the user or role. The root user has no policies."""

    account: str
    arn: str

    @property
    def is_root(self) -> bool:
        return self.arn.endswith(":root")


@dataclass(frozen=True)
class Quota:
    """How many of something an account has, and how many it may have."""

    used: int
    limit: int


@dataclass(frozen=True)
class Subnet:
    """A subnet that the configuration names."""

    id: str
    vpc: str
    zone: str
    free_addresses: int


@dataclass(frozen=True)
class AccountEvidence:
    """Everything that was read of an account."""

    plan: StackPlan
    caller: Read[Caller]
    zones: Mapping[str, Read[frozenset[str]]]
    """The zones of what the stack puts into its subnets."""
    networks: Read[Mapping[str, str]]
    """The address range of each VPC, by its id."""
    network_limit: Read[int]
    roles: Read[Quota]
    concurrency: Read[Concurrency]
    subnets: Read[tuple[Subnet, ...]]
    groups: Read[Mapping[str, str]]
    """The VPC of each security group that the configuration names."""
    service_role: Read[str]
    permissions: Mapping[str, Read[bool]]
    """Whether the caller may do each action."""
