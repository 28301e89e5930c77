"""Loads rows with dlt: by INSERT and through S3, appended, merged, with a column more."""

import os

import dlt
import psycopg2
from calls import Calls, Target
from dlt.destinations import filesystem, redshift

target, calls = Target(), Calls()
credentials = {
    "database": target.database,
    "host": target.host,
    "port": target.port,
    "username": target.user,
    "password": target.password,
    "query": {"sslmode": "verify-full", "sslrootcert": target.ca_file},
}
direct = redshift(credentials=credentials)
bucket = filesystem(
    bucket_url=f"s3://{target.bucket}/dlt",
    credentials={
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "endpoint_url": target.endpoint,
        "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "region_name": "us-east-1",
    },
)
FIRST = [
    {
        "id": 1,
        "name": "süd'\\",
        "price": 1.5,
        "tags": [{"tag": "a"}, {"tag": "b"}],
        "seen": "2026-01-02T03:04:05Z",
    },
    {"id": 2, "name": None, "price": 2.25, "tags": [], "seen": "2026-01-03T03:04:05Z"},
]
SECOND = [
    {
        "id": 2,
        "name": "two",
        "price": 3.0,
        "tags": [{"tag": "c"}],
        "seen": "2026-01-04T00:00:00Z",
        "extra": True,
    }
]


def rows(sql: str) -> list[tuple[object, ...]]:
    """Run a query."""
    session = psycopg2.connect(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        dbname=target.database,
        sslmode="verify-full",
        sslrootcert=target.ca_file,
    )
    with session, session.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def load(name: str, data: list[dict[str, object]], how: str, **options: object) -> int:
    """Load rows; return the number of failed jobs."""
    pipeline = dlt.pipeline(name, destination=direct, dataset_name=name, **options)
    info = pipeline.run(data, table_name="orders", write_disposition=how, primary_key="id")
    info.raise_on_failed_jobs()
    return len(info.load_packages[0].jobs["failed_jobs"])


show = calls.show
show("insert", lambda: load("plain", FIRST, "append"))
show("append", lambda: load("plain", SECOND, "append"))
show("appended", lambda: rows("select id, name, price, extra from plain.orders order by id, price"))
show("child table", lambda: rows("select tag from plain.orders__tags order by 1"))
show("replace", lambda: (load("plain", SECOND, "replace"), rows("select id from plain.orders"))[1])
show("merge", lambda: (load("merged", FIRST, "merge"), load("merged", SECOND, "merge"))[1])
show("merged", lambda: rows("select id, name, price, extra from merged.orders order by id"))
show("merged children", lambda: rows("select tag from merged.orders__tags order by 1"))
show("state", lambda: rows("select count(*) > 0 from merged._dlt_loads"))
show("staged", lambda: load("staged", FIRST, "append", staging=bucket))
show("staged rows", lambda: rows("select id, name, price, seen from staged.orders order by id"))
calls.finish()
