"""Most statements need no edit and no refusal, and a look at their words is enough to know. Pure.

`plan_quickly` may say None for any statement (then it is read in full); what it does plan, it plans as the full reading does.
"""

from __future__ import annotations

import re

from local.redshift.refusals import INNER_TRIGGERS
from local.redshift.relations import LEADER_FUNCTIONS, LEADER_WORDS
from local.redshift.rewrite import INTERESTING
from local.redshift.steps import Do, Step

_HEAD = re.compile(r"\s*+(?:select|insert\s++into|update|delete\s++from)\b")
# Quoted and temporary names, several statements, comments, casts, parameters, E'', names too long, the catalog.
_UNUSUAL = re.compile(
    r"""["\#;$\x00]|--|/\*|::|\be'|\w{60}|\b(?:pg_|svv_|svl_|stl_|stv_|svcs_|sys_|information_schema)
      |(?:\(|\bfrom|\bas)\s*values\b|\bis\s+(?:not\s+)?distinct\b|\bwhere\s+1\b""",
    re.VERBOSE | re.ASCII,
)
_WORDS = re.compile(r"[a-z_][a-z0-9_]*+")
# Words that may begin a shape or an edit. Very common ones are looked for in their context, above.
_IN_CONTEXT = frozenset({"values", "is", "where", "from", "as"})
_TELLING = (INNER_TRIGGERS | INTERESTING | LEADER_FUNCTIONS | LEADER_WORDS | {"set_config"}) - _IN_CONTEXT


def plan_quickly(sql: str) -> Step | None:
    """The step of a query string that is one plain SELECT, INSERT, UPDATE or DELETE; None when it may be more."""
    lower = sql.lower()
    if not sql.isascii() or not _HEAD.match(lower) or _UNUSUAL.search(lower):
        return None
    words = _WORDS.findall(lower)
    if not _TELLING.isdisjoint(words):
        return None
    if words[0] != "select":
        return Step(Do.RELAY, sql)
    return None if "into" in words else Step(Do.RELAY, sql, light="from" not in words)
