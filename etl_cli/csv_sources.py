"""The CSV files that `infer` and `check` read, with their progress on a terminal."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from etl_cli.console import make_console
from etl_cli.terminal import visible

_CHUNK_BYTES = 1 << 18
_IN_MEMORY_BYTES = 8 << 20
Reader = Callable[[], Iterator[bytes]]
"""Reads a file from its start in chunks."""
STANDARD_INPUT = Path("-")


@contextmanager
def open_source(path: Path) -> Iterator[Reader]:
    """Yield a function that reads the file, or the standard input for `-`, from its start.

    The standard input is kept in a temporary file, because it is read more than once.
    """
    if path != STANDARD_INPUT:
        with file_chunks(path, f"reading {path.name}") as read:
            yield read
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as kept:
        for chunk in _chunks_of(sys.stdin.buffer):
            kept.write(chunk)

        def read_again() -> Iterator[bytes]:
            kept.seek(0)
            yield from _chunks_of(kept)

        yield read_again


@contextmanager
def file_chunks(path: Path, what: str) -> Iterator[Reader]:
    """Yield a function that reads the file from its start in chunks.

    A terminal shows the progress.
    """
    console = make_console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(visible(what), total=path.stat().st_size)

        def read() -> Iterator[bytes]:
            progress.reset(task)
            with path.open("rb") as file:
                for chunk in _chunks_of(file):
                    progress.advance(task, len(chunk))
                    yield chunk

        yield read


def _chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
