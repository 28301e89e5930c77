"""python -m redshift_emulator: the stand-in as a process of its own. Prints `ready HOST PORT` when it listens."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import click

from redshift_emulator.context import AwsAccess
from redshift_emulator.server import Server, ServerOptions, tls_context


@click.command(help="A local stand-in for Amazon Redshift, over an embedded PostgreSQL.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the data; made when it is new.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default="a free one", help="Port to listen on.")
@click.option(
    "--s3-endpoint", default=None, help="URL of the S3 (and STS, IAM) that COPY reads from."
)
@click.option("--region", default="us-east-1", show_default=True, help="Region of the warehouse.")
@click.option(
    "--default-role-file",
    type=click.Path(path_type=Path),
    help="Holds the ARN of the role that IAM_ROLE default means.",
)
@click.option(
    "--databases", default="dev", show_default=True, help="Databases to make, separated by commas."
)
@click.option("--user", default="awsuser", show_default=True, help="The master user.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True),
    help="Its password. Without: nobody is asked.",
)
@click.option(
    "--cert",
    type=click.Path(path_type=Path, exists=True),
    help="TLS certificate (PEM); needs --key.",
)
@click.option("--key", type=click.Path(path_type=Path, exists=True), help="TLS key (PEM).")
@click.option(
    "--ready-file", type=click.Path(path_type=Path), help="Written when it listens: `HOST PORT`."
)
@click.option(
    "--isolation",
    type=click.Choice(["snapshot", "serializable"]),
    default="snapshot",
    show_default=True,
)
@click.option(
    "--flavour",
    type=click.Choice(["provisioned", "serverless"]),
    default="provisioned",
    show_default=True,
)
@click.option(
    "--exit-with-stdin",
    is_flag=True,
    help="Stop when standard input ends, that is, with the parent process.",
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
    ready_file: Path | None,
    isolation: str,
    flavour: str,
    *,
    exit_with_stdin: bool,
) -> None:
    """Runs until SIGTERM, SIGINT or, on demand, the end of standard input."""
    if (cert is None) != (key is None):
        raise click.UsageError("--cert and --key are needed together")
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    logging.getLogger("botocore").setLevel(logging.WARNING)
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
    )
    ended = _end_signal(exit_with_stdin=exit_with_stdin)
    with Server.start(options) as server:
        place = f"{server.address[0]} {server.address[1]}"
        if ready_file:
            ready_file.write_text(place + "\n", "utf-8")
        click.echo("ready " + place)
        # COPY's libraries take a second to import: not in the first session that needs them.
        imports = threading.Thread(target=importlib.import_module, args=("redshift_emulator.copy",))
        imports.start()
        ended.wait()
        imports.join()
    if ready_file:
        ready_file.unlink(missing_ok=True)


def _end_signal(*, exit_with_stdin: bool) -> threading.Event:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    if exit_with_stdin:
        threading.Thread(target=_watch_stdin, args=(ended,), daemon=True).start()
    return ended


def _watch_stdin(ended: threading.Event) -> None:
    while os.read(
        sys.stdin.fileno(), 4096
    ):  # not the buffered reader: its lock would outlive this thread at exit
        pass
    ended.set()


if __name__ == "__main__":
    main()
