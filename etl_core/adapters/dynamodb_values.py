"""Values of DynamoDB items. boto3 has this too, but its package takes long to import in a function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def to_item(value: object) -> dict[str, Any]:
    """Return the value as DynamoDB stores it. Raises TypeError for a value that log entries do not have."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}
        case int():
            return {"N": str(value)}
        case Mapping():
            return {"M": {str(name): to_item(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [to_item(each) for each in value]}
        case _:
            raise TypeError(f"{type(value).__name__} cannot be stored in an item")


def from_item(item: Mapping[str, Any]) -> Any:
    """Return a stored value. Raises TypeError for a type that log entries do not have."""
    [(kind, value)] = item.items()
    match kind:
        case "NULL":
            return None
        case "BOOL" | "S":
            return value
        case "N":
            return int(value) if value.removeprefix("-").isdigit() else float(value)
        case "M":
            return {name: from_item(each) for name, each in value.items()}
        case "L":
            return [from_item(each) for each in value]
        case _:
            raise TypeError(f"an item has a value of the type {kind}")
