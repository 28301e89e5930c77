"""Redshift's catalog over PostgreSQL's: installed into template1, brought up to date in databases that have an older one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from redshift_emulator.backend import Backend
from redshift_emulator.lexer import quote_literal

_FILES = ("tables.sql", "functions.sql", "views.sql")


def catalog_sql() -> str:
    """The catalog as one script."""
    folder = Path(__file__).parent
    return "\n".join((folder / name).read_text("utf-8") for name in _FILES)


def install_catalog(backend: Backend) -> None:
    """Puts the catalog into the database this connection is in, unless this very version is there already.
    BackendError when a statement of the catalog fails; nothing is changed then."""
    script = catalog_sql()
    digest = hashlib.sha256(script.encode()).hexdigest()
    present = backend.query(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'pg_rs'"
    )
    if present == [(digest,)]:
        return
    # The script is written for standard strings; one query is one transaction.
    settings = "SET LOCAL allow_system_table_mods = on; SET LOCAL standard_conforming_strings = on;"
    comment = "COMMENT ON SCHEMA pg_rs IS " + quote_literal(digest)
    backend.query("BEGIN; " + settings)
    try:
        backend.query(script + comment)
    finally:
        backend.query("COMMIT" if backend.status == b"T" else "ROLLBACK")
