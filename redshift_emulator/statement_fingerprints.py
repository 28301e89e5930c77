"""Plans of statements that differ in their literals alone. Pure.

A statement's shape is its text with every literal taken out. What becomes of a SELECT, INSERT, UPDATE, DELETE or MERGE does not
depend on the values in it, so the plan of one text serves for every text of its shape, and most statements are never read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from redshift_emulator.errors import SqlError
from redshift_emulator.steps import Do, Step
from redshift_emulator.wire import raw

# A quoted name (kept), a string, a number: its first digit first, so that the search runs at full speed, then a look at what
# stands before it.
_LITERAL = re.compile(
    rb"""("[^"]*")|'[^'\\]*+(?:''[^'\\]*+)*+'()|[0-9](?<![\w$.\x80-\xff][0-9])[0-9]*(?:\.[0-9]+)?"""
)
# Comments, escapes, dollar quotes. What the pattern takes for a string holds no backslash, so the first of them is in the shape.
_UNCLEAR = re.compile(rb"[\\$]|--|/\*")
# What depends on a value: `WHERE 1`, which Redshift reads as true.
_TOLD_BY_VALUE = re.compile(rb"\bwhere\s*\Z", re.IGNORECASE)
_HEAD = re.compile(rb"\s*(?:select|insert|update|delete|merge|with)\b", re.IGNORECASE)

Shape = tuple[bytes | None, ...]
Plan = Callable[[bytes], Sequence[Step]]


def shape_of(text: bytes) -> Shape:
    """What stands between the literals, and for each two values between: (a quoted name, None), (None, b"") for a string,
    (None, None) for a number."""
    return tuple(_LITERAL.split(text))


def _is_clear(shape: Shape) -> bool:
    """Whether literals can be told apart at a glance, and none decides what becomes of the statement."""
    if any(part and _UNCLEAR.search(part) for part in shape):
        return False
    return not any(
        name is None and _TOLD_BY_VALUE.search(part or b"")
        for part, name in zip(shape[::3], shape[1::3], strict=False)
    )


class Template(NamedTuple):
    """The plan of a shape: its step, and what stands around the literals (nothing when a text is sent as it came)."""

    step: Step
    around: tuple[bytes, ...]

    def fill(self, text: bytes) -> bytes:
        """What PostgreSQL is told in place of a text of this shape."""
        return _interleave(self.around, _literals(text)) if self.around else text


def template_of(text: bytes, plan: Plan) -> Template | None:
    """The template of a text's shape, found by planning it; None when a value may matter. `plan` plans a text."""
    if not _HEAD.match(text) or not _is_clear(shape_of(text)):
        return None
    step = _single(plan, text)
    if step is None or raw(step.sql) == text:
        return step and Template(step, ())
    # Literals that occur nowhere else show where PostgreSQL's text has them.
    probes = [
        b"'~%d~'" % place if literal[:1] == b"'" else b"7%09d7" % place
        for place, literal in enumerate(_literals(text))
    ]
    probed = _single(plan, _interleave(_around(text), probes))
    if probed is None or probed._replace(sql="") != step._replace(sql=""):
        return None
    around = _cut(raw(probed.sql), probes)
    return Template(step, around) if around else None


def _single(plan: Plan, text: bytes) -> Step | None:
    """The one step of a text, when PostgreSQL answers it and nothing in it is peculiar."""
    try:
        steps = plan(text)
    except SqlError:
        return None
    return (
        steps[0]
        if len(steps) == 1 and steps[0].do is Do.RELAY and not steps[0].long_names
        else None
    )


def _literals(text: bytes) -> list[bytes]:
    return [found[0] for found in _LITERAL.finditer(text) if not found[1]]


def _around(text: bytes) -> list[bytes]:
    parts, position = [], 0
    for found in _LITERAL.finditer(text):
        if not found[1]:
            parts.append(text[position : found.start()])
            position = found.end()
    return [*parts, text[position:]]


def _cut(text: bytes, probes: Sequence[bytes]) -> tuple[bytes, ...]:
    """The text around the probes; nothing unless each occurs once, in this order."""
    parts = []
    for probe in probes:
        before, found, text = text.partition(probe)
        if not found or probe in text:
            return ()
        parts.append(before)
    return (*parts, text)


def _interleave(around: Sequence[bytes], literals: Sequence[bytes]) -> bytes:
    pairs = zip(around, literals, strict=False)
    return b"".join([part for pair in pairs for part in pair]) + around[-1]
