"""The command `redshift-emulator` (python -m redshift_emulator).

It prints `ready HOST PORT` when it listens. With --data-api-port a second line has the address of
the Data API.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import click

from redshift_emulator import __version__
from redshift_emulator.cluster import ClusterError
from redshift_emulator.context import AwsAccess
from redshift_emulator.server import DataApiOptions, Server, ServerOptions, tls_context


@click.command(help="Emulate Amazon Redshift on top of an embedded PostgreSQL.")
@click.version_option(__version__, prog_name="redshift-emulator", message="%(prog)s %(version)s")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="Data folder; created if it does not exist.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default="a free port", help="Port to listen on.")
@click.option(
    "--s3-endpoint", default=None, help="URL of the S3, STS and IAM endpoint that COPY uses."
)
@click.option("--region", default="us-east-1", show_default=True, help="Region of the cluster.")
@click.option(
    "--default-role-file",
    type=click.Path(path_type=Path),
    help="File with the ARN of the role that IAM_ROLE default means.",
)
@click.option(
    "--databases",
    default="dev",
    show_default=True,
    help="Databases to create if they do not exist, separated by commas.",
)
@click.option("--user", default="awsuser", show_default=True, help="Name of the master user.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True),
    help="File with the master user's password. Without it no client is asked for a password.",
)
@click.option(
    "--cert",
    type=click.Path(path_type=Path, exists=True),
    help="TLS certificate (PEM); requires --key.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True),
    help="TLS private key (PEM); requires --cert.",
)
@click.option(
    "--data-api-port",
    type=click.IntRange(0, 65535),
    help="Serve the Data API on this port of the loopback address; 0 takes a free port.",
)
@click.option(
    "--data-api-logins",
    type=click.Path(path_type=Path),
    help="JSON file from the ARN of a secret to a user. Without it every secret is the master user's.",
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path),
    help="File to write `HOST PORT`, and the Data API's below it, to when the server listens.",
)
@click.option(
    "--isolation",
    type=click.Choice(["snapshot", "serializable"]),
    default="snapshot",
    show_default=True,
    help="Isolation level of the databases.",
)
@click.option(
    "--flavour",
    type=click.Choice(["provisioned", "serverless"]),
    default="provisioned",
    show_default=True,
    help="Kind of Redshift to emulate. On serverless stl_load_errors is empty.",
)
@click.option(
    "--exit-with-stdin",
    is_flag=True,
    help="Stop when standard input closes, for example when the parent process ends.",
)
def main(
    data: Path,
    host: str,
    port: int,
    s3_endpoint: str | None,
    region: str,
    default_role_file: Path | None,
    databases: str,
    user: str,
    password_file: Path | None,
    cert: Path | None,
    key: Path | None,
    data_api_port: int | None,
    data_api_logins: Path | None,
    ready_file: Path | None,
    isolation: str,
    flavour: str,
    *,
    exit_with_stdin: bool,
) -> None:
    """Run until SIGTERM, SIGINT or, with --exit-with-stdin, the end of standard input."""
    if (cert is None) != (key is None):
        raise click.UsageError("--cert and --key must be given together")
    if data_api_logins is not None and data_api_port is None:
        raise click.UsageError("--data-api-logins needs --data-api-port")
    _log_to_stderr()
    options = ServerOptions(
        data=data.resolve(),
        host=host,
        port=port,
        databases=tuple(name.strip() for name in databases.split(",") if name.strip()),
        user=user,
        password=password_file.read_text("utf-8").strip() if password_file else None,
        tls=tls_context(cert, key) if cert and key else None,
        aws=AwsAccess(
            s3_endpoint, region, default_role_file.resolve() if default_role_file else None
        ),
        isolation=isolation,
        flavour=flavour,
        data_api=None
        if data_api_port is None
        else DataApiOptions(data_api_port, data_api_logins.resolve() if data_api_logins else None),
    )
    try:
        _serve(options, _stop_pipe(exit_with_stdin=exit_with_stdin), ready_file)
    except ClusterError as error:
        raise click.ClickException(str(error)) from error


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    logging.getLogger("botocore").setLevel(logging.WARNING)


def _serve(options: ServerOptions, stop_requested: int, ready_file: Path | None) -> None:
    """Run a server until the descriptor has something to read."""
    with Server.start(options) as server:
        addresses = [
            server.address,
            *([server.data_api_address] if server.data_api_address else []),
        ]
        lines = "\n".join(f"{host} {port}" for host, port in addresses)
        if ready_file:
            _write_at_once(ready_file, lines + "\n")
        click.echo("ready " + lines)
        # COPY's libraries take a second to import. Do it now, so that the first COPY does not wait.
        imports = threading.Thread(target=importlib.import_module, args=("redshift_emulator.copy",))
        imports.start()
        os.read(stop_requested, 1)
        imports.join()
    if ready_file:
        ready_file.unlink(missing_ok=True)


def _write_at_once(file: Path, text: str) -> None:
    """Write a file so that no reader sees a part of it."""
    new = file.with_name(file.name + ".new")
    new.write_text(text, "utf-8")
    new.replace(file)


def _stop_pipe(*, exit_with_stdin: bool) -> int:
    """Return a descriptor that has something to read as soon as a stop is requested.

    The system may deliver a signal to any thread, and a main thread that waits for a lock does not
    wake up for it. A read from a pipe always does.
    """
    requested, request = os.pipe()
    os.set_blocking(request, False)
    signal.set_wakeup_fd(request, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    if exit_with_stdin:
        threading.Thread(target=_watch_stdin, args=(request,), daemon=True).start()
    return requested


def _watch_stdin(request: int) -> None:
    # Not sys.stdin.read: this thread would still hold the reader's lock when the interpreter exits.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.write(request, b"\0")


if __name__ == "__main__":
    main()
