"""How the operator's commands show what they found and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

MOST_ROWS = 40
_MEANING = {
    "never seen": "neither in the ledger nor in the log: reconcile sends it",
    "stuck": "received, but its execution ended without an answer: reconcile sends it again",
    "unlogged": "in the ledger, but without an answer in the log: reconcile writes its entry",
    "under way": "landed or loaded just now, or its execution runs",
    "not compared": "its table is being loaded, so that the ledger is locked: run again later",
    "fine": "answered for",
}


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int, str], None]]:
    """Shows on a terminal how far it is; call what is given with the number done and a remark."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as shown:
        task = shown.add_task(what, total=total)
        yield lambda done, remark: shown.update(
            task, completed=done, description=f"{what} {remark}".rstrip()
        )


def findings_table(findings: Sequence[Mapping[str, Any]]) -> Table:
    """The first findings, each a line."""
    table = Table("landed", "upload", "version", "finding")
    for each in findings[:MOST_ROWS]:
        table.add_row(each["landed_at"], Text(each["key"]), Text(each["version"]), each["state"])
    if len(findings) > MOST_ROWS:
        table.add_row("...", f"and {len(findings) - MOST_ROWS:,} more; --json lists all", "", "")
    return table


def states_table(counts: Mapping[str, int]) -> Table:
    """How many versions are in which state, and what that means."""
    table = Table("versions", "state", "meaning")
    for state, meaning in _MEANING.items():
        if counts.get(state):
            table.add_row(
                f"{counts[state]:,}",
                state,
                meaning,
                style="bold" if state in ("never seen", "stuck") else "",
            )
    return table


def answers_table(counts: Mapping[str, int], unanswered: int) -> Table:
    """What became of what was sent."""
    table = Table("uploads", "answer")
    for status, count in sorted(counts.items()):
        table.add_row(f"{count:,}", status)
    if unanswered:
        table.add_row(f"{unanswered:,}", "no answer yet; run reconcile again later")
    return table


def reasons(answers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Why uploads were rejected or failed, a line each."""
    refused = [answer for answer in answers if answer["status"] in ("rejected", "failed")]
    for answer in refused[:MOST_ROWS]:
        message = (answer.get("error") or {}).get("message", "")
        yield f"{answer.get('s3_key')}: {answer['status']}: {message}"
    if len(refused) > MOST_ROWS:
        yield f"... and {len(refused) - MOST_ROWS:,} more; the log has them all"
