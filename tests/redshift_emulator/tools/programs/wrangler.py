"""Calls awswrangler.redshift: frames to tables and back, upserts, Parquet through S3, UNLOAD."""

import warnings

import awswrangler
import boto3
import pandas
import redshift_connector
from calls import Calls, Target

warnings.simplefilter("ignore")
target, calls = Target(), Calls()
awswrangler.config.s3_endpoint_url = target.endpoint
awswrangler.config.sts_endpoint_url = target.endpoint
wr = awswrangler.redshift
session = redshift_connector.connect(**target.login, ssl=False)
frame = pandas.DataFrame(
    {
        "id": [1, 2, 3],
        "name": ["a", "b", None],
        "price": [1.5, 2.0, 0.25],
        "day": pandas.to_datetime(["2026-01-02", "2026-01-03", "2026-01-04"]),
    }
)
lake = f"s3://{target.bucket}/wrangler"


def read(table: str, columns: str = "id, name, price") -> object:
    """Return the rows of a table."""
    return wr.read_sql_query(f"select {columns} from public.{table} order by 1", session).to_dict(
        "split"
    )["data"]


show = calls.show
show(
    "to_sql",
    lambda: (
        wr.to_sql(
            frame,
            session,
            "orders",
            "public",
            mode="overwrite",
            index=False,
            primary_keys=["id"],
            diststyle="KEY",
            distkey="id",
            sortkey=["id"],
        ),
        read("orders"),
    )[1],
)
show(
    "append",
    lambda: (
        wr.to_sql(frame.assign(id=[4, 5, 6]), session, "orders", "public", mode="append"),
        read("orders", "count(*)"),
    )[1],
)
show(
    "upsert",
    lambda: (
        wr.to_sql(
            frame.assign(id=[6, 7, 1], name=["f", "g", "A"]),
            session,
            "orders",
            "public",
            mode="upsert",
            primary_keys=["id"],
        ),
        read("orders"),
    )[1],
)
show(
    "read_sql_query types",
    lambda: dict(wr.read_sql_query("select * from orders", session).dtypes.astype(str)),
)
show("read_sql_table", lambda: len(wr.read_sql_table("orders", session, schema="public")))
show(
    "copy",
    lambda: (
        wr.copy(
            frame,
            f"{lake}/copy/",
            session,
            "copied",
            "public",
            mode="overwrite",
            iam_role=target.role,
        ),
        read("copied"),
    )[1],
)
show(
    "copy upsert",
    lambda: (
        wr.copy(
            frame.assign(id=[3, 4, 5]),
            f"{lake}/again/",
            session,
            "copied",
            "public",
            mode="upsert",
            primary_keys=["id"],
            iam_role=target.role,
        ),
        read("copied", "id"),
    )[1],
)
show(
    "copy_from_files",
    lambda: (
        awswrangler.s3.to_parquet(frame, f"{lake}/files/", dataset=True),
        wr.copy_from_files(
            f"{lake}/files/", session, "loaded", "public", iam_role=target.role, mode="overwrite"
        ),
        read("loaded"),
    )[2],
)
show(
    "copy_from_files csv",
    lambda: (
        awswrangler.s3.to_csv(
            frame.drop(columns="day"), f"{lake}/csv/a.csv", index=False, header=False
        ),
        wr.copy_from_files(
            f"{lake}/csv/",
            session,
            "csv",
            "public",
            iam_role=target.role,
            mode="overwrite",
            data_format="csv",
            redshift_column_types={
                "id": "bigint",
                "name": "varchar(9)",
                "price": "double precision",
            },
        ),
        read("csv"),
    )[2],
)
show(
    "unload",
    lambda: (
        wr.unload(
            "select id, name, price from public.copied order by id",
            f"{lake}/unload/",
            session,
            iam_role=target.role,
        )
        .sort_values("id")
        .to_dict("split")["data"]
    ),
)
show(
    "unload_to_files",
    lambda: (
        wr.unload_to_files(
            "select id, name from public.copied",
            f"{lake}/unloaded/",
            session,
            iam_role=target.role,
            unload_format="CSV",
            manifest=True,
        ),
        sorted(
            name.rpartition("/")[2] for name in awswrangler.s3.list_objects(f"{lake}/unloaded/")
        ),
    )[1],
)
show(
    "error",
    lambda: wr.copy_from_files(
        f"{lake}/csv/",
        session,
        "orders",
        "public",
        iam_role=target.role,
        data_format="csv",
        mode="append",
    ),
)
session.close()
boto3.DEFAULT_SESSION = None
calls.finish()
