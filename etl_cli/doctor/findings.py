"""What doctor reads, and what it says about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Missing:
    """AWS says that there is no such thing."""


@dataclass(frozen=True)
class Unread:
    """It could not be read."""

    reason: str


Read: TypeAlias = T | Missing | Unread
"""What was read, or why there is nothing."""


class State(StrEnum):
    """The result of a check."""

    OK = "ok"
    BROKEN = "broken"
    UNCHECKED = "could not be checked"


@dataclass(frozen=True)
class Finding:
    """One link: what was looked at, what it is like, and the fix if it is broken."""

    check: str
    subject: str
    state: State
    detail: str = ""
    fix: str = ""


def ok(check: str, subject: str, detail: str = "") -> Finding:
    """Return that the link holds."""
    return Finding(check, subject, State.OK, detail)


def broken(check: str, subject: str, detail: str, fix: str) -> Finding:
    """Return what is broken."""
    return Finding(check, subject, State.BROKEN, detail, fix)


def unchecked(check: str, subject: str, reason: str) -> Finding:
    """Return why the link could not be checked."""
    return Finding(check, subject, State.UNCHECKED, reason)


def absent(check: str, subject: str, value: Missing | Unread, fix: str) -> Finding:
    """Return the finding for something that is missing or could not be read."""
    if isinstance(value, Unread):
        return unchecked(check, subject, value.reason)
    return broken(check, subject, "it does not exist", fix)
