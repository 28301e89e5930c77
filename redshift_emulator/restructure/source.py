"""A statement as text and tokens, and the ways to take parts of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redshift_emulator.lexer import Kind, Token, identifier, is_name, tokenize
from redshift_emulator.refusals import is_name_of, refusal

_WORDS = (Kind.WORD, Kind.SYMBOL)


@dataclass(frozen=True)
class Source:
    """One statement. `words` are the values of words and symbols; "" for literals, quoted names and numbers."""

    sql: str
    tokens: Sequence[Token]
    words: Sequence[str]

    @classmethod
    def of(cls, sql: str) -> Source:
        """Tokenize a statement."""
        tokens = tokenize(sql)
        words = [token.value if token.kind in _WORDS else "" for token in tokens]
        return cls(sql, tokens, words)

    def word(self, place: int) -> str:
        """Return the word at an index; "" before the first and after the last token."""
        return self.words[place] if 0 <= place < len(self.words) else ""

    def text(self, first: int, end: int) -> str:
        """Return the text of the tokens from `first` to before `end`."""
        if first >= end:
            return ""
        return self.sql[self.tokens[first].start : self.tokens[end - 1].end]

    def replaced(self, first: int, end: int, text: str) -> str:
        """Return the statement with the tokens from `first` to before `end` replaced."""
        return self.sql[: self.tokens[first].start] + text + self.sql[self.tokens[end - 1].end :]

    def name(self, place: int) -> str:
        """Return the name at an index, folded; "" if there is none."""
        if 0 <= place < len(self.tokens) and is_name(self.tokens[place]):
            return identifier(self.tokens[place])
        return ""

    def closing(self, opening: int) -> int:
        """Return the index of the parenthesis or bracket that closes the one at `opening`."""
        depth = 0
        for place in range(opening, len(self.words)):
            depth += (self.words[place] in ("(", "[")) - (self.words[place] in (")", "]"))
            if depth == 0:
                return place
        raise refusal("emulator", command="a parenthesis that is not closed")

    def split(self, first: int, end: int, separator: str = ",") -> list[tuple[int, int]]:
        """Return the ranges of tokens between separators outside parentheses. Empty for an empty range."""
        parts: list[tuple[int, int]] = []
        depth, start = 0, first
        for place in range(first, end):
            word = self.words[place]
            depth += (word in ("(", "[", "case")) - (word in (")", "]", "end"))
            if depth == 0 and word == separator:
                parts.append((start, place))
                start = place + 1
        return [*parts, (start, end)] if first < end else []

    def calls(self, function: str) -> list[int]:
        """Return the indexes of the calls of a function."""
        return [
            place
            for place, word in enumerate(self.words)
            if word == function
            and self.word(place + 1) == "("
            and self.word(place - 1) != "."
            and not is_name_of(self.words, place)
        ]
