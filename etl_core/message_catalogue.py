"""Every rejection and failure message of the library, and the reference page that lists them.

Update the page with `python -m etl_core.message_catalogue > docs/reference/messages.md`.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from types import ModuleType

from etl_core.access import messages as access
from etl_core.adapters import messages as adapters
from etl_core.csv_files import messages as csv_files
from etl_core.loading import messages as loading
from etl_core.model import messages as model
from etl_core.model.messages import Message
from etl_core.recovery import messages as recovery
from etl_core.schema_changes import messages as schema_changes
from etl_core.schema_files import messages as schema_files
from etl_core.upload_log import messages as upload_log

MODULES: tuple[ModuleType, ...] = (
    model,
    schema_files,
    csv_files,
    schema_changes,
    loading,
    upload_log,
    recovery,
    access,
    adapters,
)
"""In the order of the reference page."""

_WIDTH = 100
_INTRODUCTION = """\
# Messages

Every message that the loader writes for a rejected or failed upload, a refused query or a faulty event.
A message says what happened and which rule applies, and then how to fix it. Values in the examples are invented.

Some messages are details: they appear in the list of another message and have no fix of their own.

This page is generated from the code: `python -m etl_core.message_catalogue > docs/reference/messages.md`.
"""


def all_messages() -> tuple[Message, ...]:
    """Return every message, in the order of the modules and their source."""
    return tuple(message for module in MODULES for message in messages_of(module))


def messages_of(module: ModuleType) -> tuple[Message, ...]:
    """Return the messages that the module defines, in the order of its source."""
    return tuple(value for value in vars(module).values() if isinstance(value, Message))


def render_catalogue() -> str:
    """Return the reference page of all messages, as Markdown."""
    return "\n".join([_INTRODUCTION, *(line for module in MODULES for line in _section(module))])


def _section(module: ModuleType) -> Iterator[str]:
    package = module.__name__.split(".")[-2]
    yield f"## {package.replace('_', ' ').capitalize()}"
    yield ""
    yield (module.__doc__ or "").partition("\n")[0]
    yield ""
    for message in messages_of(module):
        yield from _entry(message)


def _entry(message: Message) -> Iterator[str]:
    yield f"### `{message.id}`"
    yield ""
    yield message.when
    yield ""
    yield "```text"
    yield _wrapped(message.text.format(**message.example))
    yield "```"
    yield ""
    if message.fix:
        yield f"Fix: {message.fix.format(**message.example)}."
        yield ""


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.stdout.write(render_catalogue())
