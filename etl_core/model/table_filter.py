"""Which tables a stack serves, as patterns of `database.schema.table`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from etl_core.model.errors import TableNotServedError
from etl_core.model.messages import TABLE_NOT_SERVED
from etl_core.model.table_ref import TableRef

PATTERN = r"^[a-z0-9_*?]+(\.[a-z0-9_*?]+){2}$"
"""Three patterns: `*` stands for any characters of one name, `?` for one character."""
_PATTERN = re.compile(PATTERN)
_SHOWN = 5


class PatternError(ValueError):
    """A pattern has another form. The text is the pattern."""


@dataclass(frozen=True)
class TableFilter:
    """Patterns of the tables that the stack serves. Without patterns it serves every table."""

    patterns: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> TableFilter:
        """Read patterns separated by commas. Raises PatternError for one that is none."""
        patterns = tuple(part.strip() for part in text.split(",") if part.strip())
        for pattern in patterns:
            if not _PATTERN.fullmatch(pattern):
                raise PatternError(pattern)
        return cls(patterns)

    def __str__(self) -> str:
        return ",".join(self.patterns)

    def serves(self, table: TableRef) -> bool:
        """Return whether a pattern matches each part of the table's name, or there is no pattern."""
        names = (table.database, table.schema, table.name)
        return not self.patterns or any(_matches(pattern, names) for pattern in self.patterns)

    def check(self, table: TableRef) -> None:
        """Raises TableNotServedError for a table that the stack does not serve."""
        if not self.serves(table):
            more = ", ..." if len(self.patterns) > _SHOWN else ""
            raise TableNotServedError(
                TABLE_NOT_SERVED(
                    table=f"{table.database}.{table}",
                    patterns=", ".join(self.patterns[:_SHOWN]) + more,
                )
            )


EVERY_TABLE = TableFilter()


def _matches(pattern: str, names: tuple[str, ...]) -> bool:
    return all(
        fnmatchcase(name, part) for name, part in zip(names, pattern.split("."), strict=True)
    )
