"""What `pulumi up` does when a setting of a live stack changes. The settings page shows it.

tests/engine/test_settings.py changes every setting under Pulumi's engine and compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from infra.setting_kinds import WarehouseKind


class Outcome(Enum):
    """The effect on a live stack."""

    IN_PLACE = "in place"
    DATA_KEPT = "replaced, data kept"
    REFUSED = "refused"


_MOVES_NETWORK = {
    WarehouseKind.SERVERLESS: Outcome.DATA_KEPT,
    WarehouseKind.PROVISIONED: Outcome.REFUSED,
}
_LOSES_WAREHOUSE = dict.fromkeys(
    (WarehouseKind.SERVERLESS, WarehouseKind.PROVISIONED), Outcome.REFUSED
)
_OUTCOMES: Mapping[str, Mapping[WarehouseKind, Outcome]] = {
    "databases": _LOSES_WAREHOUSE,
    "warehouseKind": _LOSES_WAREHOUSE,
    "apiAuth": dict.fromkeys(
        (WarehouseKind.SERVERLESS, WarehouseKind.PROVISIONED), Outcome.DATA_KEPT
    ),
    "network": _MOVES_NETWORK,
    "subnetIds": _MOVES_NETWORK,
    "vpcCidr": _MOVES_NETWORK,
    "zones": _MOVES_NETWORK,
}
_NOTES = {
    "databases": " if the first one changes; others in place",
    "apiAuth": ": the API key is deleted, or a new one made",
}


def outcome_of(key: str, kind: WarehouseKind) -> Outcome:
    """Return what a change of the setting does to a stack with a warehouse of this kind."""
    return _OUTCOMES.get(key, {}).get(kind, Outcome.IN_PLACE)


def render_outcome(key: str) -> str:
    """Return the outcome for the settings page."""
    serverless = outcome_of(key, WarehouseKind.SERVERLESS)
    provisioned = outcome_of(key, WarehouseKind.PROVISIONED)
    note = _NOTES.get(key, "")
    if serverless is provisioned:
        return f"{serverless.value}{note}"
    return f"serverless: {serverless.value}; provisioned: {provisioned.value}{note}"
