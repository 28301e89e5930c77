"""Build small pieces of SQL for PostgreSQL. Values become literals; names are quoted."""

from __future__ import annotations

from redshift_emulator.lexer import quote_literal, quote_name


def call(function: str, *arguments: object) -> str:
    """Return a SELECT that calls a function.

    Texts and numbers become literals; None becomes NULL.
    """
    return "SELECT " + function + "(" + ", ".join(_literal(value) for value in arguments) + ")"


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else quote_literal(str(value))


def qualified(*parts: str) -> str:
    """Return a name with its qualifiers, quoted."""
    return ".".join(quote_name(part) for part in parts)


def join_statements(*statements: str) -> str:
    """Join statements into one query string, which PostgreSQL runs as one transaction.

    Empty ones are left out.
    """
    return "; ".join(statement for statement in statements if statement)
