"""Turn a query string into steps. Plans are cached by text and by fingerprint. Pure.

A statement's first word decides how it is planned (`_PLANS`). Without an entry it is checked for
refusals, edited word by word and forwarded.
"""

from __future__ import annotations

from collections.abc import Callable

from redshift_emulator import plan_commands as commands
from redshift_emulator import plan_queries as queries
from redshift_emulator.lexer import Kind, Token, statements, tokenize
from redshift_emulator.plan_permissions import plan_grant
from redshift_emulator.plan_show import plan_show
from redshift_emulator.refusals import check_refusals, refusal
from redshift_emulator.relations import relations
from redshift_emulator.restructure import restructured
from redshift_emulator.rewrite import SESSION_FUNCTIONS, SessionValues
from redshift_emulator.session_settings import plan_reset, plan_set
from redshift_emulator.statement import Statement
from redshift_emulator.statement_fingerprints import (
    Fingerprint,
    Template,
    fingerprint_of,
    make_template,
)
from redshift_emulator.step import Step
from redshift_emulator.wire import cooked

MAX_CACHED_LENGTH = 4_000
MAX_CACHED_PLANS = 5_000
MAX_STATEMENT_BYTES = 16_777_216

_PLANS: dict[str, Callable[[Statement], Step]] = {
    "select": queries.plan_select,
    "with": queries.plan_with,
    "(": queries.plan_select,
    "insert": queries.plan_write,
    "update": queries.plan_write,
    "delete": queries.plan_delete,
    "merge": queries.plan_merge,
    "explain": queries.plan_explain,
    "begin": commands.plan_begin,
    "start": commands.plan_begin,
    "commit": commands.plan_end,
    "end": commands.plan_end,
    "rollback": commands.plan_end,
    "abort": commands.plan_end,
    "create": commands.plan_create,
    "drop": commands.plan_drop,
    "alter": commands.plan_alter,
    "truncate": commands.plan_truncate,
    "lock": commands.plan_lock,
    "copy": commands.plan_copy,
    "unload": commands.plan_unload,
    "vacuum": commands.plan_vacuum,
    "analyze": commands.plan_analyze,
    "analyse": commands.plan_analyze,
    "cancel": commands.plan_cancel,
    "set": plan_set,
    "reset": plan_reset,
    "show": plan_show,
    "grant": plan_grant,
    "revoke": plan_grant,
}
# Commands that may read a view WITH NO SCHEMA BINDING, which then has to be bound.
_READERS = frozenset({"select", "with", "(", "insert", "update", "delete", "create", "explain"})


class Planner:
    """Plans query strings and caches the plans of short ones. Shared by all sessions.

    The caches keep the cost of a small statement at about 100 microseconds. Without templates an
    INSERT of one row takes three times the CPU time; without the plans by text BEGIN, COMMIT, SET
    and SHOW take 1.6 to 2 times.
    """

    def __init__(self) -> None:
        self._plans: dict[tuple[bool, bytes], list[Step]] = {}
        self._templates: dict[bool, dict[Fingerprint, Template]] = {False: {}, True: {}}

    def template_for(self, text: bytes, values: SessionValues) -> Template | None:
        """Return the cached plan of a statement that differed only in its literals; None if there is none."""
        return (
            self._templates[values.keep_case].get(fingerprint_of(text))
            if len(text) <= MAX_CACHED_LENGTH
            else None
        )

    def plan(self, text: bytes, values: SessionValues) -> list[Step]:
        """Return the steps of a query string, none for an empty one.

        SqlError for what Redshift refuses.
        """
        key = (values.keep_case, text)
        cached = self._plans.get(key)
        if cached is not None:
            return cached
        if len(text) > MAX_CACHED_LENGTH:
            return _plan_long(text, values)
        template = self.template_for(text, values)
        if template is not None:
            return [template.step._replace(sql=cooked(template.fill(text)))]
        sql = cooked(text)
        tokens = tokenize(sql)
        steps = _plan_tokens(sql, tokens, values)
        if not any(token.value in SESSION_FUNCTIONS for token in tokens):
            self._cache(key, tokens, steps)
        return steps

    def _cache(self, key: tuple[bool, bytes], tokens: list[Token], steps: list[Step]) -> None:
        keep_case, text = key
        templates = self._templates[keep_case]
        if len(self._plans) + len(templates) >= MAX_CACHED_PLANS:
            self._plans.clear()
            templates.clear()
        values = SessionValues(keep_case=keep_case)
        template = make_template(text, lambda other: _plan_text(cooked(other), values))
        if template:
            templates[fingerprint_of(text)] = template
        elif sum(token.kind in (Kind.STRING, Kind.NUMBER) for token in tokens) < 2:
            self._plans[key] = steps


def plan_statement(statement: Statement) -> Step:
    """Return the step of one statement. SqlError for what Redshift refuses."""
    check_refusals(statement.tokens, statement.words)
    changed = restructured(statement.source[statement.start : statement.end], statement.words)
    if changed != statement.source[statement.start : statement.end]:
        statement = Statement(changed, tokenize(changed), statement.values, statement.text)
    step = _PLANS.get(statement.words[0], queries.forward)(statement)
    if statement.words[0] in _READERS and not step.late_view:
        reads = frozenset(name[-1] for name in relations(statement.tokens))
        step = step._replace(reads=reads)
    return step


def _plan_text(sql: str, values: SessionValues) -> list[Step]:
    return _plan_tokens(sql, tokenize(sql), values)


def _plan_tokens(sql: str, tokens: list[Token], values: SessionValues) -> list[Step]:
    return [plan_statement(Statement(sql, part, values)) for part in statements(tokens)]


def _plan_long(text: bytes, values: SessionValues) -> list[Step]:
    if len(text) > MAX_STATEMENT_BYTES:
        raise refusal("statement size", size=len(text))
    sql = cooked(text)
    insert = queries.plan_long_insert(sql, values)
    return [insert] if insert else _plan_text(sql, values)
