"""A query string becomes steps. What was planned once is remembered, by text and by shape. Pure."""

from __future__ import annotations

from redshift_emulator.lexer import Kind, Token, statements, tokenize
from redshift_emulator.plans import plan_long_insert, plan_statement
from redshift_emulator.refusals import refusal
from redshift_emulator.rewrite import SESSION_FUNCTIONS, SessionValues
from redshift_emulator.statement import Statement
from redshift_emulator.statement_fingerprints import Shape, Template, shape_of, template_of
from redshift_emulator.steps import Step
from redshift_emulator.wire import cooked

CACHED_LENGTH = 4_000
CACHED_PLANS = 5_000
MAX_STATEMENT_BYTES = 16_777_216


class Planner:
    """Plans query strings; remembers the plans of short ones, by their text and by their shape. Shared by all sessions."""

    def __init__(self) -> None:
        self._plans: dict[tuple[bool, bytes], list[Step]] = {}
        self._templates: dict[bool, dict[Shape, Template]] = {False: {}, True: {}}

    def remembered(self, text: bytes, values: SessionValues) -> Template | None:
        """The plan of an earlier statement that differed from this one in its literals alone, if there was one."""
        return (
            self._templates[values.keep_case].get(shape_of(text))
            if len(text) <= CACHED_LENGTH
            else None
        )

    def plan(self, text: bytes, values: SessionValues) -> list[Step]:
        """The steps of a query string, none for an empty one. SqlError for what Redshift refuses."""
        key = (values.keep_case, text)
        known = self._plans.get(key)
        if known is not None:
            return known
        if len(text) > CACHED_LENGTH:
            return _plan_long(text, values)
        template = self.remembered(text, values)
        if template is not None:
            return [template.step._replace(sql=cooked(template.fill(text)))]
        sql = cooked(text)
        tokens = tokenize(sql)
        steps = _plan_tokens(sql, tokens, values)
        if not any(token.value in SESSION_FUNCTIONS for token in tokens):
            self._remember(key, tokens, steps)
        return steps

    def _remember(self, key: tuple[bool, bytes], tokens: list[Token], steps: list[Step]) -> None:
        keep_case, text = key
        templates = self._templates[keep_case]
        if len(self._plans) + len(templates) >= CACHED_PLANS:
            self._plans.clear()
            templates.clear()
        values = SessionValues(keep_case=keep_case)
        template = template_of(text, lambda other: _plan_text(cooked(other), values))
        if template:
            templates[shape_of(text)] = template
        elif sum(token.kind in (Kind.STRING, Kind.NUMBER) for token in tokens) < 2:
            self._plans[key] = steps


def _plan_text(sql: str, values: SessionValues) -> list[Step]:
    return _plan_tokens(sql, tokenize(sql), values)


def _plan_tokens(sql: str, tokens: list[Token], values: SessionValues) -> list[Step]:
    return [plan_statement(Statement(sql, part, values)) for part in statements(tokens)]


def _plan_long(text: bytes, values: SessionValues) -> list[Step]:
    if len(text) > MAX_STATEMENT_BYTES:
        raise refusal("statement size", size=len(text))
    sql = cooked(text)
    insert = plan_long_insert(sql, values)
    return [insert] if insert else _plan_text(sql, values)
