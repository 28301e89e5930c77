"""What one transaction copies: the upload's own file, the appends that a late truncate loads again behind itself, and members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from etl_core.loading.copy_group import Part, open_row
from etl_core.loading.data_file import DataFile, count_rows, in_threads, shape_of
from etl_core.loading.ledger import LedgerRow, Proceed, appends_since
from etl_core.loading.ledger_lock import Found
from etl_core.loading.load_context import LoadContext
from etl_core.loading.micro_batch import MAX_FILE_BYTES, BatchMember, choose_members, open_members
from etl_core.loading.ordering import PendingSchemaFile
from etl_core.model.errors import RejectedError

_MAX_ROUNDS = 3


@dataclass(frozen=True)
class CopyStrategy:
    """How an attempt is made. `pin`: from copies that nobody overwrites; `alone`: a COPY for each file, and no members.

    `left_out`: members that could not go along, found in so many `rounds`.
    """

    pin: bool = False
    alone: bool = False
    left_out: frozenset[str] = frozenset()
    rounds: int = 0

    def without(self, *upload_ids: str) -> CopyStrategy:
        """The same without these members; without any when too many rounds were needed."""
        rounds = self.rounds + 1
        left_out = self.left_out.union(upload_ids)
        return replace(
            self, left_out=left_out, rounds=rounds, alone=self.alone or rounds > _MAX_ROUNDS
        )


class RetryCopyError(Exception):
    """The transaction is to be made again in another strategy; leaves it without a trace."""

    def __init__(self, strategy: CopyStrategy) -> None:
        super().__init__()
        self.strategy = strategy


@dataclass(frozen=True)
class CopyBatch:
    """The parts in order, `own` first."""

    own: Part
    later: Sequence[Part]
    members: Sequence[BatchMember]

    @property
    def parts(self) -> list[Part]:
        """All of them."""
        return [self.own, *self.later, *(member.part for member in self.members)]

    def is_member(self, part: Part) -> bool:
        """Whether the part is somebody else's, and may as well be left out."""
        return any(part is member.part for member in self.members)


def gather_copy_batch(
    load: LoadContext,
    file: DataFile,
    found: Found,
    decision: Proceed,
    schema_files: Sequence[PendingSchemaFile],
    strategy: CopyStrategy,
) -> CopyBatch:
    """The batch of a load that may proceed. Raises RejectedError naming the file that cannot be loaded."""
    own = Part(file, shape_of(file, decision.history), None)
    rows = appends_since(found.rows, load.upload, load.key.action)
    later = in_threads(lambda row: _open_again(load, row, found.rows, strategy), rows)
    members: list[BatchMember] = []
    if not strategy.alone and file.version.size <= MAX_FILE_BYTES:
        chosen = choose_members(load, found, decision.history, schema_files, strategy.left_out)
        members = open_members(load, chosen, decision.history)
        if later or members:
            own = replace(own, rows=count_rows(file, own.shape))
    return CopyBatch(own, later, members)


def _open_again(
    load: LoadContext, row: LedgerRow, rows: Sequence[LedgerRow], strategy: CopyStrategy
) -> Part:
    """An append that was loaded before this truncate, though it landed after it: it is loaded again, behind the truncate."""
    try:
        part = open_row(load.ports.store, load.upload.bucket, row, rows, pin=strategy.pin)
        return replace(part, rows=None) if strategy.alone else part
    except RejectedError as error:
        raise type(error)(name_file(load, row.s3_key, error.message), error.details) from None


def name_file(load: LoadContext, key: str, message: str) -> str:
    """The message, with the file it is about where that is not the upload itself."""
    if key == load.upload.key:
        return message
    return f"{key!r}, which landed after this {load.key.action} and is loaded again behind it: {message}"
