"""`bootstrap`: prepare a warehouse for the loader, as its administrator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from etl_cli.live_plan import PASSWORD_VARIABLE, USER_VARIABLE
from etl_cli.options import stack_options
from etl_cli.stack_options import DONE, Reply, stack_errors
from etl_cli.stack_outputs import Outputs, StackSource, client_of
from etl_core.access.bootstrap import Access, run_bootstrap
from etl_core.access.messages import LOADER_SECRET_EMPTY, OUTPUTS_WITHOUT_LOADER
from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import Endpoint
from etl_core.adapters.secrets import Credentials, GivenCredentials, SecretStore
from etl_core.model.errors import StackError
from etl_core.model.table_ref import TableRef, faults_of_names


@dataclass(frozen=True)
class Target:
    """A warehouse as the outputs of its stack describe it. Without a secret the loader logs in with IAM."""

    host: str
    port: int
    databases: tuple[str, ...]
    loader: str
    reader: str | None
    secret_arn: str | None
    administrator: Credentials | None = None

    @classmethod
    def parse(cls, outputs: Mapping[str, Any], source: StackSource) -> Target:
        """Return the warehouse of an outputs file. Raises StackError."""
        try:
            if "warehouse" in outputs:
                return cls._local(outputs["warehouse"])
            return cls(
                str(outputs["warehouse_host"]),
                int(outputs["warehouse_port"]),
                tuple(outputs["warehouse_databases"]),
                str(outputs["warehouse_loader"]),
                outputs.get("warehouse_reader") or None,
                outputs.get("warehouse_secret_arn") or None,
            )
        except (KeyError, TypeError, ValueError) as error:
            output = error.args[0] if isinstance(error, KeyError) else "warehouse_port"
            raise StackError(OUTPUTS_WITHOUT_LOADER(path=source, output=output)) from None

    @classmethod
    def _local(cls, local: Mapping[str, Any]) -> Target:
        return cls(
            local["host"],
            local["port"],
            tuple(local["databases"]),
            local["loader"],
            local["reader"] or None,
            local["secret_arn"] or None,
            Credentials(local["user"], local["password"]),
        )


def _table(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> Any:
    tables = []
    for name in names:
        database, slash, table = name.partition("/")
        ref = TableRef.parse(database, table)
        if not slash or list(faults_of_names(ref)):
            raise click.BadParameter(f"{name!r} is not DATABASE/SCHEMA.TABLE")
        tables.append(ref)
    return tuple(tables)


@click.command()
@click.option(
    "--adopt",
    "adopted",
    multiple=True,
    callback=_table,
    metavar="DATABASE/SCHEMA.TABLE",
    help="Make the loader the owner of a table that the pipeline has not loaded yet. Repeatable.",
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificate authorities for a warehouse without an AWS certificate.",
)
@click.option("--dry-run", is_flag=True, help="Show the statements; change nothing.")
@stack_options
@click.pass_context
def bootstrap(
    context: click.Context,
    stack: StackSource,
    adopted: tuple[TableRef, ...],
    ca_file: Path | None,
    dry_run: bool,  # noqa: FBT001 - click passes flags as booleans
    as_json: bool,  # noqa: FBT001
) -> None:
    """Prepare a warehouse for the loader: user, rights, databases, reader role.

    Prints each statement and runs it as the administrator. It can run again at any time. Tables that the pipeline
    loaded under another login change hands. The administrator's login is REDSHIFT_USER and REDSHIFT_PASSWORD, or a
    prompt. `pulumi up` does the same for a warehouse that the stack creates.

    Exit code: 0 done, 2 an option, the stack or the warehouse cannot be used.
    """
    reply = Reply(context, as_json)
    with stack_errors(context):
        outputs = stack.read()
        target = Target.parse(outputs, stack)
        access = _access(target, outputs, stack, adopted)
        endpoint = Endpoint(target.host, target.port, None if ca_file is None else str(ca_file))
        with closing(RedshiftWarehouse(endpoint, _administrator(target))) as warehouse:
            steps = run_bootstrap(warehouse, access, dry_run=dry_run)
    for step in steps:
        reply.show(f"{step.database}: {step.sql}  -- {step.reason}")
    reply.show("nothing was changed" if dry_run else f"{len(steps)} statements ran")
    shown = [{"database": s.database, "statement": s.sql, "reason": s.reason} for s in steps]
    reply.end(DONE, dry_run=dry_run, statements=shown)


def _access(
    target: Target, outputs: Outputs, source: StackSource, adopted: tuple[TableRef, ...]
) -> Access:
    """Return what to establish. With a secret, the loader's name and password are those in it."""
    loader, password = target.loader, None
    if target.secret_arn is not None:
        login = _login(target.secret_arn, outputs, source)
        loader, password = login.username, login.password
    return Access(target.databases, loader, password, target.reader, adopted)


def _login(secret_arn: str, outputs: Outputs, source: StackSource) -> Credentials:
    client = client_of(outputs, source, "secretsmanager")
    login = SecretStore(client, secret_arn).find()
    if login is None:
        raise StackError(LOADER_SECRET_EMPTY(secret=secret_arn))
    return login


def _administrator(target: Target) -> GivenCredentials:
    known = target.administrator
    if known is not None:
        return GivenCredentials(known.username, known.password)
    user = os.environ.get(USER_VARIABLE) or click.prompt("Administrator", err=True)
    password = os.environ.get(PASSWORD_VARIABLE) or click.prompt(
        "Password", hide_input=True, err=True
    )
    return GivenCredentials(user, password)
