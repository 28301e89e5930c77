"""What a statement becomes: one step, which the session carries out."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from redshift_emulator.ddl.alter import Alter


class Do(Enum):
    """How a step is carried out."""

    RELAY = auto()  # PostgreSQL answers the client
    SET = auto()  # the same, and the setting outlives a restart of the block
    BEGIN = auto()  # the same, and a block begins
    END = auto()  # the same, and a block ends
    HIDDEN = auto()  # PostgreSQL runs it, the client gets the tag alone
    TRUNCATE = auto()  # the same, and the block is committed
    LOCK = auto()  # allowed outside of a block, too
    ALTER = auto()  # see ddl.run_alter
    COPY = auto()  # see redshift_emulator.copy


class Step(NamedTuple):
    """One statement, planned. `sql` is what PostgreSQL is told, `tag` what the client is told instead of PostgreSQL's tag.

    alone        the command's name, when Redshift runs it only outside of a block
    light        reads catalogs and leader-node functions at most: takes no snapshot on Redshift
    sets_case    may change enable_case_sensitive_identifier
    long_names   names over 63 bytes that occur in it
    writes       the table it writes to, as SQL: other writers have to wait
    """

    do: Do
    sql: str
    tag: str = ""
    alone: str = ""
    light: bool = False
    change: Alter | None = None
    sets_case: bool = False
    long_names: frozenset[str] = frozenset()
    writes: str = ""
