"""Plans for statements that differ only in their literals. Pure.

The fingerprint of a statement is its text without the literals. The plan of a SELECT, INSERT,
UPDATE, DELETE or MERGE does not depend on the values in it, so one plan serves all texts with the
same fingerprint. Most statements are therefore never tokenized.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from redshift_emulator.errors import SqlError
from redshift_emulator.step import Action, Step
from redshift_emulator.wire import raw

# A quoted name (which stays), a string, or a number. A number is matched by its first digit, and
# the character before it is checked afterwards, so that the search runs at full speed.
_LITERAL = re.compile(
    rb"""("[^"]*")|'[^'\\]*+(?:''[^'\\]*+)*+'()|[0-9](?<![\w$.\x80-\xff][0-9])[0-9]*(?:\.[0-9]+)?"""
)
# Comments, escapes, dollar quotes. A string that the pattern matches contains no backslash, so the
# fingerprint contains it.
_UNCLEAR = re.compile(rb"[\\$]|--|/\*")
# Here the plan depends on the value: Redshift reads `WHERE 1` as true.
_BEFORE_DECIDING_VALUE = re.compile(rb"\bwhere\s*\Z", re.IGNORECASE)
_HEAD = re.compile(rb"\s*(?:select|insert|update|delete|merge|with)\b", re.IGNORECASE)

Fingerprint = tuple[bytes | None, ...]
Plan = Callable[[bytes], Sequence[Step]]


def fingerprint_of(text: bytes) -> Fingerprint:
    """Return the text between the literals, and for each literal or quoted name two values in between.

    These are (the name, None) for a quoted name, (None, b"") for a string, (None, None) for a
    number.
    """
    return tuple(_LITERAL.split(text))


def _is_clear(fingerprint: Fingerprint) -> bool:
    """Whether the literals are recognised with certainty and the plan does not depend on them."""
    if any(part and _UNCLEAR.search(part) for part in fingerprint):
        return False
    return not any(
        name is None and _BEFORE_DECIDING_VALUE.search(part or b"")
        for part, name in zip(fingerprint[::3], fingerprint[1::3], strict=False)
    )


class Template(NamedTuple):
    """The plan of a fingerprint: its step, and the text around the literals (empty if texts are sent unchanged)."""

    step: Step
    around: tuple[bytes, ...]

    def fill(self, text: bytes) -> bytes:
        """Return what PostgreSQL gets for a text with this fingerprint."""
        return _interleave(self.around, _literals(text)) if self.around else text


def make_template(text: bytes, plan: Plan) -> Template | None:
    """Return the template of a text's fingerprint; None if the plan may depend on a value.

    `plan` plans a text.
    """
    if not _HEAD.match(text) or not _is_clear(fingerprint_of(text)):
        return None
    step = _single_step(plan, text)
    if step is None or raw(step.sql) == text:
        return step and Template(step, ())
    # Plan a text with literals that occur nowhere else: they show where PostgreSQL's text contains
    # the literals.
    probes = [
        b"'~%d~'" % place if literal[:1] == b"'" else b"7%09d7" % place
        for place, literal in enumerate(_literals(text))
    ]
    probed = _single_step(plan, _interleave(_around(text), probes))
    if probed is None or probed._replace(sql="") != step._replace(sql=""):
        return None
    around = _cut(raw(probed.sql), probes)
    return Template(step, around) if around else None


def _single_step(plan: Plan, text: bytes) -> Step | None:
    """Return the only step of a text, if it is a FORWARD step without long names and a second form."""
    try:
        steps = plan(text)
    except SqlError:
        return None
    if len(steps) != 1 or steps[0].action is not Action.FORWARD:
        return None
    return None if steps[0].long_names or steps[0].fallback else steps[0]


def _literals(text: bytes) -> list[bytes]:
    return [match[0] for match in _LITERAL.finditer(text) if not match[1]]


def _around(text: bytes) -> list[bytes]:
    parts, position = [], 0
    for match in _LITERAL.finditer(text):
        if not match[1]:
            parts.append(text[position : match.start()])
            position = match.end()
    return [*parts, text[position:]]


def _cut(text: bytes, probes: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the text around the probes; empty unless each occurs exactly once, in this order."""
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
