"""Redshift's catalog on top of PostgreSQL's: installed into template1, and updated in databases
with an older version.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from redshift_emulator.backend import Backend
from redshift_emulator.catalog.system_views import empty_views
from redshift_emulator.lexer import quote_literal

_FILES = (
    "tables.sql", "types.sql", "functions.sql", "expressions.sql", "operators.sql", "late_views.sql",
    "views.sql", "privileges.sql", "show.sql",
)  # fmt: skip


def catalog_sql() -> str:
    """Return the catalog as one script."""
    folder = Path(__file__).parent
    scripts = [(folder / name).read_text("utf-8") for name in _FILES]
    return "\n".join([*scripts, *empty_views((folder / "system_views.txt").read_text("utf-8"))])


def install_catalog(backend: Backend) -> None:
    """Install the catalog in the connection's database, unless it has this version already.

    Raises BackendError when a statement fails; nothing is changed then.
    """
    script = catalog_sql()
    digest = hashlib.sha256(script.encode()).hexdigest()
    installed = backend.query(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'pg_rs'"
    )
    if installed == [(digest,)]:
        return
    # The script assumes standard_conforming_strings. The transaction makes the update all or nothing.
    settings = "SET LOCAL allow_system_table_mods = on; SET LOCAL standard_conforming_strings = on;"
    comment = "COMMENT ON SCHEMA pg_rs IS " + quote_literal(digest)
    backend.query("BEGIN; " + settings)
    try:
        backend.query(script + comment)
    finally:
        backend.query("COMMIT" if backend.status == b"T" else "ROLLBACK")
