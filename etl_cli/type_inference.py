"""Infers the columns of a schema file from the values of CSV files. Pure. Memory use does not grow with the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from etl_cli.inferred_names import InferredName
from etl_cli.terminal import to_json
from etl_cli.value_kinds import ValueKinds
from etl_core.csv_files.rows import CsvRow
from etl_core.csv_files.values import DEFAULT_NULL, size_of
from etl_core.model.errors import InvalidDataFileError
from etl_core.schema_files.schema_file import CsvOptions

_MAX_KEPT, _MAX_KEPT_LENGTH = 20_000, 64
_MAX_VARCHAR, _MIN_VARCHAR = 65535, 32
_NULL_WORDS = frozenset(
    {"na", "n/a", "#n/a", "<na>", "null", "none", "nan", "nil", "-", "?", ".", "\\n"}
)


@dataclass(frozen=True)
class Guess:
    """The inferred column. `hints` are things that a person should check.

    `null_words` are texts that may mean NULL; the column would be `type_without` if they did.
    """

    name: InferredName
    type: str
    nullable: bool
    hints: tuple[str, ...] = ()
    null_words: tuple[str, ...] = ()
    type_without: str | None = None


@dataclass
class ColumnProfile:
    """Collects what is known of a column's values, and a limited number of the values themselves."""

    name: InferredName
    null_as: str
    tight: bool
    seen: set[str] = field(default_factory=set)
    kinds: ValueKinds = field(default_factory=ValueKinds)
    size: int = 0
    has_nulls: bool = False
    null_words: set[str] = field(default_factory=set)

    def add(self, value: str) -> None:
        """Add a value that is not in `seen`."""
        if len(value) <= _MAX_KEPT_LENGTH and len(self.seen) < _MAX_KEPT:
            self.seen.add(value)
        if value == self.null_as or not value.strip():
            self.has_nulls = True
            # Blanks are NULL in a number column, and a text in a text column.
            self.size = max(self.size, 0 if value == self.null_as else size_of(value))
            return
        self.size = max(self.size, size_of(value))
        if value.lower() in _NULL_WORDS:
            self.null_words.add(value)
            return
        self.kinds.add(value)

    def guess(self, *, sampled: bool) -> Guess:
        """Return the inferred column. A sample proves no column to be without NULLs."""
        kind = self.kinds.type(tight=self.tight)
        nullable = not self.tight or sampled or self.has_nulls or not self.size
        if kind is not None and not self.null_words:
            return Guess(self.name, kind, nullable)
        text = f"VARCHAR({self._length()})"
        words = tuple(sorted(self.null_words)) if kind is not None else ()
        return Guess(self.name, text, nullable, tuple(self._hints()), words, kind)

    def _length(self) -> int:
        """Return the length with room to grow, as a power of two. `tight`: half as much again, else twice."""
        if not self.size:
            return 256
        room = self.size + (self.size + 1) // 2 if self.tight else self.size * 2
        least = 4 if self.tight else _MIN_VARCHAR
        return min(_MAX_VARCHAR, max(least, 1 << (room - 1).bit_length()))

    def _hints(self) -> Iterator[str]:
        if not self.size:
            yield "has no values; its type is a guess"
        if not self.null_words and (note := self.kinds.note()) is not None:
            yield note
        if self.size > _MAX_VARCHAR:
            yield f"has a value of {self.size} bytes; VARCHAR holds {_MAX_VARCHAR} bytes, so the file cannot be loaded"


class Inference:
    """The columns of one or more files with the same columns."""

    def __init__(self, names: Sequence[InferredName], null_as: str | None, *, tight: bool) -> None:
        null_text = DEFAULT_NULL if null_as is None else null_as
        self._profiles = {each.name: ColumnProfile(each, null_text, tight) for each in names}

    def add_rows(self, rows: Iterable[CsvRow], columns: Sequence[str]) -> None:
        """Add the rows of a file. `columns`: the names of its columns, in its order.

        Raises InvalidDataFileError for a row that cannot be loaded.
        """
        profiles = [self._profiles[name] for name in columns]
        known = [profile.seen for profile in profiles]
        for line, fields, fault, _ in rows:
            if fault is not None:
                raise InvalidDataFileError(f"line {line}: {fault}")
            if len(fields) != len(profiles):
                if fields == [""]:
                    continue
                raise InvalidDataFileError(_wrong_count(line, len(fields), len(profiles)))
            for value, seen, profile in zip(fields, known, profiles, strict=True):
                if value not in seen:
                    _check_text(line, profile.name.name, value)
                    profile.add(value)

    def guesses(self, *, sampled: bool) -> list[Guess]:
        """Return columns that accept every value of the rows."""
        return [profile.guess(sampled=sampled) for profile in self._profiles.values()]


def _wrong_count(line: int, count: int, expected: int) -> str:
    fields = "1 field" if count == 1 else f"{count} fields"
    return f"line {line} has {fields}; the header has {expected}. Check the delimiter"


def notes_of(guesses: Sequence[Guess]) -> Iterator[str]:
    """Yield what a person should check, for all columns together."""
    for guess in guesses:
        for hint in guess.hints:
            yield f"column {guess.name.name!r} {hint}"
    by_words: dict[tuple[str, ...], list[Guess]] = {}
    for guess in guesses:
        if guess.null_words:
            by_words.setdefault(guess.null_words, []).append(guess)
    for words, columns in by_words.items():
        yield _null_note(words, columns)


def _null_note(words: tuple[str, ...], columns: list[Guess]) -> str:
    shown = [f"{each.name.name!r} ({each.type_without})" for each in columns[:5]]
    more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
    which = "1 column" if len(columns) == 1 else f"{len(columns)} columns"
    if len(words) == 1:
        with_option = f"with --null-as {words[0]}"
    else:
        with_option = f"without {', '.join(map(repr, words))} (--null-as accepts one text)"
    return f"{which} would not be a text {with_option}: {', '.join(shown)}{more}"


def render_schema_file(guesses: Sequence[Guess], options: CsvOptions) -> str:
    """Return the text of the schema file, one column in each line."""
    columns = ",\n".join(f"    {to_json(_column(guess), indent=None)}" for guess in guesses)
    csv = options.model_dump(mode="json", exclude_defaults=True)
    tail = f',\n  "csv": {to_json(csv, indent=None)}' if csv else ""
    return f'{{\n  "schema_version": "1",\n  "columns": [\n{columns}\n  ]{tail}\n}}\n'


def _column(guess: Guess) -> dict[str, Any]:
    header = {} if guess.name.header is None else {"header": guess.name.header}
    nullable = {} if guess.nullable else {"nullable": False}
    return {"name": guess.name.name} | header | {"type": guess.type} | nullable


def _check_text(line: int, name: str, value: str) -> None:
    if "\0" in value or (
        not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)
    ):
        what = "a NUL character" if "\0" in value else "bytes that are not valid UTF-8"
        raise InvalidDataFileError(
            f"line {line}, column {name!r} holds {what}, which Redshift cannot store; save the file as UTF-8"
        )
