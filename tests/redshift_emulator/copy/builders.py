"""Builders of options and columns for the tests of COPY."""

from __future__ import annotations

from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.statement import parse_copy


def options(parameters: str = "") -> CopyOptions:
    """Return the options of a CSV COPY with these parameters."""
    return parse_copy(f"copy t from 's3://b/k' iam_role default csv {parameters}")


def column(kind: Kind, length: int = 10, name: str = "c", *, not_null: bool = False) -> Column:
    return Column(
        name,
        kind,
        length if kind in (Kind.CHAR, Kind.VARCHAR, Kind.VARBYTE) else 0,
        not_null=not_null,
    )


def numeric(precision: int, scale: int) -> Column:
    return Column("n", Kind.NUMERIC, precision=precision, scale=scale)
