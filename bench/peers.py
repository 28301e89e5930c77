"""Other loaders: their environment, and the process that runs them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench import workload
from bench.cloud import DATABASE, BenchCloud
from bench.measure import CaseFailedError
from local_cloud.function_environment import FunctionEnvironmentError, create_once

REQUIREMENTS = Path(__file__).with_name("peers.txt")
PROGRAM = Path(__file__).with_name("peer_program.py")
CACHE = Path(__file__).parents[1] / ".cache"


@dataclass(frozen=True)
class Peer:
    """One loader: its name on the page, and in peer_program.py."""

    title: str
    case: str
    into_table: bool = True
    """Whether it loads into the table that exists. dlt creates its own."""


PEERS = (
    Peer("awswrangler copy_from_files", "wrangler"),
    Peer("csv + execute_values", "execute_values"),
    Peer("pandas to_sql", "pandas"),
    Peer("dlt, INSERT", "dlt_redshift", into_table=False),
    Peer("dlt, COPY into PostgreSQL", "dlt_postgres", into_table=False),
)


def ensure_interpreter() -> Path:
    """Return the interpreter of the peers' environment, which is created once per requirements.

    Raises FunctionEnvironmentError if pip cannot install it.
    """
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = CACHE / f"bench-peers-{digest}"
    create_once(folder, REQUIREMENTS, lambda line: print(f"  {line}", flush=True))
    return folder / "bin" / "python"


@dataclass(frozen=True)
class PeerProcess:
    """A running peer_program.py."""

    requests: IO[str]
    answers: IO[str]
    log: Path

    def load(self, peer: Peer, file: Path, table: str) -> float:
        """Return the seconds of one load. Raises CaseFailedError with the loader's error."""
        request = {"case": peer.case, "file": str(file), "table": table}
        self.requests.write(json.dumps(request) + "\n")
        self.requests.flush()
        line = self.answers.readline()
        if not line:
            raise CaseFailedError(f"the process ended: {self.log.read_text()[-300:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise CaseFailedError(answer["error"])
        return float(answer["seconds"])


@contextlib.contextmanager
def peer_process(cloud: BenchCloud, folder: Path) -> Iterator[PeerProcess]:
    """Start the peers for the block. Raises CaseFailedError if they cannot be installed."""
    try:
        interpreter = ensure_interpreter()
    except FunctionEnvironmentError as error:
        raise CaseFailedError(f"not installed: {' '.join(str(error).split())[:300]}") from error
    log = folder / "peers.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [interpreter, PROGRAM, json.dumps(_settings(cloud, folder))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            cwd=folder,
            # redshift_connector always verifies the certificate
            env=os.environ | {"SSL_CERT_FILE": str(cloud.ca_file)},
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield PeerProcess(process.stdin, process.stdout, log)
        finally:
            process.terminate()


def _settings(cloud: BenchCloud, folder: Path) -> dict[str, object]:
    outputs, warehouse = cloud.client.outputs, cloud.client.outputs.warehouse
    with contextlib.closing(cloud.connect_to_postgres()) as connection:
        information = connection.info
        # libpq takes the socket's folder from the query, dlt wants a host and a password.
        postgres = (
            f"postgresql://{information.user}:none@localhost:{information.port}/{DATABASE}"
            f"?host={information.host}"
        )
    return {
        "aws_endpoint_url": outputs.aws_endpoint_url,
        "region": outputs.region,
        "access_key_id": outputs.access_key_id,
        "secret_access_key": outputs.secret_access_key,
        "bucket": cloud.work_bucket,
        "copy_role": cloud.copy_role,
        "columns": workload.COLUMNS,
        "folder": str(folder / "dlt"),
        "postgres_url": postgres,
        "warehouse": {
            "host": warehouse.host,
            "port": warehouse.port,
            "user": warehouse.user,
            "password": warehouse.password,
            "database": DATABASE,
        },
    }
