"""The functions of a stack that the recovery commands ask."""

from __future__ import annotations

from dataclasses import dataclass

from etl_cli.stack_outputs import StackSource, client_of, need
from etl_core.adapters.functions import Function


@dataclass(frozen=True)
class Stack:
    """The functions that the recovery commands ask."""

    reconcile: Function
    tables: Function


def open_stack(source: StackSource) -> Stack:
    """Return the functions of a stack. Raises StackError.

    The AWS credentials come from the file for a local cloud, else from the usual places.
    """
    outputs = source.read()
    client = client_of(outputs, source, "lambda")
    return Stack(
        Function(client, need(outputs, "reconcile_function", source)),
        Function(client, need(outputs, "tables_function", source)),
    )
