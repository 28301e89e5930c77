"""The files that a COPY loads and the roles it needs; broken files; the state after a failure."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
from typing import Any

import psycopg2
import pytest

from tests.redshift_emulator.copy.lake import BUCKET, Lake


@pytest.fixture
def table(lake: Lake) -> str:
    return lake.table("a int, b varchar(40)")


def loaded(lake: Lake, table: str) -> list[Any]:
    return [row[0] for row in lake.rows(table)]


def test_a_bare_key_is_a_prefix(lake: Lake, table: str) -> None:
    for number, key in enumerate(
        ("p/data.csv", "p/data.csv.bak", "p/data.csv/deep", "p/datA.csv", "q/data.csv")
    ):
        lake.put(b"%d,x\n" % number, key)
    lake.copy(table, f"s3://{BUCKET}/p/data.csv")
    assert loaded(lake, table) == [0, 1, 2]


def test_names_keep_their_case_with_enable_case_sensitive_identifier(lake: Lake) -> None:
    with lake.connect() as own:
        own.sql("SET enable_case_sensitive_identifier TO on")
        own.sql('CREATE TABLE "Kept" ("Id" int, id int)')
        own.copy('"Kept" (id, "Id")', own.put(b"1,2\n"))
        assert own.sql('SELECT "Id", id FROM "Kept"') == [(2, 1)]


def test_a_prefix_without_objects_fails(lake: Lake, table: str) -> None:
    refused = lake.refusal(table, f"s3://{BUCKET}/nothing-here")
    assert "The specified S3 prefix 'nothing-here' does not exist" in str(refused)
    assert "code:      8001" in (refused.diag.message_detail or "")


@pytest.mark.parametrize(
    "key",
    ["a b.csv", "a+b.csv", "a%20b.csv", "é/ü ñ.csv", "it''s.csv", "a&b=c?d#e.csv", "日本.csv"],
)
def test_keys_are_taken_literally(lake: Lake, table: str, key: str) -> None:
    lake.put(b"1,x\n", f"odd/{key.replace(chr(39) * 2, chr(39))}")
    lake.copy(table, f"s3://{BUCKET}/odd/{key}")
    assert lake.count(table) == 1
    lake.copy(table, lake.manifest(f"s3://{BUCKET}/odd/{key}".replace("''", "'")), "csv manifest")
    assert lake.count(table) == 2


def test_a_manifest_loads_exactly_what_it_lists(lake: Lake, table: str) -> None:
    first, _ = lake.put(b"1,x\n", "m/a.csv"), lake.put(b"2,x\n", "m/a.csv.bak")
    absent = {"url": f"s3://{BUCKET}/m/absent.csv"}
    lake.copy(
        table, lake.manifest(first, absent, {"url": first, "mandatory": False}), "csv manifest"
    )
    assert loaded(lake, table) == [1, 1]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            [{"url": f"s3://{BUCKET}/absent.csv", "mandatory": True}],
            "Mandatory url is not present in manifest file",
        ),
        ([{"url": f"s3://{BUCKET}/absent.csv"}], "No file listed in the manifest"),
        ([{"url": f"s3://{BUCKET}/dir/fi"}], "requires full path of an S3 object"),
        ([{"url": f"s3://{BUCKET}/dir/"}], "requires full path of an S3 object"),
        ([{"url": "http://x/y"}], "not in correct json format"),
        ([{"url": f"s3://{BUCKET}/dir/file", "mandatory": "yes"}], "not in correct json format"),
        ([], "Manifest file has no entries"),
    ],
)
def test_an_invalid_manifest_fails(
    lake: Lake, table: str, entries: list[dict[str, Any]], message: str
) -> None:
    lake.put(b"1,x\n", "dir/file")
    refused = lake.refusal(table, lake.manifest(*entries), "csv manifest")
    assert message in str(refused)
    assert lake.count(table) == 0


def test_a_manifest_that_is_missing_or_not_json_fails(lake: Lake, table: str) -> None:
    missing = lake.refusal(table, f"s3://{BUCKET}/no-such-manifest", "csv manifest")
    assert (
        "Problem reading manifest file - S3ServiceException:The specified key does not exist.,Status 404"
        in str(missing)
    )
    broken = lake.refusal(table, lake.put(b"{"), "csv manifest")
    assert "Manifest file is not in correct json format" in str(broken)
    prefix = lake.refusal(table, lake.manifest(lake.put(b"1,x\n"))[:-5], "csv manifest")
    assert "requires full path" in str(prefix)


def test_a_missing_bucket_fails(lake: Lake, table: str) -> None:
    with pytest.raises(
        psycopg2.Error, match=r"S3ServiceException:.*,Status 404,Error NoSuchBucket"
    ):
        lake.sql(
            f"COPY {table} FROM 's3://no-such-bucket/x' ACCESS_KEY_ID 'test' SECRET_ACCESS_KEY 'test' csv"
        )


def test_a_role_must_trust_redshift(lake: Lake, table: str) -> None:
    lambda_role = lake.add_role("lambda-only", services=("lambda.amazonaws.com",))
    absent = lake.role.replace("/copy", "/absent")
    url = lake.put(b"1,x\n")
    for role in (lambda_role, absent):
        refused = lake.refusal(table, url, role=role)
        assert f"is not authorized to assume IAM Role {role}" in str(refused)
        assert "8001" in (refused.diag.message_detail or "")
    lake.copy(
        table,
        url,
        role=lake.add_role("serverless", services=("redshift-serverless.amazonaws.com",)),
    )
    assert lake.count(table) == 1


def test_the_role_must_have_permissions_on_s3(lake: Lake, table: str) -> None:
    url = lake.put(b"1,x\n")
    refused = lake.refusal(table, url, role=lake.add_role("no-permissions", actions=()))
    assert "S3ServiceException:" in str(refused)
    assert "Status 403,Error AccessDenied" in str(refused)
    getter = lake.add_role("get-only", actions=("s3:GetObject",))
    assert "AccessDenied" in str(lake.refusal(table, url, role=getter))
    lake.copy(table, lake.manifest(url), "csv manifest", role=getter)
    assert lake.count(table) == 1


def test_credentials_and_access_keys_authorize_a_copy(lake: Lake, table: str) -> None:
    url = lake.put(b"1,x\n")
    lake.sql(f"COPY {table} FROM '{url}' CREDENTIALS 'aws_iam_role={lake.role}' csv")
    lake.sql(f"COPY {table} FROM '{url}' ACCESS_KEY_ID 'test' SECRET_ACCESS_KEY 'test' csv")
    assert lake.count(table) == 2


def test_the_default_role_is_the_attached_role(lake: Lake, table: str) -> None:
    by_default = f"COPY {table} FROM '{lake.put(b'1,x')}' IAM_ROLE default csv"
    with pytest.raises(psycopg2.Error, match="default IAM role is not set"):
        lake.sql(by_default)
    lake.attach_default_role(lake.add_role("default-role"))
    lake.sql(by_default)
    assert lake.count(table) == 1


@pytest.mark.parametrize("parameters", ["csv gzip", "csv bzip2", "csv zstd"])
def test_a_truncated_file_fails_and_loads_no_rows(lake: Lake, table: str, parameters: str) -> None:
    packed = gzip.compress(
        b"".join(b"%d,%s\n" % (n, os.urandom(8).hex().encode()) for n in range(100_000))
    )
    url = lake.put(packed[: len(packed) // 2])
    refused = lake.refusal(table, url, parameters)
    assert f"Failed to read file {url}" in str(refused)
    assert lake.count(table) == 0
    assert lake.sql("SELECT 1") == [(1,)]


@pytest.mark.parametrize("parameters", ["csv gzip", "csv gzip maxerror 100000"])
def test_a_flipped_bit_is_reported_as_a_corrupt_file_and_not_as_an_invalid_row(
    lake: Lake, table: str, parameters: str
) -> None:
    """In an uncompressed gzip member a flipped bit is a wrong digit.

    Only the checksum at the end shows that it is damage.
    """
    packed = bytearray(gzip.compress(b"".join(b"%d,x\n" % n for n in range(100_000, 200_000)), 0))
    packed[packed.index(b"100007")] ^= 0x40
    url = lake.put(bytes(packed))
    refused = lake.refusal(table, url, parameters)
    assert f"Failed to read file {url}" in str(refused)
    assert lake.errors(url) == []
    assert lake.count(table) == 0


def test_a_copy_whose_last_file_fails_loads_no_rows(lake: Lake, table: str) -> None:
    good = [lake.put(b"1,x\n" * 1000) for _ in range(3)]
    bad = lake.put(b"1,x\nz,y\n")
    lake.refusal(table, lake.manifest(*good, bad), "csv manifest")
    assert lake.count(table) == 0
    assert [(error.line, error.column, error.file) for error in lake.errors(bad)] == [(2, "a", bad)]


def test_load_errors_in_a_block_remain_after_the_rollback(lake: Lake, table: str) -> None:
    url = lake.put(b"1,x\nz,y\n")
    lake.connection.autocommit = False
    lake.copy(table, lake.put(b"5,x\n"))
    assert lake.count(table) == 1
    lake.refusal(table, url)
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        lake.sql("SELECT 1")
    lake.connection.rollback()
    assert lake.count(table) == 0
    [error] = lake.errors(url)
    assert (error.code, error.line, error.reason) == (
        1207,
        2,
        "Invalid digit, Value 'z', Pos 0, Type: Integer",
    )
    lake.connection.rollback()
    lake.connection.autocommit = True


def test_rolling_back_a_block_removes_the_rows_of_its_copy(lake: Lake, table: str) -> None:
    lake.connection.autocommit = False
    lake.copy(table, lake.put(b"5,x\n"))
    lake.connection.rollback()
    lake.connection.autocommit = True
    assert lake.count(table) == 0


def test_a_column_list_gives_the_order_of_the_fields(lake: Lake) -> None:
    table = lake.table('a int, b varchar(8), c int default 7, "Odd Name" date')
    lake.copy(f'{table} ("odd name", b, A)', lake.put(b"2024-01-01,x,1\n"))
    assert [(row[0], row[1], row[2], str(row[3])) for row in lake.rows(table)] == [
        (1, "x", 7, "2024-01-01")
    ]


@pytest.mark.parametrize(
    ("target", "parameters", "message"),
    [
        ("{t} (a, nope)", "csv", 'column "nope" of relation'),
        ("no_such_table", "csv", "Cannot COPY into nonexistent table no_such_table"),
        ("no_such_schema.{t}", "csv", "Cannot COPY into nonexistent table"),
        ("{t}", "csv explicit_ids", "EXPLICIT_IDS"),
        ("{t}", "parquet", "not supported by this emulator"),
    ],
)
def test_an_invalid_target_or_parameter_is_rejected(
    lake: Lake, table: str, target: str, parameters: str, message: str
) -> None:
    refused = lake.refusal(target.format(t=table), lake.put(b"1,x\n"), parameters)
    assert message in str(refused)


def test_identity_columns_are_generated_unless_explicit_ids_is_given(lake: Lake) -> None:
    table = lake.table("id bigint identity(1,1), a int")
    url = lake.put(b"7\n8\n")
    lake.copy(table, url)
    assert lake.rows(table) == [(1, 7), (2, 8)]
    both = lake.put(b"70,9\n")
    assert "EXPLICIT_IDS" in str(lake.refusal(f"{table} (id, a)", both))
    lake.copy(f"{table} (id, a)", both, "csv explicit_ids")
    assert lake.rows(table)[-1] == (70, 9)


def test_notices_history_and_load_errors_after_a_copy(lake: Lake, table: str) -> None:
    lake.connection.notices.clear()
    url = lake.put(b"1,x\nz,y\n3,z\n")
    lake.copy(table, url, "csv maxerror 2")
    notices = "".join(lake.connection.notices)
    assert (
        f"INFO:  Load into table '{table}' completed, 2 record(s) loaded successfully." in notices
    )
    assert "completed, 1 record(s) could not be loaded.  Check" in notices
    history = lake.sql(
        "SELECT trim(status), loaded_rows, source_file_count, error_count, source_file_bytes, data_source"
        f" FROM sys_load_history WHERE trim(table_name) = '{table}'"
    )
    assert history == [("completed", 2, 1, 1, 12, url)]
    assert len(lake.errors(url)) == 1


def test_replaced_characters_are_reported_in_a_notice(lake: Lake, table: str) -> None:
    lake.connection.notices.clear()
    lake.copy(table, lake.put(b"1,x\n2,\xff\n"), "csv acceptinvchars")
    assert "1 record(s) were loaded with replacements made for ACCEPTINVCHARS" in "".join(
        lake.connection.notices
    )


def test_a_column_that_is_not_loaded_must_allow_null(lake: Lake) -> None:
    table, url = lake.table("a int, b int not null"), lake.put(b"1\n")
    lake.refusal(f"{table} (a)", url)
    assert [(error.code, error.line) for error in lake.errors(url)] == [(1213, 1)]
    assert lake.count(table) == 0


def test_a_temporary_table_is_loaded(lake: Lake) -> None:
    lake.sql("CREATE TEMP TABLE temporary_table (a int)")
    lake.copy("temporary_table", lake.put(b"1\n2\n"))
    assert lake.count("temporary_table") == 2


def test_the_connection_works_after_a_copy_of_any_bytes(lake: Lake) -> None:
    dice = random.Random(11)
    table = lake.table("a int, b varchar(6), c date")
    pieces = [
        b"1",
        b",",
        b",",
        b"\n",
        b"\n",
        b'"',
        b"\r\n",
        b"2024-01-01",
        b"\xff",
        b"\0",
        b"\\N",
        b" ",
        b"x",
        "é".encode(),
    ]
    parameters = [
        "",
        "fillrecord",
        "maxerror 3",
        "ignoreallerrors",
        "acceptinvchars",
        "null as 'x'",
        "ignoreheader 1",
        "gzip",
    ]
    for _ in range(80):
        body = b"".join(dice.choices(pieces, k=dice.randrange(40)))
        with contextlib.suppress(psycopg2.Error):
            lake.copy(table, lake.put(body), "csv " + " ".join(dice.sample(parameters[:-1], 2)))
        assert lake.sql("SELECT 1") == [(1,)]


def test_many_small_files_and_a_large_one(lake: Lake, table: str) -> None:
    urls = [lake.put(b"%d,x\n" % number) for number in range(40)]
    urls.append(lake.put(b"".join(b"%d,some text %d\n" % (n, n) for n in range(200_000))))
    lake.copy(table, lake.manifest(*urls), "csv manifest")
    assert lake.sql(f"SELECT count(*), max(a) FROM {table}") == [(200_040, 199_999)]


def test_a_line_of_100_mb_is_rejected(lake: Lake, table: str) -> None:
    url = lake.put(gzip.compress(b"1,x\n2," + b"x" * 100_000_000, 1))
    lake.refusal(table, url, "csv gzip")
    assert [(error.code, error.line) for error in lake.errors(url)] == [(1216, 2)]


def test_a_cancelled_copy_loads_no_rows(lake: Lake, table: str) -> None:
    url = lake.put(gzip.compress(b"1,some text\n" * 3_000_000, 1))
    lake.sql("SET statement_timeout = 300")
    try:
        refused = lake.refusal(table, url, "csv gzip")
    finally:
        lake.sql("SET statement_timeout = 0")
    assert refused.pgcode == "57014"
    assert lake.count(table) == 0
