"""Broken transfers, manifests, trust policies, and reading ahead, without S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, IncompleteReadError

from redshift_emulator.copy.roles import trusts_redshift
from redshift_emulator.copy.s3 import Entry, S3Object, parse_manifest, read_object
from redshift_emulator.copy.threads import ReadAhead
from redshift_emulator.errors import SqlError

SOURCE = S3Object("b", "k", 10, '"e"')


class Body:
    """A body whose transfer breaks after a number of bytes."""

    def __init__(self, data: bytes, breaks_after: int) -> None:
        self.data, self.breaks_after = data, breaks_after

    def iter_chunks(self, _: int) -> Iterator[bytes]:
        yield self.data[: self.breaks_after]
        if len(self.data) > self.breaks_after:
            raise IncompleteReadError(actual_bytes=self.breaks_after, expected_bytes=len(self.data))

    def close(self) -> None:
        pass


class Transfers:
    """An S3 client whose transfers break after a number of bytes."""

    def __init__(self, breaks_after: int, failure: Exception | None = None) -> None:
        self.breaks_after, self.failure = breaks_after, failure
        self.ranges: list[str] = []

    def get_object(self, **request: Any) -> dict[str, Any]:
        if self.failure:
            raise self.failure
        self.ranges.append(request["Range"])
        start = int(request["Range"].removeprefix("bytes=").removesuffix("-"))
        return {"Body": Body(b"0123456789"[start:], self.breaks_after)}


def test_a_broken_transfer_is_resumed_where_it_stopped() -> None:
    client: Any = Transfers(3)
    assert b"".join(read_object(client, SOURCE)) == b"0123456789"
    assert client.ranges == ["bytes=0-", "bytes=3-", "bytes=6-", "bytes=9-"]


@pytest.mark.parametrize("breaks_after", [0, 2])
def test_a_transfer_that_breaks_four_times_fails(breaks_after: int) -> None:
    client: Any = Transfers(breaks_after)
    with pytest.raises(SqlError, match="S3ServiceException"):
        list(read_object(client, SOURCE))
    assert len(client.ranges) == 4


def test_an_object_that_changes_during_the_transfer_fails_the_copy() -> None:
    response: Any = {
        "Error": {"Code": "PreconditionFailed"},
        "ResponseMetadata": {"HTTPStatusCode": 412},
    }
    client: Any = Transfers(3, ClientError(response, "GetObject"))
    with pytest.raises(SqlError, match="Status 412,Error PreconditionFailed"):
        list(read_object(client, SOURCE))


def test_a_manifest_is_parsed() -> None:
    text = b'{"entries": [{"url": "s3://b/k", "mandatory": true}, {"url": "s3://b/l", "meta": {"content_length": 1}}]}'
    assert parse_manifest(text) == [
        Entry("s3://b/k", mandatory=True),
        Entry("s3://b/l", mandatory=False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"entries": 1}',
        b'{"entries": [1]}',
        b'{"entries": [{}]}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_an_invalid_manifest_is_rejected(text: bytes) -> None:
    with pytest.raises(SqlError, match="not in correct json format"):
        parse_manifest(text)


def statement(
    effect: str = "Allow", principal: Any = None, action: Any = "sts:AssumeRole"
) -> dict[str, Any]:
    return {
        "Effect": effect,
        "Principal": principal or {"Service": "redshift.amazonaws.com"},
        "Action": action,
    }


@pytest.mark.parametrize(
    ("statements", "trusts"),
    [
        ([statement()], True),
        (statement(), True),
        (
            [
                statement(
                    principal={
                        "Service": ["lambda.amazonaws.com", "redshift-serverless.amazonaws.com"]
                    }
                )
            ],
            True,
        ),
        ([statement(action=["sts:TagSession", "sts:*"])], True),
        ([statement(principal={"Service": "lambda.amazonaws.com"})], False),
        ([statement(principal={"AWS": "arn:aws:iam::123456789012:root"})], False),
        ([statement(action="sts:TagSession")], False),
        ([statement(), statement("Deny")], False),
        ([], False),
    ],
)
def test_only_a_policy_that_names_redshift_trusts_redshift(statements: Any, trusts: bool) -> None:
    assert trusts_redshift({"Statement": statements}) is trusts


def test_reading_ahead_returns_items_raises_errors_and_ends_its_thread() -> None:
    def items() -> Iterator[int]:
        yield from range(100)
        raise ValueError("broken")

    with ReadAhead(items()) as ahead:
        results = iter(ahead)
        assert [next(results) for _ in range(100)] == list(range(100))
        with pytest.raises(ValueError, match="broken"):
            next(results)
    with ReadAhead(iter(range(10**9))) as endless:
        assert next(iter(endless)) == 0
