"""A query string becomes steps. What was planned once is remembered, by text and by shape. Pure."""

from __future__ import annotations

from local.redshift.lexer import Kind, Token, statements, tokenize
from local.redshift.plans import plan_long_insert, plan_statement
from local.redshift.refusals import refusal
from local.redshift.rewrite import SESSION_FUNCTIONS, SessionValues
from local.redshift.shapes import Template, shape_of, template_of
from local.redshift.statement import Statement
from local.redshift.steps import Step

CACHED_LENGTH = 4_000
CACHED_PLANS = 5_000
MAX_STATEMENT_BYTES = 16_777_216


class Planner:
    """Plans query strings; remembers the plans of short ones, by their text and by their shape. Shared by all sessions."""

    def __init__(self) -> None:
        self._plans: dict[tuple[bool, str], list[Step]] = {}
        self._templates: dict[tuple[bool, str], Template] = {}

    def plan(self, sql: str, values: SessionValues) -> list[Step]:
        """The steps of a query string, none for an empty one. SqlError for what Redshift refuses."""
        key = (values.keep_case, sql)
        known = self._plans.get(key)
        if known is not None:
            return known
        if len(sql) > CACHED_LENGTH:
            return _plan_long(sql, values)
        shape = shape_of(sql)
        template = self._templates.get((values.keep_case, shape)) if shape else None
        if template is not None:
            return [template.fill(sql)]
        tokens = tokenize(sql)
        steps = _plan_tokens(sql, tokens, values)
        if not any(token.value in SESSION_FUNCTIONS for token in tokens):
            self._remember(key, shape, tokens, steps)
        return steps

    def _remember(self, key: tuple[bool, str], shape: str | None, tokens: list[Token], steps: list[Step]) -> None:
        if len(self._plans) + len(self._templates) >= CACHED_PLANS:
            self._plans.clear()
            self._templates.clear()
        keep_case, sql = key
        values = SessionValues(keep_case=keep_case)
        template = template_of(sql, shape, lambda text: _plan_text(text, values)) if shape else None
        if shape and template:
            self._templates[keep_case, shape] = template
        elif sum(token.kind in (Kind.STRING, Kind.NUMBER) for token in tokens) < 2:
            self._plans[key] = steps


def _plan_text(sql: str, values: SessionValues) -> list[Step]:
    return _plan_tokens(sql, tokenize(sql), values)


def _plan_tokens(sql: str, tokens: list[Token], values: SessionValues) -> list[Step]:
    return [plan_statement(Statement(sql, part, values)) for part in statements(tokens)]


def _plan_long(sql: str, values: SessionValues) -> list[Step]:
    if (
        len(sql) > MAX_STATEMENT_BYTES // 4
        and (size := len(sql.encode("utf-8", "surrogateescape"))) > MAX_STATEMENT_BYTES
    ):
        raise refusal("statement size", size=size)
    insert = plan_long_insert(sql, values)
    return [insert] if insert else _plan_text(sql, values)
