"""Logins with IAM: both calls with botocore's own checks, and when credentials are asked for again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.session import Session
from botocore.stub import Stubber

from etl_core.adapters.iam_login import (
    IamLogin,
    Temporary,
    cluster_credentials,
    workgroup_credentials,
)
from etl_core.adapters.secrets import Credentials
from etl_core.model.errors import LoadFailedError, ThrottledError

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def client(service: str) -> Any:
    return Session().create_client(
        service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )


def test_a_workgroup_gives_credentials_for_the_role() -> None:
    serverless = client("redshift-serverless")
    with Stubber(serverless) as stub:
        stub.add_response(
            "get_credentials",
            {"dbUser": "IAMR:loader", "dbPassword": "p", "expiration": LATER},
            {"workgroupName": "loads", "durationSeconds": 3600},
        )
        login = IamLogin(workgroup_credentials(serverless, "loads"), lambda: NOON)
        assert login.credentials() == Credentials("IAMR:loader", "p")


def test_a_cluster_gives_credentials_for_the_role() -> None:
    redshift = client("redshift")
    with Stubber(redshift) as stub:
        stub.add_response(
            "get_cluster_credentials_with_iam",
            {"DbUser": "IAMR:loader", "DbPassword": "p", "Expiration": LATER},
            {"ClusterIdentifier": "main", "DurationSeconds": 3600},
        )
        login = IamLogin(cluster_credentials(redshift, "main"), lambda: NOON)
        assert login.credentials() == Credentials("IAMR:loader", "p")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDeniedException", 400, LoadFailedError),
        ("ThrottlingException", 400, ThrottledError),
        ("InternalServerException", 500, ThrottledError),
    ],
)
def test_only_a_temporary_failure_is_retried(code: str, status: int, kind: type[Exception]) -> None:
    serverless = client("redshift-serverless")
    with Stubber(serverless) as stub:
        stub.add_client_error("get_credentials", code, "no", status)
        with pytest.raises(kind, match=f"Redshift returned {code}"):
            IamLogin(workgroup_credentials(serverless, "loads")).credentials()


def test_credentials_are_asked_for_again_before_they_expire_and_after_a_refused_login() -> None:
    asked: list[datetime] = []
    now = [NOON]

    def ask() -> Temporary:
        asked.append(now[0])
        return Temporary(Credentials("u", f"p{len(asked)}"), now[0] + timedelta(hours=1))

    login = IamLogin(ask, lambda: now[0])
    assert login.credentials() == login.credentials() == Credentials("u", "p1")
    now[0] = NOON + timedelta(minutes=54)
    assert login.credentials().password == "p1"
    now[0] = NOON + timedelta(minutes=55)
    assert login.credentials().password == "p2"
    login.forget()
    assert login.credentials().password == "p3"
    assert "p3" not in repr(login.credentials())
