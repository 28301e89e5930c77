"""Plans of statements that differ in their literals alone. Pure.

A statement's shape is its text with every literal taken out. What becomes of a SELECT, INSERT, UPDATE, DELETE or MERGE does not
depend on the values in it, so the plan of one text serves for every text of its shape, and most statements are never read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from local.redshift.errors import SqlError
from local.redshift.steps import Do, Step

_STRING = re.compile(r"'[^']*+(?:''[^']*+)*+'")
# A digit first, so that the search runs at full speed; then a look at what stands before it.
_NUMBER = re.compile(r"[0-9](?<![\w$.][0-9])[0-9]*(?:\.[0-9]+)?")
_LITERAL = re.compile(r'("[^"]*")|' + _STRING.pattern + "|" + _NUMBER.pattern)
# What depends on a value: `WHERE 1`, which Redshift reads as true.
_TOLD_BY_VALUE = re.compile(r"\bwhere\s*\0", re.IGNORECASE)
_HEAD = re.compile(r"\s*(?:select|insert|update|delete|merge|with)\b", re.IGNORECASE)

Plan = Callable[[str], Sequence[Step]]


def shape_of(sql: str) -> str | None:
    """The text without its literals; None when they cannot be told apart at a glance (comments, escapes, dollar quotes)."""
    shape = _LITERAL.sub(_mark, sql) if '"' in sql else _NUMBER.sub("\0", _STRING.sub("'", sql))
    return None if "\\" in sql or "$" in shape or "--" in shape or "/*" in shape else shape


def _mark(found: re.Match[str]) -> str:
    return found[1] or ("'" if found[0][0] == "'" else "\0")


class Template(NamedTuple):
    """The plan of a shape: one step, and what stands around the literals (nothing when the text is sent as it came)."""

    step: Step
    around: tuple[str, ...]

    def fill(self, sql: str) -> Step:
        """The step of a text of this shape."""
        text = _interleave(self.around, _literals(sql)) if self.around else sql
        do, _, *rest = self.step
        return tuple.__new__(Step, (do, text, *rest))  # _replace() takes three times as long


def template_of(sql: str, shape: str, plan: Plan) -> Template | None:
    """The template of a shape, found by planning one text of it; None when a value may matter. `plan` plans a text."""
    if not _HEAD.match(sql) or _TOLD_BY_VALUE.search(shape):
        return None
    step = _single(plan, sql)
    if step is None or step.sql == sql:
        return step and Template(step, ())
    # Literals that occur nowhere else show where PostgreSQL's text has them.
    probes = [f"'~{place}~'" if text[0] == "'" else f"7{place:09}7" for place, text in enumerate(_literals(sql))]
    probed = _single(plan, _interleave(_around(sql), probes))
    if probed is None or probed._replace(sql="") != step._replace(sql=""):
        return None
    around = _cut(probed.sql, probes)
    return Template(step, around) if around else None


def _single(plan: Plan, sql: str) -> Step | None:
    """The one step of a text, when PostgreSQL answers it and nothing in it is peculiar."""
    try:
        steps = plan(sql)
    except SqlError:
        return None
    return steps[0] if len(steps) == 1 and steps[0].do is Do.RELAY and not steps[0].long_names else None


def _literals(sql: str) -> list[str]:
    return [found[0] for found in _LITERAL.finditer(sql) if not found[1]]


def _around(sql: str) -> list[str]:
    parts, position = [], 0
    for found in _LITERAL.finditer(sql):
        if not found[1]:
            parts.append(sql[position : found.start()])
            position = found.end()
    return [*parts, sql[position:]]


def _cut(text: str, probes: Sequence[str]) -> tuple[str, ...]:
    """The text around the probes; nothing unless each occurs once, in this order."""
    parts = []
    for probe in probes:
        before, found, text = text.partition(probe)
        if not found or probe in text:
            return ()
        parts.append(before)
    return (*parts, text)


def _interleave(around: Sequence[str], literals: Sequence[str]) -> str:
    pairs = zip(around, literals, strict=False)
    return "".join([part for pair in pairs for part in pair]) + around[-1]
