"""Where a statement casts: `x::type` and CAST(x AS type). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from local.redshift.lexer import Kind, Token


def cast_types(tokens: Sequence[Token]) -> Iterator[int]:
    """The places at which the types of casts begin (which may be the end of the tokens)."""
    casts = [False]
    for place, token in enumerate(tokens):
        if token.kind is Kind.SYMBOL:
            if token.value == "::":
                yield place + 1
            elif token.value == "(":
                casts.append(place > 0 and tokens[place - 1].value in ("cast", "try_cast"))
            elif token.value == ")" and len(casts) > 1:
                casts.pop()
        elif token.value == "as" and casts[-1]:
            yield place + 1
