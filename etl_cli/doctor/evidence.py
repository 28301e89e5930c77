"""What doctor reads of a deployed stack. Pure values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from etl_cli.doctor.findings import Read, Unread
from etl_core.recovery.tables_requests import ProbeResult

NOT_READ = Unread("it was not read, because something before it is broken")


@dataclass(frozen=True)
class StackNames:
    """What the outputs of a stack say. The state machine's ARN has account and region."""

    lake_bucket: str
    state_machine_arn: str
    reconcile_function: str
    tables_function: str
    api_url: str

    @property
    def partition(self) -> str:
        return self._part(1)

    @property
    def region(self) -> str:
        return self._part(3)

    @property
    def account(self) -> str:
        return self._part(4)

    def _part(self, number: int) -> str:
        parts = self.state_machine_arn.split(":")
        return parts[number] if number < len(parts) else ""


@dataclass(frozen=True)
class Target:
    """A target of a rule: what it starts, and with which role."""

    arn: str
    role_arn: str | None


@dataclass(frozen=True)
class Rule:
    """An event rule."""

    name: str
    is_enabled: bool
    pattern: Mapping[str, Any]
    targets: tuple[Target, ...] = ()

    def names_bucket(self, bucket: str) -> bool:
        """Return whether the rule is about uploads to this bucket."""
        return self.pattern.get("source") == ["aws.s3"] and f'"{bucket}"' in json.dumps(
            self.pattern.get("detail")
        )


@dataclass(frozen=True)
class Machine:
    """The state machine."""

    status: str
    role_arn: str
    definition: Mapping[str, Any]

    def functions(self) -> dict[str, str]:
        """Return the functions that it calls, by the noun of what they do."""
        nouns = {"Receive": "record", "Load": "load", "Copy": "long copy"}
        tasks = self._tasks()
        return {
            noun: str(tasks[state]["Resource"]) for state, noun in nouns.items() if state in tasks
        }

    def tables(self) -> list[str]:
        """Return the DynamoDB tables that it reads."""
        return sorted(
            {
                str(table)
                for task in self._tasks().values()
                for table in (task.get("Arguments") or {}).get("RequestItems", ())
            }
        )

    def notice_topic(self) -> str | None:
        """Return the topic that it publishes notices to; None in a version without notices."""
        found = self._arguments(":::sns:publish", "TopicArn")
        return str(found[0]) if found else None

    def notice_bus(self) -> str | None:
        """Return the event bus that it puts notices on; None in a version without notices."""
        entries = [
            each for found in self._arguments(":::events:putEvents", "Entries") for each in found
        ]
        return str(entries[0]["EventBusName"]) if entries else None

    def claimed_tables(self) -> list[str]:
        """Return the DynamoDB tables in which it marks that a notice is sent."""
        return [str(name) for name in self._arguments(":::dynamodb:updateItem", "TableName")]

    def _arguments(self, resource: str, name: str) -> list[Any]:
        """Return the argument of each task that calls this service."""
        return [
            task["Arguments"][name]
            for task in self._tasks().values()
            if str(task.get("Resource")).endswith(resource)
            and name in (task.get("Arguments") or {})
        ]

    def _tasks(self) -> dict[str, Mapping[str, Any]]:
        states = self.definition.get("States") or {}
        return {name: state for name, state in states.items() if state.get("Type") == "Task"}


@dataclass(frozen=True)
class FunctionState:
    """A function as Lambda describes it. `reserved`: its reserved concurrency, None without one."""

    arn: str
    state: str
    reason: str
    role_arn: str
    handler: str
    variables: Mapping[str, str] = field(repr=False)
    is_in_network: bool
    reserved: int | None


@dataclass(frozen=True)
class Trust:
    """A role's trust policy."""

    document: Mapping[str, Any]

    def admits(self, service: str, account: str) -> bool:
        """Return whether the service can assume the role for this account."""
        statements = self.document.get("Statement", [])
        found = statements if isinstance(statements, list) else [statements]
        return any(_admits(statement, service, account) for statement in found)


def _admits(statement: Mapping[str, Any], service: str, account: str) -> bool:
    if statement.get("Effect") != "Allow" or "sts:AssumeRole" not in _list(statement.get("Action")):
        return False
    principal = statement.get("Principal")
    services = _list(principal.get("Service")) if isinstance(principal, Mapping) else []
    accounts = _list(
        (statement.get("Condition") or {}).get("StringEquals", {}).get("aws:SourceAccount")
    )
    return service in services and (not accounts or account in accounts)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Permission:
    """An action that a role must have."""

    role_arn: str
    action: str
    resource: str


@dataclass(frozen=True)
class Subscribers:
    """How many addresses get the messages of a topic, and how many have not confirmed yet.

    `pending_addresses`: the first of those that have not.
    """

    confirmed: int
    pending: int
    pending_addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class WebhookLinks:
    """The way of a notice to the chat service.

    `has_value`: whether the secret with the URL has a current value and stays.
    """

    function_arn: str
    rules: Read[tuple[Rule, ...]]
    may_invoke: Read[bool]
    secret_arn: str
    has_value: Read[bool]


@dataclass(frozen=True)
class NoticeLinks:
    """The way of a notice. `topic_arn` and `bus` are None in a version without notices, `webhook` is
    None in a stack without one.
    """

    topic_arn: str | None
    bus: str | None
    subscribers: Read[Subscribers | None]
    bus_found: Read[str]
    webhook: WebhookLinks | None


@dataclass(frozen=True)
class ApiAnswers:
    """HTTP statuses of the API: of /health, and of /logs with the key and without."""

    health: int
    with_key: int
    without_key: int


@dataclass(frozen=True)
class Concurrency:
    """How many functions may run at the same time in the account, and how many of them nothing reserves."""

    limit: int
    unreserved: int


@dataclass(frozen=True)
class StackEvidence:
    """Everything that was read of a stack."""

    names: StackNames
    account: Read[str]
    region: str
    """The region that the calls went to."""
    events_on: Read[bool]
    rules: Read[tuple[Rule, ...]]
    machine: Read[Machine]
    functions: Mapping[str, Read[FunctionState]]
    trusts: Mapping[str, Read[Trust]]
    permissions: Mapping[Permission, Read[bool]]
    probes: Read[ProbeResult]
    warehouse_roles: Read[frozenset[str]]
    """The roles that the warehouse may assume."""
    notices: Read[NoticeLinks]
    api: Read[ApiAnswers]
    concurrency: Read[Concurrency]
