"""A progress bar on the terminal. Imports little, so that the commands that send files start fast."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from etl_cli.console import make_console
from etl_cli.terminal import visible


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int, str], None]]:
    """Show progress on a terminal. Call the yielded function with the number done and a remark."""
    console = make_console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(visible(what), total=total)
        yield lambda done, remark: bar.update(
            task, completed=done, description=visible(f"{what} {remark}".rstrip())
        )
