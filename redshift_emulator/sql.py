"""Small pieces of SQL text of our own making, for the connection to PostgreSQL. Values become literals, names are quoted."""

from __future__ import annotations

from redshift_emulator.lexer import quote_literal, quote_name


def call(function: str, *arguments: object) -> str:
    """SELECT of a function; texts and numbers become literals, None NULL."""
    return "SELECT " + function + "(" + ", ".join(_literal(value) for value in arguments) + ")"


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else quote_literal(str(value))


def qualified(*parts: str) -> str:
    """A name with its qualifiers, quoted."""
    return ".".join(quote_name(part) for part in parts)


def together(*statements: str) -> str:
    """Several statements as one string, which PostgreSQL runs as one transaction."""
    return "; ".join(statement for statement in statements if statement)
