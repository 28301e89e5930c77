"""Tables and coloured texts, made with rich. Texts are data: no markup, no emoji codes, no control characters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from etl_cli.terminal import visible, visible_lines

PIPE_WIDTH = 150


class DataConsole(Console):
    """A console that prints strings as data. Its methods take what rich's take."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; strings may have several lines."""
        shown = (visible_lines(each) if isinstance(each, str) else each for each in objects)
        super().print(*shown, **options)


def make_console(*, stderr: bool = False) -> DataConsole:
    """Return a console with the terminal's width, or a fixed width for a pipe or a file."""
    console = DataConsole(stderr=stderr, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


class DataTable(Table):
    """A table whose cells and headers are data. Long words are folded, never cut."""

    def __init__(self, *headers: str, **options: Any) -> None:
        super().__init__(**options)
        for header in headers:
            self.add_column(cell(header), overflow="fold")

    def add_row(self, *cells: Any, **options: Any) -> None:
        """Add a row; a string is one line."""
        super().add_row(
            *(cell(each) if isinstance(each, str) else each for each in cells), **options
        )


def cell(text: object, style: str = "") -> Text:
    """Return the text on one line, as a cell or a part of another text."""
    return Text(visible(text), style=style)


def cell_of_lines(lines: Iterable[object]) -> Text:
    """Return a cell of several lines."""
    return Text("\n".join(map(visible, lines)))
