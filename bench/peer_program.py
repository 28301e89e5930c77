"""Runs in the peers' own environment: loads one file with another loader, on request.

Reads one JSON request per line, `{"case": ..., "file": ..., "table": ...}`, and answers with one
line, `{"seconds": ...}` or `{"error": ...}`. Only the load is timed: imports, connections and the
creation of the table happen before. The first argument is a JSON object with the addresses.
It imports nothing of the project.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PAGE = 1_000
"""Rows per INSERT. 10,000 are not faster."""


class Peers:
    """The loaders, and their connections to the emulator."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        warehouse = settings["warehouse"]
        self.login = {
            "host": warehouse["host"],
            "port": warehouse["port"],
            "user": warehouse["user"],
            "password": warehouse["password"],
        }
        self.database = warehouse["database"]

    def cases(self) -> Mapping[str, Callable[[str, str], float]]:
        return {
            "wrangler": self.wrangler,
            "pandas": self.pandas,
            "execute_values": self.execute_values,
            "dlt_redshift": self.dlt_redshift,
            "dlt_postgres": self.dlt_postgres,
        }

    def wrangler(self, file: str, table: str) -> float:
        """Upload the file, then `copy_from_files`, as its users do for a CSV file that they have."""
        import awswrangler as wr
        import boto3
        import redshift_connector

        wr.config.s3_endpoint_url = self.settings["aws_endpoint_url"]
        session = boto3.Session(
            self.settings["access_key_id"],
            self.settings["secret_access_key"],
            region_name=self.settings["region"],
        )
        connection = redshift_connector.connect(database=self.database, **self.login)
        path = f"s3://{self.settings['bucket']}/wrangler/{uuid.uuid4().hex}.csv"
        try:
            started = time.perf_counter()
            wr.s3.upload(local_file=file, path=path, boto3_session=session)
            wr.redshift.copy_from_files(
                path=path,
                con=connection,
                table=table,
                schema="public",
                iam_role=self.settings["copy_role"],
                data_format="csv",
                redshift_column_types=dict(self.settings["columns"]),
                mode="append",
                sql_copy_extra_params=["IGNOREHEADER 1"],
                boto3_session=session,
            )
            seconds = time.perf_counter() - started
            wr.s3.delete_objects(path, boto3_session=session)
            return seconds
        finally:
            connection.close()

    def pandas(self, file: str, table: str) -> float:
        """`read_csv`, then `to_sql` with many rows per INSERT."""
        import pandas as pd
        import sqlalchemy as sa

        url = sa.URL.create(
            "redshift+psycopg2",
            self.login["user"],
            self.login["password"],
            self.login["host"],
            self.login["port"],
            self.database,
        )
        engine = sa.create_engine(url, connect_args={"sslmode": "require", "sslrootcert": None})
        try:
            with engine.begin() as connection:
                started = time.perf_counter()
                # In pieces, so that a large file does not need its multiple in memory.
                for frame in pd.read_csv(file, parse_dates=["day", "seen"], chunksize=100_000):
                    frame.to_sql(
                        table,
                        connection,
                        if_exists="append",
                        index=False,
                        method="multi",
                        chunksize=PAGE,
                    )
            return time.perf_counter() - started
        finally:
            engine.dispose()

    def execute_values(self, file: str, table: str) -> float:
        """`csv.reader`, then psycopg2's `execute_values`."""
        import psycopg2
        from psycopg2.extras import execute_values
        from psycopg2.sql import SQL, Identifier

        connection = psycopg2.connect(dbname=self.database, sslmode="require", **self.login)
        try:
            started = time.perf_counter()
            with connection, connection.cursor() as cursor, Path(file).open(newline="") as text:
                rows = csv.reader(text)
                names = SQL(", ").join(map(Identifier, next(rows)))
                statement = SQL("INSERT INTO {} ({}) VALUES %s").format(Identifier(table), names)
                execute_values(cursor, statement, rows, page_size=PAGE)
            return time.perf_counter() - started
        finally:
            connection.close()

    def dlt_redshift(self, file: str, table: str) -> float:
        """Arrow tables into dlt's Redshift destination, which sends INSERT statements."""
        import dlt

        credentials = {
            "database": self.database,
            "username": self.login["user"],
            "password": self.login["password"],
            "host": self.login["host"],
            "port": self.login["port"],
        }
        return self._run_dlt(file, table, dlt.destinations.redshift(credentials), "insert_values")

    def dlt_postgres(self, file: str, table: str) -> float:
        """Arrow tables into dlt's PostgreSQL destination, which sends CSV through COPY."""
        import dlt

        url = self.settings["postgres_url"]
        return self._run_dlt(file, table, dlt.destinations.postgres(url), "csv")

    def _run_dlt(self, file: str, table: str, destination: Any, file_format: Any) -> float:
        import dlt
        import pyarrow.csv

        os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
        os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
        name = f"bench_{uuid.uuid4().hex[:8]}"
        pipeline = dlt.pipeline(
            name,
            pipelines_dir=self.settings["folder"],
            destination=destination,
            dataset_name=name,
        )
        started = time.perf_counter()
        rows = dlt.resource(pyarrow.csv.open_csv(file), name=table)
        information = pipeline.run(rows, loader_file_format=file_format)
        information.raise_on_failed_jobs()
        seconds = time.perf_counter() - started
        with pipeline.sql_client() as client:
            loaded = client.execute_sql(
                f"SELECT COUNT(*) FROM {client.make_qualified_table_name(table)}"
            )
            client.drop_dataset()
        with Path(file).open("rb") as lines:
            if loaded[0][0] != sum(1 for _ in lines) - 1:
                raise RuntimeError(f"dlt loaded {loaded[0][0]} rows")
        pipeline.drop()
        return seconds


def main() -> None:
    cases = Peers(json.loads(sys.argv[1])).cases()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the loaders print goes to the standard error
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer: dict[str, Any] = {
                "seconds": cases[request["case"]](request["file"], request["table"])
            }
        except Exception as error:
            text = " ".join(str(error).split())[:300]
            answer = {"error": f"{type(error).__name__}: {text}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
