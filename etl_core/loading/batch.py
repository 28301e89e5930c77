"""What one transaction copies: the upload's own file, the appends that a late truncate loads again behind itself, and companions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from etl_core.errors import RejectedError
from etl_core.ledger import LedgerRow, Proceed, appends_since
from etl_core.loading.attempt import Load
from etl_core.loading.companions import MAX_FILE_BYTES, Companion, choose_companions, open_companions
from etl_core.loading.copy_group import Part, open_row
from etl_core.loading.data_file import DataFile, count_rows, in_threads, shape_of
from etl_core.loading.earlier import OpenSchemaFile
from etl_core.loading.ledger_lock import Found

_MAX_ROUNDS = 3


@dataclass(frozen=True)
class Manner:
    """How an attempt is made. `pin`: from copies that nobody overwrites; `alone`: a COPY for each file, and no companions.

    `left_out`: companions that could not go along, found in so many `rounds`.
    """

    pin: bool = False
    alone: bool = False
    left_out: frozenset[str] = frozenset()
    rounds: int = 0

    def without(self, *upload_ids: str) -> Manner:
        """The same without these companions; without any when too many rounds were needed."""
        rounds = self.rounds + 1
        left_out = self.left_out.union(upload_ids)
        return replace(self, left_out=left_out, rounds=rounds, alone=self.alone or rounds > _MAX_ROUNDS)


class AgainError(Exception):
    """The transaction is to be made again in another manner; leaves it without a trace."""

    def __init__(self, manner: Manner) -> None:
        super().__init__()
        self.manner = manner


@dataclass(frozen=True)
class Batch:
    """The parts in order, `own` first."""

    own: Part
    later: Sequence[Part]
    companions: Sequence[Companion]

    @property
    def parts(self) -> list[Part]:
        """All of them."""
        return [self.own, *self.later, *(companion.part for companion in self.companions)]

    def is_companion(self, part: Part) -> bool:
        """Whether the part is somebody else's, and may as well be left out."""
        return any(part is companion.part for companion in self.companions)


def gather_batch(
    load: Load,
    file: DataFile,
    found: Found,
    decision: Proceed,
    schema_files: Sequence[OpenSchemaFile],
    manner: Manner,
) -> Batch:
    """The batch of a load that may proceed. Raises RejectedError naming the file that cannot be loaded."""
    own = Part(file, shape_of(file, decision.history), None)
    rows = appends_since(found.rows, load.upload, load.key.action)
    later = in_threads(lambda row: _open_again(load, row, found.rows, manner), rows)
    companions: list[Companion] = []
    if not manner.alone and file.version.size <= MAX_FILE_BYTES:
        chosen = choose_companions(load, found, decision.history, schema_files, manner.left_out)
        companions = open_companions(load, chosen, decision.history)
        if later or companions:
            own = replace(own, rows=count_rows(file, own.shape))
    return Batch(own, later, companions)


def _open_again(load: Load, row: LedgerRow, rows: Sequence[LedgerRow], manner: Manner) -> Part:
    """An append that was loaded before this truncate, though it landed after it: it is loaded again, behind the truncate."""
    try:
        part = open_row(load.ports.store, load.upload.bucket, row, rows, pin=manner.pin)
        return replace(part, rows=None) if manner.alone else part
    except RejectedError as error:
        raise type(error)(name_file(load, row.s3_key, error.message), error.details) from None


def name_file(load: Load, key: str, message: str) -> str:
    """The message, with the file it is about where that is not the upload itself."""
    if key == load.upload.key:
        return message
    return f"{key!r}, which landed after this {load.key.action} and is loaded again behind it: {message}"
