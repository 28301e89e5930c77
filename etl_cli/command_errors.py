"""Errors that a person can act on, as plain text with exit code 1. Imports little."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from etl_cli.api_client import ApiError, ApiUnreachableError
from etl_core.model.errors import EtlError

Command = Callable[..., None]
_EXPECTED = frozenset(("botocore.exceptions", "local_cloud.errors", "psycopg2"))
"""The modules of other expected errors: they are not imported, because commands without them start fast."""


def plain_errors(command: Command) -> Command:
    """Print errors that a person can act on as plain text, with exit code 1.

    Other errors keep their stack trace.
    """

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        with errors_as_text():
            command(*arguments, **options)

    return run


@contextmanager
def errors_as_text() -> Iterator[None]:
    """Raise click.ClickException for the expected errors."""
    try:
        yield
    except EtlError as error:
        raise click.ClickException(error.message) from error
    except ApiError as error:
        raise click.ClickException(error.detail) from error
    except ApiUnreachableError as error:
        raise click.ClickException(str(error)) from error
    except Exception as error:
        if not _is_expected(error):
            raise
        raise click.ClickException(str(error).strip()) from error


def _is_expected(error: Exception) -> bool:
    return any(base.__module__ in _EXPECTED for base in type(error).__mro__)
