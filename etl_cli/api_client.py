"""Client of a stack's API. Imports no AWS library, so that the commands that only read start fast."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from etl_cli.stack_outputs import Outputs, StackSource, need

API_SECONDS = 30
PAGE_ENTRIES = 500
"""The most entries that the API returns in one response."""
BUSY = (429, 502, 503, 504)
BUSY_ATTEMPTS = 20
BUSY_SECONDS = 0.5


class ApiError(RuntimeError):
    """The API refused a request. `status` is the HTTP status, `body` the answer's text."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"the API answered {status}: {body}")
        self.status, self.body = status, body

    @property
    def detail(self) -> str:
        """The message for a person."""
        try:
            problem = json.loads(self.body)
            return str(problem["error"]["message"])
        except (ValueError, TypeError, KeyError):
            return str(self)


class ApiUnreachableError(RuntimeError):
    """The API cannot be reached."""


def opener_of(url: str) -> urllib.request.OpenerDirector:
    """Return what opens the URL: through the user's proxy, unless it is on this machine."""
    is_local = urllib.parse.urlsplit(url).hostname in ("127.0.0.1", "localhost")
    return urllib.request.build_opener(*[urllib.request.ProxyHandler({})] if is_local else [])


@dataclass(frozen=True)
class ApiClient:
    """Asks the API of a stack: with its key, or with a signature, if `sign` is given.

    `sign` returns the headers of a request for this URL.
    """

    url: str
    key: str = field(repr=False)
    sign: Callable[[str], Mapping[str, str]] | None = None

    @classmethod
    def of(cls, outputs: Outputs, source: StackSource) -> ApiClient:
        """Return the client for a stack's outputs. Raises StackError if they lack the API, or
        without credentials for an API with IAM.
        """
        url = str(need(outputs, "api_url", source))
        if outputs.get("api_auth") == "iam":
            from etl_cli.api_signing import signer_of

            return cls(url, "", signer_of(outputs, source))
        return cls(url, str(need(outputs, "api_key", source)))

    def headers(self, url: str) -> Mapping[str, str]:
        """Return the headers that authorize a request for this URL."""
        return {"x-api-key": self.key} if self.sign is None else self.sign(url)

    def url_of(self, path: str, parameters: Mapping[str, str] | None = None) -> str:
        """Return the URL of a request."""
        # A signature is over %20, not over the + that forms use.
        encoded = urllib.parse.urlencode(parameters or {}, quote_via=urllib.parse.quote)
        query = f"?{encoded}" if encoded else ""
        return f"{self.url.rstrip('/')}{path}{query}"

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the answer. Repeat the request while the API is busy.

        Raises ApiError when the API refuses it, ApiUnreachableError without an answer.
        """
        for _ in range(BUSY_ATTEMPTS - 1):
            try:
                return self._get_once(path, parameters)
            except ApiError as error:
                if error.status not in BUSY:
                    raise
            time.sleep(BUSY_SECONDS)
        return self._get_once(path, parameters)

    def _get_once(self, path: str, parameters: Mapping[str, str] | None) -> dict[str, Any]:
        url = self.url_of(path, parameters)
        request = urllib.request.Request(url, headers=dict(self.headers(url)))  # noqa: S310
        try:
            with opener_of(url).open(request, timeout=API_SECONDS) as answer:
                page: dict[str, Any] = json.load(answer)
                return page
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, error.read().decode(errors="replace")) from error
        except (OSError, ValueError) as error:
            raise ApiUnreachableError(f"{self.url} does not answer: {error}") from error

    def pages(self, path: str, parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield the items of all pages of /logs, /uploads or /tables."""
        for answer in self.answers(path, parameters):
            yield from answer["items"]

    def answers(self, path: str, parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield the answer for each page of /logs, /uploads or /tables."""
        given = {"limit": str(PAGE_ENTRIES), **parameters}
        while True:
            page = self.get(path, given)
            yield page
            if not page.get("next_token"):
                return
            given = {**given, "next_token": page["next_token"]}
