"""The page of an API with IAM: what the server on this machine signs, and what it refuses."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from etl_cli.api_client import ApiClient, opener_of
from etl_cli.api_signing import signer_of
from etl_cli.signing_proxy import SigningProxy
from etl_cli.stack_outputs import StackSource
from etl_core.model.errors import StackError

OUTPUTS = {
    "api_auth": "iam",
    "region": "eu-central-1",
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": "secret",
}


@pytest.fixture
def upstream() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """An API: its URL, and the path and Authorization header of each request."""
    seen: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["Authorization"]))
            body = json.dumps({"path": self.path}).encode()
            self.send_response(404 if "absent" in self.path else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Set-Cookie", "a=b")
            self.send_header("ETag", '"e"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(upstream: tuple[str, list[tuple[str, str | None]]]) -> Iterator[SigningProxy]:
    api = ApiClient.of({**OUTPUTS, "api_url": upstream[0]}, StackSource("dev"))
    with SigningProxy(api) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(proxy: SigningProxy, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://{proxy.host}{path}", headers=given)
    try:
        with opener_of(request.full_url).open(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_a_request_of_the_page_is_signed_and_its_answer_passed_on(
    proxy: SigningProxy, upstream: tuple[str, list[tuple[str, str | None]]]
) -> None:
    status, headers, body = get(proxy, "/uploads?status=failed%2Crejected", x_api_key=proxy.key)

    assert (status, headers["ETag"], "Set-Cookie" in headers) == (200, '"e"', False)
    assert json.loads(body) == {"path": "/v1/uploads?status=failed%2Crejected"}
    [(_, authorization)] = upstream[1]
    assert authorization is not None
    assert "Credential=AKIDEXAMPLE/" in authorization
    assert "/eu-central-1/execute-api/aws4_request" in authorization
    assert get(proxy, "/uploads/absent", x_api_key=proxy.key)[0] == 404


@pytest.mark.parametrize(
    "headers",
    [{}, {"x_api_key": "wrong"}, {"x_api_key": ""}],
)
def test_without_the_key_of_the_address_nothing_is_asked(
    proxy: SigningProxy,
    upstream: tuple[str, list[tuple[str, str | None]]],
    headers: dict[str, str],
) -> None:
    assert get(proxy, "/tables", **headers)[0] == 403
    assert upstream[1] == []


def test_another_host_name_is_refused_even_with_the_key(
    proxy: SigningProxy, upstream: tuple[str, list[tuple[str, str | None]]]
) -> None:
    """A page of another site could give its name this machine's address."""
    assert get(proxy, "/tables", x_api_key=proxy.key, Host="evil.example.com")[0] == 403
    assert get(proxy, "/", Host="evil.example.com")[0] == 403
    assert upstream[1] == []


def test_the_page_itself_is_open_and_not_signed(
    proxy: SigningProxy, upstream: tuple[str, list[tuple[str, str | None]]]
) -> None:
    assert get(proxy, "/")[0] == 200
    assert upstream[1] == [("/v1/", None)]
    assert proxy.address == f"http://{proxy.host}/#key={proxy.key}"
    assert len(proxy.key) > 30


def test_an_api_that_does_not_answer_is_a_502(proxy: SigningProxy) -> None:
    proxy.api = ApiClient("http://127.0.0.1:1", "", lambda url: {})
    assert get(proxy, "/tables", x_api_key=proxy.key)[0] == 502


def test_without_credentials_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StackError, match="no credentials were found"):
        signer_of({"region": "eu-central-1"}, StackSource("dev"))


def test_a_signed_request_encodes_blanks_as_the_signature_does() -> None:
    url = ApiClient("https://api/v1", "").url_of("/uploads", {"s3_key": "dev/append/a b+c"})
    assert url == "https://api/v1/uploads?s3_key=dev%2Fappend%2Fa%20b%2Bc"
