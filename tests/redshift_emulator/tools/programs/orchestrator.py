"""Runs Airflow's operators for Redshift without a scheduler: SQLExecuteQueryOperator, S3ToRedshiftOperator."""

import json
import os
import pathlib
import warnings

from calls import Calls, Target

warnings.simplefilter("ignore")
target, calls = Target(), Calls()
os.environ["AIRFLOW_HOME"] = str(pathlib.Path.cwd())
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW_CONN_WAREHOUSE"] = json.dumps(
    {
        "conn_type": "redshift",
        "host": target.host,
        "port": target.port,
        "login": target.user,
        "password": target.password,
        "schema": target.database,
        "extra": {"ssl": False},
    }
)
os.environ["AIRFLOW_CONN_AWS_DEFAULT"] = json.dumps(
    {
        "conn_type": "aws",
        "login": os.environ["AWS_ACCESS_KEY_ID"],
        "password": os.environ["AWS_SECRET_ACCESS_KEY"],
        "extra": {"endpoint_url": target.endpoint, "region_name": "us-east-1"},
    }
)

import boto3  # noqa: E402
from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook  # noqa: E402
from airflow.providers.amazon.aws.transfers.s3_to_redshift import S3ToRedshiftOperator  # noqa: E402
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator  # noqa: E402

hook = RedshiftSQLHook(redshift_conn_id="warehouse")


def run(sql: str, **options: object) -> object:
    """Run SQLExecuteQueryOperator."""
    return SQLExecuteQueryOperator(
        task_id="query", conn_id="warehouse", sql=sql, **options
    ).execute({})


def copy(**options: object) -> object:
    """Run S3ToRedshiftOperator."""
    S3ToRedshiftOperator(
        task_id="copy",
        redshift_conn_id="warehouse",
        aws_conn_id="aws_default",
        s3_bucket=target.bucket,
        s3_key="airflow/rows.csv",
        schema="public",
        table="copied",
        copy_options=["CSV"],
        **options,
    ).execute({})
    return hook.get_records("select id, name from public.copied order by id, name")


boto3.client("s3").put_object(Bucket=target.bucket, Key="airflow/rows.csv", Body=b"1,a\n2,b\n")
show = calls.show
show(
    "create",
    lambda: run("create table public.copied (id integer, name varchar(9), primary key (id))"),
)
show(
    "several",
    lambda: run(
        ["insert into public.copied values (9, 'x')", "select count(*) from public.copied"]
    ),
)
show("parameters", lambda: run("select name from public.copied where id = %s", parameters=(9,)))
show("copy", copy)
show("replace", lambda: copy(method="REPLACE"))
show("upsert", lambda: copy(method="UPSERT"))
show("primary keys", lambda: hook.get_table_primary_key("copied", "public"))
show("test connection", hook.test_connection)
calls.finish()
