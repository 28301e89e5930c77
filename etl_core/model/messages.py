"""The form of every rejection and failure message: what happened, the rule, the fix.

Each package keeps its messages in a module `messages`. `etl_core/message_catalogue.py` gathers them, and
docs/reference/messages.md is generated from there.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """A message and its entry in the catalogue.

    `id`: `area.name`, never changed once released. `when`: one sentence for the reference page.
    `text`: what happened, with the value, and the rule. `fix`: what the reader does next; empty for a
    detail that another message lists. `text` and `fix` are `str.format` templates without a final period.
    `example`: the fields of the example on the reference page.
    """

    id: str
    when: str
    text: str
    fix: str
    example: Mapping[str, Any]

    def __call__(self, **fields: Any) -> str:
        """Return the message with these fields. Raises KeyError if one is missing."""
        return ". ".join(part.format(**fields) for part in (self.text, self.fix) if part)

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that the templates use."""
        parsed = string.Formatter().parse(f"{self.text} {self.fix}")
        return frozenset(name.split(".")[0].split("[")[0] for _, name, _, _ in parsed if name)

    def example_text(self) -> str:
        """Return the message with the fields of its example."""
        return self(**self.example)
