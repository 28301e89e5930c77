"""UNLOAD writes what COPY reads back (r_UNLOAD)."""

from __future__ import annotations

import gzip
import json

import psycopg2
import pytest

from redshift_emulator.errors import SqlError
from redshift_emulator.unload import parse_unload
from tests.redshift_emulator.copy.lake import BUCKET, Lake

VALUES = "(1, 'a,\"b'), (2, NULL), (3, 'x\ny'), (4, '|'), (5, 'é')"


def unload(lake: Lake, query: str, prefix: str, options: str = "") -> None:
    """Unload a query to a prefix of the lake."""
    quoted = query.replace("'", "\\'")
    lake.sql(f"UNLOAD ('{quoted}') TO 's3://{BUCKET}/{prefix}' IAM_ROLE '{lake.role}' {options}")


def body(lake: Lake, key: str) -> bytes:
    """Return an object of the lake."""
    content: bytes = lake.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return content


def test_csv_is_quoted_where_it_must_be(lake: Lake) -> None:
    table = lake.table("a int, b varchar(9)")
    lake.sql(f"INSERT INTO {table} VALUES {VALUES}")
    unload(
        lake, f"SELECT a, b AS named FROM {table} WHERE a < 4 ORDER BY a", "plain/", "CSV HEADER"
    )
    assert body(lake, "plain/0000_part_00") == b'a,named\n1,"a,""b"\n2,\n3,"x\ny"\n'


@pytest.mark.parametrize(
    ("options", "copy_options"),
    [
        ("CSV GZIP MANIFEST NULL AS '@'", "CSV GZIP NULL AS '@'"),
        (
            "ESCAPE DELIMITER AS ';' NULL AS '@' MANIFEST VERBOSE",
            "ESCAPE DELIMITER ';' NULL AS '@'",
        ),
    ],
)
def test_copy_reads_what_unload_writes(lake: Lake, options: str, copy_options: str) -> None:
    first, second = lake.table("a int, b varchar(9)"), lake.table("a int, b varchar(9)")
    lake.sql(f"INSERT INTO {first} VALUES {VALUES}")
    unload(lake, f"SELECT * FROM {first}", f"round/{first}_", options)
    if "ESCAPE" in options:
        text = body(lake, f"round/{first}_0000_part_00")
        assert b"3;x\\\ny\n" in text
        assert b"2;@\n" in text
        return  # COPY ... ESCAPE is a limit of the emulator
    lake.sql(
        f"COPY {second} FROM 's3://{BUCKET}/round/{first}_manifest' IAM_ROLE '{lake.role}' MANIFEST {copy_options}"
    )
    rows = lake.sql(f"SELECT * FROM {second} ORDER BY a")
    assert rows == lake.sql(f"SELECT * FROM {first} ORDER BY a")


def test_a_prefix_with_objects_is_refused_unless_they_may_be_overwritten(lake: Lake) -> None:
    unload(lake, "SELECT 1", "full/", "PARALLEL OFF GZIP")
    with pytest.raises(psycopg2.Error, match="Specified unload destination on S3 is not empty"):
        unload(lake, "SELECT 2", "full/")
    unload(lake, "SELECT 2", "full/", "PARALLEL OFF GZIP ALLOWOVERWRITE")
    assert gzip.decompress(body(lake, "full/000.gz")) == b"2\n"
    unload(lake, "SELECT 3 AS a", "full/", "CLEANPATH MANIFEST EXTENSION 'csv' CSV")
    listed = lake.s3.list_objects_v2(Bucket=BUCKET, Prefix="full/")["Contents"]
    assert [item["Key"] for item in listed] == ["full/0000_part_00.csv", "full/manifest"]
    manifest = json.loads(body(lake, "full/manifest"))
    assert manifest["entries"][0]["url"] == f"s3://{BUCKET}/full/0000_part_00.csv"


def test_redshifts_sql_works_in_the_query(lake: Lake) -> None:
    table = lake.table("a int, b super, c varbyte(3)")
    lake.sql(f"""INSERT INTO {table} VALUES (1, JSON_PARSE('{{"x": 7}}'), 'abc')""")
    unload(lake, f"SELECT TOP 1 t.b.x, c, decode(a, 1, 'one') FROM {table} t", "dialect/")
    assert body(lake, "dialect/0000_part_00") == b"7|616263|one\n"


@pytest.mark.parametrize(
    "query", ["DELETE FROM pg_class", "SELECT 1; SELECT 2", "VACUUM", "selec 1"]
)
def test_only_one_query_is_unloaded(lake: Lake, query: str) -> None:
    with pytest.raises(psycopg2.Error):
        unload(lake, query, "refused/")
    assert "Contents" not in lake.s3.list_objects_v2(Bucket=BUCKET, Prefix="refused/")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("FORMAT ORC", "UNLOAD ... FORMAT ORC is not supported by this emulator"),
        ("PARTITION BY (a)", "UNLOAD ... PARTITION is not supported by this emulator"),
        (
            "ENCRYPTED MASTER_SYMMETRIC_KEY 'k'",
            "UNLOAD ... MASTER_SYMMETRIC_KEY is not supported by this emulator",
        ),
        ("KMS_KEY_ID 'k'", "KMS_KEY_ID requires ENCRYPTED without AUTO"),
        ("KMS_KEY_ID 'k' ENCRYPTED AUTO", "KMS_KEY_ID requires ENCRYPTED without AUTO"),
        ("CSV ADDQUOTES", "CSV cannot be used with ADDQUOTES"),
        ("WRONG", 'syntax error at or near "WRONG"'),
    ],
)
def test_an_option_is_refused(options: str, message: str) -> None:
    with pytest.raises(SqlError) as caught:
        parse_unload(f"UNLOAD ('SELECT 1') TO 's3://b/k' IAM_ROLE default {options}")
    assert caught.value.message == message


def test_an_object_is_encrypted_with_the_key_that_is_named(lake: Lake) -> None:
    unload(lake, "SELECT 1", "plain-key/", "ENCRYPTED")
    unload(lake, "SELECT 1", "own-key/", "ENCRYPTED KMS_KEY_ID AS 'alias/mine' MANIFEST")
    for key in ("own-key/0000_part_00", "own-key/manifest"):
        head = lake.s3.head_object(Bucket=BUCKET, Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/mine")
    head = lake.s3.head_object(Bucket=BUCKET, Key="plain-key/0000_part_00")
    assert "SSEKMSKeyId" not in head
