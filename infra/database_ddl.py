"""CREATE DATABASE, compiled by the Redshift dialect: for the databases beyond the warehouse's first one."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy_redshift.dialect import RedshiftDialect


class CreateDatabase(ExecutableDDLElement):
    """CREATE DATABASE of a name; the owner is the administrator who runs it."""

    inherit_cache = False

    def __init__(self, name: str) -> None:
        self.name = name


@compiles(CreateDatabase)
def _create_database(element: CreateDatabase, compiler: DDLCompiler, **_: Any) -> str:
    return f"CREATE DATABASE {compiler.preparer.quote(element.name)}"


def render_create_database(name: str) -> str:
    """The statement's text, the name quoted where the dialect asks for it."""
    return str(CreateDatabase(name).compile(dialect=RedshiftDialect()))
