"""The warehouse's secret: what is retried, what is refused, and that its text appears nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.session import Session

from etl_core.adapters.secrets import Credentials, SecretStore
from etl_core.model.errors import EtlError, LoadFailedError, ThrottledError
from local_cloud.tcp_ports import free_port
from tests.guarantees.aws_proxy import AwsProxy, Fault, aws_proxy

NOWHERE = "http://127.0.0.1:9"
ALWAYS = None


@pytest.fixture
def service() -> Iterator[AwsProxy]:
    """Secrets Manager, as far as a test makes it answer."""
    with aws_proxy(NOWHERE) as server:
        yield server


def store(url: str) -> SecretStore:
    client: Any = Session().create_client(
        "secretsmanager",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2),
    )
    return SecretStore(client, "arn:aws:secretsmanager:us-east-1:123456789012:secret:wh")


def answer(service: AwsProxy, text: str) -> None:
    service.fault = Fault(".*", "response", times=ALWAYS, status=200, body={"SecretString": text})


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "ThrottlingException", ThrottledError),
        (500, "InternalServiceError", ThrottledError),
        (503, "ServiceUnavailable", ThrottledError),
        (400, "AccessDeniedException", LoadFailedError),
        (400, "ResourceNotFoundException", LoadFailedError),
    ],
)
def test_only_a_temporary_failure_is_retried(
    service: AwsProxy, status: int, code: str, kind: type[EtlError]
) -> None:
    service.fault = Fault(".*", "response", times=ALWAYS, status=status, code=code)

    with pytest.raises(kind, match=f"Secrets Manager returned {code}") as caught:
        store(service.url).credentials()
    assert type(caught.value) is kind


@pytest.mark.parametrize("url", [f"http://127.0.0.1:{free_port()}", None], ids=["no port", "reset"])
def test_an_unreachable_service_is_retried(service: AwsProxy, url: str | None) -> None:
    service.fault = Fault(".*", "reset", times=ALWAYS)

    with pytest.raises(ThrottledError, match="Secrets Manager could not be reached"):
        store(url or service.url).credentials()


def test_after_a_failure_the_secret_is_read_again_and_then_kept(service: AwsProxy) -> None:
    secrets = store(service.url)
    service.fault = Fault(".*", "response", times=ALWAYS, status=500, code="InternalServiceError")
    with pytest.raises(ThrottledError):
        secrets.credentials()
    answer(service, json.dumps({"username": "etl", "password": "a"}))
    first = secrets.credentials()
    answer(service, json.dumps({"username": "etl", "password": "b"}))

    assert secrets.credentials() is first
    secrets.forget()
    assert secrets.credentials() == Credentials("etl", "b")


@pytest.mark.parametrize("text", ["hunter2", '["hunter2"]', '{"password": "hunter2"}', "null"])
def test_a_secret_that_is_no_login_is_refused_without_its_text(
    service: AwsProxy, text: str
) -> None:
    answer(service, text)

    with pytest.raises(LoadFailedError, match="is not JSON with username and password") as caught:
        store(service.url).credentials()
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert caught.value.__suppress_context__


def test_a_secret_without_a_value_is_found_to_be_empty_and_nothing_else_is(
    service: AwsProxy,
) -> None:
    """Bootstrap writes the first value; it must not overwrite one that it could not read."""
    secret = store(service.url)
    code = "ResourceNotFoundException"
    service.fault = Fault(".*", "response", times=ALWAYS, status=400, code=code)
    assert secret.find() is None
    service.fault = Fault(".*", "response", times=ALWAYS, status=200, body={})
    assert secret.find() is None
    answer(service, json.dumps({"username": "u", "password": "p"}))
    assert secret.find() == Credentials("u", "p")
    answer(service, "not a login")
    with pytest.raises(LoadFailedError, match="not JSON with username and password"):
        secret.find()
    denied = "AccessDeniedException"
    service.fault = Fault(".*", "response", times=ALWAYS, status=400, code=denied)
    with pytest.raises(LoadFailedError, match=denied):
        secret.find()


def test_a_login_that_was_written_is_the_one_in_use(service: AwsProxy) -> None:
    secret = store(service.url)
    answer(service, "")
    secret.write(Credentials("u", "new"))
    assert secret.credentials() == Credentials("u", "new")
    service.fault = Fault(".*", "response", times=ALWAYS, status=400, code="ThrottlingException")
    with pytest.raises(ThrottledError, match="Secrets Manager"):
        secret.write(Credentials("u", "newer"))
