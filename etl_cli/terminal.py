"""What the commands write to the terminal. Text from outside is data: it is shown, never obeyed.

Only this module and `console` write; a test holds that. Imports little, so that small commands
start fast.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import click

_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, separators of lines, bidirectional controls (Unicode TR 36, 3.2), and halves of
surrogate pairs. They move the cursor, forge lines or reverse what follows."""
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def visible(text: object) -> str:
    """Return the text on one line, with its control and bidirectional characters escaped: `\\x1b`, `\\u202e`."""
    return _HIDDEN.sub(_escape, str(text))


def visible_lines(text: object) -> str:
    """Return a text of several lines, with everything escaped but the line feeds."""
    return "\n".join(map(visible, str(text).split("\n")))


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def to_json(
    value: Any, *, indent: int | None = 2, default: Callable[[Any], Any] | None = None
) -> str:
    r"""Return the value as readable JSON: characters that `visible` escapes are written as `\uXXXX`."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=default)
    # Line feeds of the layout stay. Inside of strings, JSON has escaped them already.
    return "\n".join(
        _HIDDEN.sub(lambda match: f"\\u{ord(match.group()):04x}", line) for line in text.split("\n")
    )


def has_error_terminal() -> bool:
    """Return whether a person reads the error output."""
    return sys.stderr.isatty()


def echo(text: object, *, err: bool = False) -> None:
    """Print one line; a line feed in it is escaped."""
    click.echo(visible(text), err=err)


def echo_lines(text: object, *, err: bool = False) -> None:
    """Print a text that has lines of its own, such as a script or JSON."""
    click.echo(visible_lines(text), err=err)
