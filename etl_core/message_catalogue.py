"""Every rejection and failure message of the project, gathered from the packages."""

from __future__ import annotations

from types import ModuleType

from etl_core.adapters import messages as adapters
from etl_core.loading import messages as loading
from etl_core.model import messages as model
from etl_core.model.messages import Message
from etl_core.recovery import messages as recovery
from etl_core.schema_changes import messages as schema_changes

MODULES: tuple[ModuleType, ...] = (
    model,
    schema_changes,
    loading,
    adapters,
    recovery,
)
"""In the order of the reference page."""


def all_messages() -> tuple[Message, ...]:
    """Return every message, in the order of the modules and their source."""
    return tuple(
        value for module in MODULES for value in vars(module).values() if isinstance(value, Message)
    )
