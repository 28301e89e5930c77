"""A planned statement: one step, which the session executes."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from redshift_emulator.ddl.alter import Alter


class Action(Enum):
    """How a step is executed."""

    FORWARD = auto()  # PostgreSQL answers the client
    SET = auto()  # like FORWARD; repeated when the transaction block is restarted
    BEGIN = auto()  # like FORWARD; begins a block
    END = auto()  # like FORWARD; ends a block
    RUN = auto()  # PostgreSQL runs it; the client gets only the command tag
    TRUNCATE = auto()  # like RUN; then the block is committed
    LOCK = auto()  # like RUN; also allowed outside a block
    VACUUM = auto()  # like RUN; one at a time
    ALTER = auto()  # see ddl.run_alter
    COPY = auto()  # see redshift_emulator.copy
    UNLOAD = auto()  # see redshift_emulator.unload


class Step(NamedTuple):
    """One planned statement. `sql` is sent to PostgreSQL; `tag` replaces PostgreSQL's command tag.

    autocommit_only   the command's name, if Redshift runs it only outside a block; else ""
    catalog_only      reads only catalogs and leader-node functions: Redshift takes no snapshot
    sets_case         may change enable_case_sensitive_identifier
    long_names        the names over 63 bytes that occur in it
    writes            the table it writes to, as SQL: other writers of the table have to wait
    fallback          the statement before its edits, if it may use lateral column aliases
    late_view         the view WITH NO SCHEMA BINDING that it creates
    reads             the names of the tables and views that it reads
    """

    action: Action
    sql: str
    tag: str = ""
    autocommit_only: str = ""
    catalog_only: bool = False
    change: Alter | None = None
    sets_case: bool = False
    long_names: frozenset[str] = frozenset()
    writes: str = ""
    fallback: str = ""
    late_view: str = ""
    reads: frozenset[str] = frozenset()
